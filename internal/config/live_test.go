package config_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"settled/internal/config"
)

// unsafe is one thing that only a live installation refuses: what is changed in the safe one, and the place and words of the refusal.
type unsafe struct {
	name    string
	replace []string          // in the text of the safe installation
	files   map[string]string // in its secrets
	want    string
}

const (
	northProofs = "      checkvalue: true\n      signature: false\n"
	northRisk   = "      checkvalue: false\n      signature: false\n      anybody_may_order: true\n"
)

var unsafes = []unsafe{
	{"plain HTTP to ourselves", []string{"public_url: https:", "public_url: http:"}, nil, `public_url: "http://pay.shop-gateway.by" is not https, which a live installation needs`},
	{"plain HTTP to the 3-D Secure server", []string{"url: https://3ds", "url: http://3ds"}, nil, `three_ds.url: "http://3ds.acs-partner.by/v2" is not https`},
	{"plain HTTP to a bank", []string{"url: https://sbp", "url: http://sbp"}, nil, `centers[3].instant.url: "http://sbp.partner-bank.by/api" is not https`},
	{"notifications inside", []string{"only_successful: false", "allow_private: true"}, nil, "merchants[0].notifications.allow_private: is for test installations only"},

	{"orders of anybody", []string{northProofs, ""}, nil, "merchants[0].proofs: anybody can make orders in the merchant's name: write checkvalue: true or signature: true, or, to bear that risk, anybody_may_order: true"},
	{"links of anybody", []string{northProofs, northRisk}, nil, "merchants[0].page.links: an order in a link is made by whoever sends the link: write links: proven or links: refused"},
	{"links of anybody, taken by a word", []string{northProofs, northRisk, "      after: shop\n", "      links: taken\n"}, nil, "merchants[0].page.links: an order in a link"},
	{"short key of a merchant", []string{"north-star.pub.pem", "north-star.short.pem"}, nil, "merchants[0].proofs.public_key_file: the key in secrets/north-star.short.pem has 1024 bits; 2048 are needed: get a longer one of the merchant, or, to bear that risk, write short_public_key: true"},
	{"secret word in the file itself", []string{"secret_word_file: secrets/blue-river.word", "secret_word: 3 otters under 12 willows"}, nil, "merchants[1].secret_word: whoever reads this file reads it: settled merchant secret 100002 puts a new one into a file of its own"},
	{"password of the example", []string{"$N3JpdmVycy00MS1oaWxscw$", "$c2V0dGxlZC1leGFtcGxlMQ$"}, nil, "merchants[0].password_hash: it is that of the example: make another with settled merchant password or settled password-hash"},

	{"short secret word", nil, map[string]string{"north-star.word": "7 kestrels, 41"}, "merchants[0].secret_word_file: the secret has 14 characters; 16 are needed; openssl rand -base64 24 makes one"},
	{"secret word of digits", nil, map[string]string{"north-star.word": "73910462859173046"}, "merchants[0].secret_word_file: the secret is all digits"},
	{"secret word that is the name", nil, map[string]string{"north-star.word": "North Star north_star 1"}, "merchants[0].secret_word_file: the secret has fewer than 8 characters beside names and well-known words"},
	{"guessable secret of the 3-D Secure server", nil, map[string]string{"three-ds.secret": "shop-gateway2026"}, "three_ds.secret_file: the secret has fewer than 8 characters beside names"},
	{"guessable secret of a bank", nil, map[string]string{"sbp.secret": "aaaaaaaaaaaaaaa1"}, "centers[3].instant.secret_file: the secret has fewer than 5 different characters"},
	{"guessable password of a file server", nil, map[string]string{"pc-b.password": "swordfish\n"}, "centers[1].clearing.sftp.password_file: the secret has 9 characters; 12 are needed"},
	{"key of codes that can be guessed", nil, map[string]string{"pc-a.mac": "00000000000000000000000000000001"}, "centers[0].online.mac.key_file: the secret is all digits"},
	{"second key of codes that can be guessed", []string{"key_file: secrets/pc-a.mac\n", "key_file: secrets/pc-a.mac\n        second_key_file: secrets/pc-a.mac2\n"},
		map[string]string{"pc-a.mac2": "12345678123456781234567812345678"}, "centers[0].online.mac.second_key_file: the secret is all digits"},
	{"key of codes of one letter", nil, map[string]string{"pc-a.mac": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"}, "centers[0].online.mac.key_file: the secret has fewer than 5 different characters"},
	{"password that is the login", nil, map[string]string{"pc-b.password": "settled12345\n"}, "centers[1].clearing.sftp.password_file: the secret has fewer than 8 characters beside names"},

	{"example as public host", []string{"pay.shop-gateway.by", "pay.shop-gateway.example"}, nil, "public_url: pay.shop-gateway.example is a name for tests and examples: write the host that is live"},
	{"3-D Secure on this machine", []string{"3ds.acs-partner.by", "127.0.0.1:8443"}, nil, "three_ds.url: 127.0.0.1 is this machine: "},
	{"3-D Secure of a test", []string{"3ds.acs-partner.by", "3ds.acs-partner.test"}, nil, "three_ds.url: 3ds.acs-partner.test is a name for tests"},
	{"bank on this machine", []string{"sbp.partner-bank.by", "[::1]"}, nil, "centers[3].instant.url: ::1 is this machine"},
	{"bank that is invalid", []string{"sbp.partner-bank.by", "SBP.Invalid."}, nil, "centers[3].instant.url: SBP.Invalid. is a name for tests"},
	{"center on this machine", []string{"online.pc-a.by:7001", "127.0.0.53:7001"}, nil, "centers[0].online.address: 127.0.0.53 is this machine"},
	{"center on this machine by name", []string{"online.pc-c.by:7001", "pcsim.localhost:7001"}, nil, "centers[2].online.address: pcsim.localhost is this machine"},
	{"center nowhere", []string{"online.pc-c.by:7001", "0.0.0.0:7001"}, nil, "centers[2].online.address: 0.0.0.0 is this machine"},
	{"center at an address of examples", []string{"online.pc-b.by:7001", "192.0.2.7:7001"}, nil, "centers[1].online.address: 192.0.2.7 is an address for examples"},
	{"file server on this machine", []string{"sftp.pc-b.by:22", "localhost:22"}, nil, "centers[1].clearing.sftp.address: localhost is this machine"},
	{"file server of examples", []string{"sftp.pc-a.by:22", "sftp.example.com:22"}, nil, "centers[0].clearing.sftp.address: sftp.example.com is a name for tests"},
	{"notifications to an example", []string{"https://north-star.by/assist", "https://shop.example.org/assist"}, nil, "merchants[0].notifications.url: shop.example.org is a name for tests"},
	{"return to an example", []string{"return_url: https://north-star.by/order", "return_url: https://north-star.example/order", "return_hosts: [north-star.by]", "return_hosts: [north-star.by, north-star.example]"}, nil, "merchants[0].page.return_url: north-star.example is a name for tests"},
}

// liveText is the safe live installation, built from the example, with replacements.
func liveText(t *testing.T, replace ...string) string {
	t.Helper()
	text := strings.NewReplacer(live...).Replace(string(must(os.ReadFile(example))))
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("the live installation does not contain %q", replace[i])
		}
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	return text
}

// forTests makes a live installation one for tests.
var forTests = []string{"environment: live", "environment: test", "mode: production", "mode: test", "test_mode: false", "test_mode: true"}

// problems are those of the safe installation with the row's changes, and then with others.
func (u unsafe) problems(t *testing.T, then ...string) []config.Problem {
	t.Helper()
	dir := t.TempDir()
	secrets(t, dir)
	for name, text := range u.files {
		write(t, filepath.Join(dir, "secrets", name), text)
	}
	_, err := config.Parse(filepath.Join(dir, "settled.yaml"), []byte(strings.NewReplacer(then...).Replace(liveText(t, u.replace...))))
	var problems config.Problems
	if err != nil && !errors.As(err, &problems) {
		t.Fatal(err)
	}
	return problems
}

// TestUnsafeLiveInstallations: the safe installation is taken without a word; each row changes one thing and is refused for it alone, at its
// place and line, and the same installation for tests is not refused.
func TestUnsafeLiveInstallations(t *testing.T) {
	if got := (unsafe{}).problems(t); got != nil {
		t.Fatalf("the safe installation is refused:\n%v", got)
	}
	for _, u := range unsafes {
		t.Run(u.name, func(t *testing.T) {
			got := u.problems(t)
			if len(got) == 0 || slices.ContainsFunc(got, func(p config.Problem) bool { return p.Line == 0 || !strings.HasPrefix(p.Place+": "+p.Why, u.want) }) {
				t.Fatalf("got %v, want %q alone", got, u.want)
			}
			if got := u.problems(t, forTests...); got != nil {
				t.Errorf("an installation for tests is refused: %v", got)
			}
			for _, p := range got {
				if text := p.String(); strings.Contains(text, "swordfish") || strings.Contains(text, "7391046") {
					t.Errorf("a secret is shown: %s", text)
				}
			}
		})
	}
}

// TestEveryRefusalOfALiveInstallationHasARow reads the sources: what is refused in live only has to be tried above.
func TestEveryRefusalOfALiveInstallationHasARow(t *testing.T) {
	var said []string
	for _, u := range unsafes {
		for _, p := range u.problems(t) {
			said = append(said, p.Why)
		}
	}
	verb := regexp.MustCompile(`%[a-z0-9]+`)
	refusals := refusalsIn(t)
	for _, words := range refusals {
		var form strings.Builder
		for i, part := range verb.Split(words, -1) {
			if i > 0 {
				form.WriteString("(?s:.*)")
			}
			form.WriteString(regexp.QuoteMeta(part))
		}
		if !slices.ContainsFunc(said, regexp.MustCompile("^"+form.String()+"$").MatchString) {
			t.Errorf("no row tries the refusal %q", words)
		}
	}
	if len(refusals) < 8 {
		t.Errorf("only %d refusals were found in the sources", len(refusals))
	}
}

// refusalsIn are the words of all calls of unsafe in this package.
func refusalsIn(t *testing.T) (words []string) {
	t.Helper()
	for _, name := range must(filepath.Glob("*.go")) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		ast.Inspect(must(parser.ParseFile(token.NewFileSet(), name, nil, 0)), func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "unsafe" {
				words = append(words, must(strconv.Unquote(call.Args[1].(*ast.BasicLit).Value)))
			}
			return true
		})
	}
	return words
}

