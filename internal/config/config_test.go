package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/authorize/notify"
	"settled/internal/config"
	"settled/internal/money"
)

const example = "../../settled.example.yaml"

// load parses the example with replacements and returns the problems as lines without the file's name.
func load(t *testing.T, replace ...string) []string {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secrets(t, dir)
	out := string(text)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(out, replace[i]) {
			t.Fatalf("the example does not contain %q", replace[i])
		}
		out = strings.Replace(out, replace[i], replace[i+1], 1)
	}
	path := filepath.Join(dir, "settled.yaml")
	_, err = config.Parse(path, []byte(out))
	if err == nil {
		return nil
	}
	if !errors.Is(err, config.ErrInvalid) {
		t.Fatalf("error %v is not ErrInvalid", err)
	}
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(err.Error(), path+":", ""), dir, ""), "\n")
}

// secrets writes the files that the example names.
func secrets(t *testing.T, dir string) {
	t.Helper()
	for name, text := range map[string]string{"pc-b.password": "Trawler7Harbor\n",
		"north-star.word": "7 kestrels over 41 hills\n", "blue-river.word": "3 otters under 12 willows\n", "north-star.whsec": notify.NewKey() + "\n", "three-ds.secret": "q7Zr0vXk2LmT9sBd", "sbp.secret": "Jw4hN8cYp1EfUa6g",
		"gateway.pem": pemText("PRIVATE KEY", key(2048)), "north-star.pub.pem": pemText("PUBLIC KEY", &key(2048).PublicKey), "north-star.short.pem": pemText("PUBLIC KEY", &key(1024).PublicKey)} {
		write(t, filepath.Join(dir, "secrets", name), text)
	}
	for name, text := range linkFiles() {
		write(t, filepath.Join(dir, "secrets", name), text)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lineOf returns the number of the first line of the example that contains the text.
func lineOf(t *testing.T, text string) string {
	t.Helper()
	file, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(file), text)
	if !ok {
		t.Fatalf("the example does not contain %q", text)
	}
	return strconv.Itoa(strings.Count(before, "\n") + 1)
}

func TestExampleIsValid(t *testing.T) {
	if got := load(t); got != nil {
		t.Fatalf("problems in the example:\n%s", strings.Join(got, "\n"))
	}
}

func TestProblemsNameLineAndReason(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"unknown key", "two_stage: true", "two_stages: true", `unknown key "two_stages"`},
		{"value of the wrong kind", "id: 1\n", "id: one\n", "cannot unmarshal !!str `one` as int"},
		{"duplicate key", "name: PC-A", "name: PC-A\n    name: PC-Z", `mapping key "name" already defined`},
		{"broken syntax", "merchants:", "merchants: [", "did not find expected"},
		{"tab as indentation", "    name: PC-A", "\tname: PC-A", "found a tab character that violates indentation"},
		{"declined for a day", "declined_days: 30", "declined_days: 2", "retention.declined_days: 2 is less than 3 days: a declined payment may still be asked about"},
		{"paid for a month", "paid_days: 540", "paid_days: 30", "retention.paid_days: 30 is less than "},
		{"stored for a week", "stored_days: 540", "stored_days: 7", "retention.stored_days: 7 is less than 30 days"},
		{"files for a day", "files_days: 90", "files_days: 1", "retention.files_days: 1 is less than "},
		{"replies for no time", "replies_days: 90", "replies_days: -1", "retention.replies_days: -1 is less than 7 days"},
		{"replies for ever, in digits", "replies_days: 90", "replies_days: 36501", "retention.replies_days: 36501 is more than 36500 days"},
		{"buyers shorter than their cards", "personal_days: 1095", "personal_days: 365", "retention.personal_days: 365 is less than 540 days: while a card number is kept"},
		{"unknown zone", "zone: Europe/Minsk", "zone: Europe/Minks", `ledger.zone: "Europe/Minks" is no IANA time zone`},
		{"missing calendar", "calendar: BY-bank", "calendar: BY-banks", `centers[0].clearing.calendar: there is no calendar "BY-banks"`},
		{"holiday that is no date", "- 2026-01-01", "- 2026-02-30", `calendars.BY-bank.holidays[0]: "2026-02-30" is no date`},
		{"holiday beyond the horizon", "horizon: 2027-12-31", "horizon: 2025-12-31", `calendars.BY-bank: `},
		{"cut-off that is no time", `cutoff: "23:00"`, `cutoff: "24:00"`, `centers[0].clearing.windows[0].cutoff: "24:00" is no time`},
		{"deadline at the cut-off", `deadline: "23:45"`, `deadline: "23:00"`, `centers[0].clearing.windows: `},
		{"unknown charset", "charset: ascii", "charset: koi8", `centers[0].clearing.charset: "koi8" is not one of ascii, latin1, cp037, cp500`},
		{"address without port", `address: "online.pc-a.example:7001"`, `address: "online.pc-a.example"`, `centers[0].online.address: "online.pc-a.example" is no address`},
		{"hold at a single-message center", "two_stage: false", "two_stage: true", "centers[2].capabilities.two_stage: a single-message center cannot hold"},
		{"unknown brand", "belkart, maestro]", "belkart, discover]", `centers[2].brands[4]: "discover" is not one of visa, mastercard`},
		{"brand named twice", "belkart, maestro]", "belkart, visa]", `centers[2].brands[4]: "visa" is named twice`},
		{"no brand at all", "[visa, mastercard, mir, belkart, maestro]", "[]", "centers[2].brands: a center for cards names at least one"},
		{"brands of a bank", "    instant:\n", "    brands: [visa]\n    instant:\n", "centers[3].brands: a center for cards names at least one"},
		{"format that is none", "format: ipm", "format: csv", `centers[0].clearing.format: "csv" is not one of ipm, delimited`},
		{"option of a format that has none", "charset: ascii", "format_options: {delimiter: pipe}", `centers[0].clearing.format_options.delimiter: is no option of format ipm`},
		{"key that a format does not have", "format: ipm\n      charset: ascii\n      blocked: true", "format: delimited\n      charset: latin1", `centers[0].clearing.charset: files of format delimited have none`},
		{"delimiter that is none", "format: ipm\n      charset: ascii\n      blocked: true", "format: delimited\n      format_options: {delimiter: x}", `centers[0].clearing.format_options.delimiter: "x" is not one of caret, pipe, semicolon, comma, tab`},
		{"option that is none", "format: ipm\n      charset: ascii\n      blocked: true", "format: delimited\n      format_options: {colums: pan}", `centers[0].clearing.format_options.colums: is no option of format delimited`},
		{"column that is none", "format: ipm\n      charset: ascii\n      blocked: true", "format: delimited\n      format_options: {columns: pan cvv}", `centers[0].clearing.format_options.columns: delimited: profile: "cvv" is not one of processing_code`},
		{"number wider than a file id's", "sequence: date", "sequence_width: 6", `centers[0].clearing.sequence_width: 6 is not between 1 and 5`},
		{"number of a negative width", "sequence: date", "sequence_width: -1", `centers[0].clearing.sequence_width: -1 is not between 1 and 5`},
		{"numbers that begin again within a date", "sequence: date", "after_last: wrap", `centers[0].clearing.after_last: wrap is for sequence: forever`},
		{"numbers that go on in no known way", "sequence: date", "after_last: continue", `centers[0].clearing.after_last: "continue" is not one of stop, wrap`},
		{"host key that is none", "ssh-ed25519 AAAA", "ssh-ed25519 !!!!", "centers[0].clearing.sftp.host_keys[0]: "},
		{"secret that is not there", "secrets/pc-a.key", "secrets/pc-z.key", "centers[0].clearing.sftp.key_file: open"},
		{"route to an unknown center", "center: PC-A", "center: PC-Q", `merchants[0].routes[0].center: there is no center "PC-Q"`},
		{"currency that does not exist", "currencies: [BYN", "currencies: [BYX", `merchants[0].routes[0].currencies[0]: "BYX" is no ISO 4217 currency`},
		{"currency with two routes", "currencies: [RUB]", "currencies: [BYN]", "merchants[0].routes[1].currencies[0]: BYN has a route already"},
		{"two merchants with one login", "login: blue_river", "login: north_star", "merchants[1].login: north_star is already that of merchants[0]"},
		{"password in the clear", "password_hash: $argon2id$", "password_hash: secret$", "merchants[0].password_hash: an argon2id hash is needed"},
		{"invoiced price that is given back", "return_mdr: true", "mdr_invoiced: true\n        return_mdr: true", "merchants[0].routes[1].return_mdr: an invoiced price cannot be given back"},
		{"two rates at a time", "valid_to: 2026-07-01}", "valid_to: 2026-07-02}", "rates[1]: PLN to BYN has a rate for that time already: rates[0]"},
		{"rate of zero", `"0.8131"`, `"0"`, `rates[0].rate: "0" is no positive decimal number`},
		{"rate to itself", "to: BYN, rate: \"0.8131\"", "to: PLN, rate: \"0.8131\"", "rates[0].to: a currency has no rate to itself"},
		{"rate that ends before it begins", "valid_from: 2026-01-01", "valid_from: 2026-07-01", "rates[0].valid_to: is not after valid_from"},
		{"rate from no instant", "2026-07-01T00:00:00+03:00", "2026-07-01T00:00", "rates[1].valid_from: "},
		{"rate of nobody", "source: National Bank", "source: ''", "rates[0].source: is missing"},
		{"public address with a path", "https://pay.shop-gateway.example", "https://pay.shop-gateway.example/pay", "public_url: "},
		{"key that is none", "secrets/gateway.pem", "secrets/pc-b.password", "signing_key_file: secrets/pc-b.password is no PEM file"},
		{"public key as private", "secrets/gateway.pem", "secrets/north-star.pub.pem", "signing_key_file: secrets/north-star.pub.pem holds no RSA private key"},
		{"private key as public", "public_key_file: secrets/north-star.pub.pem", "public_key_file: secrets/gateway.pem", "merchants[0].proofs.public_key_file: secrets/gateway.pem holds no RSA public key"},
		{"three_ds without secret", "secret_file: secrets/three-ds.secret", "secret_file: ''", "three_ds.secret_file: is missing"},
		{"instant center with an online host", "    instant:\n", "    online: {address: \"x:1\", acquirer: \"1\"}\n    instant:\n", "centers[3].online: a center with capabilities.instant has no online host"},
		{"instant center without bank", "instant: true", "instant: false", "centers[3].instant: is for centers with capabilities.instant"},
		{"amount of 13 digits", "instant: true", "instant: true\n      max_amount: 1000000000000", "centers[3].capabilities.max_amount: 1000000000000 is not between 1 and 999999999999"},
		{"instant center that holds", "instant: true", "instant: true\n      two_stage: true", "centers[3].capabilities.instant: "},
		{"instant center that refunds by file", "refund: online\n    instant", "refund: file\n    instant", "centers[3].capabilities.refund: "},
		{"bank without address", "url: https://sbp.partner-bank.example/api", "url: sbp", `centers[3].instant.url: "sbp" is no address`},
		{"secret too short to sign with", "secret_file: secrets/sbp.secret", "secret_file: secrets/pc-b.password", "centers[3].instant.secret_file: "},
		{"amounts in no unit", "unit: kopecks", "unit: cents", `centers[3].instant.unit: "cents" is not one of kopecks, rubles`},
		{"late payments that vanish", "late_paid: adopt", "late_paid: keep", `centers[3].instant.late_paid: "keep" is not one of adopt, refund`},
		{"means without a route", "center: SBP", "center: PC-B", "merchants[0].page.means[1]: the merchant has no route for instant payments"},
		{"unknown means", "means: [card, instant]", "means: [cash]", `merchants[0].page.means[0]: "cash" is not one of card, instant`},
		{"return to nowhere", "return_ok_url: https://north-star.example/thanks", "return_ok_url: thanks", "merchants[0].page.return_ok_url: "},
		{"unknown customer field", "required: [Lastname", "required: [Shoesize", `merchants[0].page.required[0]: "Shoesize" is not one of Lastname`},
		{"a run that every family has", "    page:\n", "    card_testing:\n      run: 2\n    page:\n", "merchants[0].card_testing.run: 2 is not between 3 and 10000"},
		{"cards stopped for a year", "    page:\n", "    card_testing:\n      stop: 8760h\n    page:\n", "merchants[0].card_testing.stop: "},
		{"too many attempts", "attempts: 3", "attempts: 11", "merchants[0].page.attempts: 11 is not between 1 and 10"},
		{"three_ds of a merchant alone", "three_ds:\n  url: https://3ds.acs-partner.example/v2\n  key_id: shop-gateway\n  secret_file: secrets/three-ds.secret\n  timeout: 10s\n", "", "merchants[0].page.three_ds: needs three_ds at the top"},
		{"signing key without an address", "url: https://north-star.example/assist/result", "url: ''", "merchants[0].notifications.url: is missing"},
		{"signing key that is none", "signing_key_file: secrets/north-star.whsec", "signing_key_file: secrets/north-star.word", "merchants[0].notifications.signing_key_file: notify: not a signing key: line 1 is not whsec_ with 24 to 64 bytes in Base64"},
		{"host of return with a scheme", "return_hosts: [north-star.example]", "return_hosts: [north-star.example, 'https://shop.example']", `merchants[0].page.return_hosts[1]: "https://shop.example" is no name of a host`},
		{"own address of return beside the hosts", "return_hosts: [north-star.example]", "return_hosts: [shop.example]", "merchants[0].page.return_url: north-star.example is not one of return_hosts"},
		{"check value without secret word", "secret_word_file: secrets/north-star.word", "secret_word: ''", "merchants[0].proofs.checkvalue: needs the merchant's secret word"},
		{"signature without key", "signature: false\n      public_key_file: secrets/north-star.pub.pem", "signature: true", "merchants[0].proofs.signature: needs public_key_file"},
		{"notifications to nobody", "url: https://north-star.example/assist/result\n", "url: ''\n", "merchants[0].notifications.url: is missing"},
		{"notifications to another port", "https://north-star.example/assist", "https://north-star.example:8444/assist", "merchants[0].notifications.url: port 8444"},
		{"notifications inside", "https://north-star.example/assist", "https://10.1.2.3/assist", "merchants[0].notifications.url: 10.1.2.3 is in a private network"},
		{"notifications of nothing", "send: [payments", "send: [refunds", `merchants[0].notifications.send[0]: "refunds" is not one of payments, confirmations, cancellations`},
		{"schedule of no job", "audit: ", "audits: ", `schedules.audits: there is no recurring job "audits"`},
		{"spec that never comes", `audit: "*/15 * * * *"`, `audit: "0 0 30 2 *"`, "schedules.audit: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := load(t, tt.old, tt.new)
			if len(got) == 0 {
				t.Fatal("accepted")
			}
			if all := strings.Join(got, "\n"); !strings.Contains(all, tt.want) {
				t.Fatalf("got %s, want %q", all, tt.want)
			}
			for _, line := range got {
				if strings.HasPrefix(line, "0:") || !strings.Contains("123456789", line[:1]) {
					t.Errorf("problem without a line: %s", line)
				}
			}
		})
	}
}