// TestRisksOfALiveInstallationAreWarnings: a risk that is taken in plain words is told each time, with its place.
func TestRisksOfALiveInstallationAreWarnings(t *testing.T) {
	for _, tt := range []struct {
		name    string
		replace []string
		want    string
	}{
		{"none", nil, ""},
		{"orders of anybody", []string{northProofs, northRisk, "      after: shop\n", "      links: refused\n"}, "merchants[0].proofs.anybody_may_order: anybody can make orders in the merchant's name"},
		{"short key", []string{"north-star.pub.pem", "north-star.short.pem\n      short_public_key: true"}, "merchants[0].proofs.public_key_file: the merchant's key is short: whoever can break it makes orders in the merchant's name"},
		{"cards for ever", []string{"  stored_days: 540\n", ""}, "retention: card numbers or personal data of these classes are never erased: stored (docs/retention.md)"},
		{"long key that may be short", []string{"north-star.pub.pem", "north-star.pub.pem\n      short_public_key: true"}, ""},
	} {
		dir := t.TempDir()
		secrets(t, dir)
		cfg, err := config.Parse(filepath.Join(dir, "settled.yaml"), []byte(liveText(t, tt.replace...)))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var got []string
		for _, w := range cfg.Warnings {
			got = append(got, w.Place+": "+w.Why)
			if w.Line == 0 {
				t.Errorf("%s: no line", tt.name)
			}
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("%s: warnings %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := load(t, "checkvalue: true", "checkvalue: true\n      anybody_may_order: true"); len(got) != 1 || !strings.Contains(got[0], "anybody_may_order: orders are proven") {
		t.Errorf("proven and of anybody: %v", got)
	}
	if cfg := exampleConfig(t); len(cfg.Warnings) != 0 {
		t.Errorf("an installation for tests is warned: %v", cfg.Warnings)
	}
}

// secretFiles are the settings of the file that name a file: which of the live installation each is, if it holds a secret.
var secretFiles = map[string]struct {
	file    string // in secrets; empty: it holds no secret
	replace []string
}{
	"signing_key_file":                           {file: "gateway.pem"},
	"three_ds.secret_file":                       {file: "three-ds.secret"},
	"centers[].instant.secret_file":              {file: "sbp.secret"},
	"centers[].clearing.empty_file":              {}, // a word
	"centers[].online.tls.ca_file":               {},
	"centers[].online.tls.certificate_file":      {},
	"centers[].online.tls.key_file":              {file: "pc-a.client.key"},
	"centers[].online.mac.key_file":              {file: "pc-a.mac"},
	"centers[].online.mac.second_key_file":       {file: "pc-a.mac2", replace: []string{"key_file: secrets/pc-a.mac\n", "key_file: secrets/pc-a.mac\n        second_key_file: secrets/pc-a.mac2\n"}},
	"centers[].clearing.sftp.key_file":           {file: "pc-a.key"},
	"centers[].clearing.sftp.password_file":      {file: "pc-b.password"},
	"centers[].clearing.sftp.passphrase_file":    {file: "pc-a.passphrase", replace: []string{"key_file: secrets/pc-a.key", "key_file: secrets/pc-a.locked\n        passphrase_file: secrets/pc-a.passphrase"}},
	"merchants[].secret_word_file":               {file: "north-star.word"},
	"merchants[].proofs.public_key_file":         {},
	"merchants[].notifications.signing_key_file": {file: "north-star.whsec"},
}

// filesOf are the settings below a type that name files.
func filesOf(at string, typ reflect.Type) (out []string) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct {
		if typ.Kind() == reflect.Slice {
			at += "[]"
		}
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		if strings.HasSuffix(at, "_file") && typ.Kind() == reflect.String {
			return []string{at}
		}
		return nil
	}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
		out = append(out, filesOf(strings.TrimPrefix(at+"."+name, "."), typ.Field(i).Type)...)
	}
	return out
}

// TestSecretFilesHaveTheModeOfSecrets: a setting that names a file has a row here, and a file with a secret that others may read is refused
// at its place: in a live installation every other than its owner, in one for tests who is not in its group either.
func TestSecretFilesHaveTheModeOfSecrets(t *testing.T) {
	all := filesOf("", reflect.TypeFor[config.File]())
	for _, key := range all {
		row, known := secretFiles[key]
		if !known {
			t.Errorf("%s has no row: does it hold a secret?", key)
		}
		if row.file == "" {
			continue
		}
		place := regexp.MustCompile(`(?m): ` + strings.ReplaceAll(regexp.QuoteMeta(key), `\[\]`, `\[\d\]`) + `: .* has mode (0\d+): `)
		for _, mode := range []os.FileMode{0o400, 0o640, 0o604, 0o620} {
			dir := t.TempDir()
			secrets(t, dir)
			must(0, os.Chmod(filepath.Join(dir, "secrets", row.file), mode))
			_, err := config.Parse(filepath.Join(dir, "settled.yaml"), []byte(liveText(t, row.replace...)))
			if refused := mode&0o077 != 0; refused != (err != nil) || refused && !place.MatchString(err.Error()) {
				t.Errorf("%s of mode %04o: %v", key, mode, err)
			}
			_, err = config.Parse(filepath.Join(dir, "settled.yaml"), []byte(strings.NewReplacer(forTests...).Replace(liveText(t, row.replace...))))
			if refused := mode&0o007 != 0; refused != (err != nil) || refused && !place.MatchString(err.Error()) {
				t.Errorf("%s of mode %04o in a test installation: %v", key, mode, err)
			}
		}
	}
	if len(all) != len(secretFiles) {
		t.Errorf("%d settings name files, %d have rows", len(all), len(secretFiles))
	}
}