func TestProblemStandsAtItsLine(t *testing.T) {
	want := lineOf(t, "charset: ascii") + ": "
	got := load(t, "charset: ascii", "charset: koi8")
	if len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Fatalf("got %q, want one problem at line %s", got, want)
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	got := load(t, "charset: ascii", "charset: koi8", "mcc: \"5411\"", "mcc: food", "center: PC-A", "center: PC-Q")
	if len(got) != 3 {
		t.Fatalf("got %d problems, want 3:\n%s", len(got), strings.Join(got, "\n"))
	}
}

func TestEmptyAndManyDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "empty",
		"# only a comment\n":            "empty",
		"ledger: {}\n---\nledger: {}\n": "more than one document",
		"[1, 2]\n":                      "cannot unmarshal",
	} {
		_, err := config.Parse("x.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %q", text, err, want)
		}
	}
}

func TestExampleMeans(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	secrets(t, dir)
	cfg, err := config.Parse(filepath.Join(dir, "settled.yaml"), text)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := cfg.Directory.Merchant(cfg.Merchants[0].ID)
	if !ok {
		t.Fatal("merchant is not in the directory")
	}
	byn, _ := money.ParseCurrency("BYN")
	route, ok := m.Route(byn)
	if !ok || route.Center.Name != "PC-A" || route.ConfirmWithin != 48*time.Hour {
		t.Errorf("route of BYN: %+v", route)
	}
	if got := string(cfg.Merchants[0].SecretWord.Reveal()); got != "7 kestrels over 41 hills" {
		t.Errorf("secret word %q", got)
	}
	if got := cfg.Centers[1].Clearing.SFTP.PasswordFile; got != filepath.Join(dir, "secrets/pc-b.password") {
		t.Errorf("password file %q", got)
	}
	if cfg.Centers[2].Clearing != nil {
		t.Error("single-message center has clearing")
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{"SETTLED_LANES": "4", "SETTLED_DRAIN": "5s"}
	e, err := config.ReadEnvironment(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if e.Lanes != 4 || e.Drain != 5*time.Second || e.Listen != "127.0.0.1:8080" {
		t.Errorf("environment: %+v", e)
	}
	for name, value := range map[string]string{"SETTLED_LANES": "0", "SETTLED_DRAIN": "soon", "SETTLED_LOG_LEVEL": "loud"} {
		_, err := config.ReadEnvironment(func(n string) string {
			if n == name {
				return value
			}
			return ""
		})
		if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

// Proxies are networks and addresses in one list; anything else stops the start.
func TestProxies(t *testing.T) {
	read := func(text string) (config.Environment, error) {
		return config.ReadEnvironment(func(name string) string {
			if name == "SETTLED_PROXIES" {
				return text
			}
			return ""
		})
	}
	e, err := read(" 10.1.2.3/8, 192.0.2.1 ,2001:db8::1,")
	if got := fmt.Sprint(e.Proxies); err != nil || got != "[10.0.0.0/8 192.0.2.1/32 2001:db8::1/128]" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"proxy.example", "10.0.0.0/33", "10.0.0.1:80"} {
		if _, err := read(bad); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "SETTLED_PROXIES") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestInboxesAreApart: two centers that share a directory of replies are refused, unless their patterns begin differently.
func TestInboxesAreApart(t *testing.T) {
	shared := []string{`"sftp.pc-b.example:22"`, `"SFTP.pc-a.example:22"`}
	also := func(more ...string) []string { return append(slices.Clone(shared), more...) }
	const own, forever = "^RPY_(?P<file>.+)", "sequence: forever"
	for name, tt := range map[string]struct {
		replace []string
		refused bool
	}{
		"as it is":           {nil, false},
		"one directory":      {shared, true},
		"another directory":  {also("password_file: secrets/pc-b.password", "password_file: secrets/pc-b.password\n        reply_dir: /out-b"), false},
		"another login":      {also("user: settled\n        password_file", "user: other\n        password_file"), false},
		"different patterns": {also(own, "^RPY_A_(?P<file>.+)", forever, forever+"\n      replies: {pattern: '^RPY_B_.+$'}"), false},
		"one within another": {also(own, "^RPY_A_(?P<file>.+)", forever, forever+"\n      replies: {pattern: '^RPY_.+$'}"), true},
		"either or":          {also(own, "^RPY_A_(?P<file>.+)", forever, forever+"\n      replies: {pattern: '^(RPY_B|RPY_A).+$'}"), true},
	} {
		problems := load(t, tt.replace...)
		refused := slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, "look for replies in one directory") })
		if refused != tt.refused || !refused && len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
