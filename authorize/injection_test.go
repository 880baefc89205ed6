package authorize_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// hostile are texts that do something where they are not only text: in SQL, HTML, scripts, headers, logs, XML, JSON,
// spreadsheets, templates, shells and formats.
var hostile = []string{
	`' OR '1'='1`, `'; DROP TABLE orders; --`, `1; SELECT pg_sleep(9)`, `\'); DELETE FROM orders WHERE ('1'='1`, `$1`, `%s%n%x`, `{{.}}`, `${7*7}`, "$(id)", "`id`",
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `' onmouseover='alert(1)`, `</title><script>alert(1)</script>`, `&lt;script&gt;`,
	`]]><x>`, `<!--`, `<!DOCTYPE a>`, `&amp;&x;`, `<![CDATA[x]]>`, `"},"orderstate":"Approved","x":{"y":"`, `\u0022`, `\`, `\"`,
	"a\r\nSet-Cookie: x=1", "a\nlevel=ERROR msg=forged", "a\r\n\r\n<html>", "\x1b[31mred\x1b[0m", "a\u2028b\u2029c", "a\u0085b", "\u202eevil", "\ufeffa", "a\x00b", "\x7f",
	`=1+1`, `+1+1`, `-1+1`, `@SUM(A1)`, "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1+1", "＝1+1", "\x01=1+1", `=HYPERLINK("http://x","y")`, `=cmd|'/c calc'!A0`, `'=1+1`, `;=1+1`, "a;responsecode:AS000",
	`../../etc/passwd`, `file:///etc/passwd`, `|ls`, `%0d%0aX: y`, `%00`, `%3Cscript%3E`, strings.Repeat("я", 60), "😀", "á́́",
}

// textParams are the parameters that take any text, by service; the others take numbers, dates or one of a few words and
// are tried for what they refuse.
var textParams = []string{"OrderNumber", "OrderComment", "Cardholder", "Lastname", "Firstname", "Middlename", "Email", "Address", "HomePhone", "WorkPhone",
	"MobilePhone", "Fax", "Country", "State", "City", "Zip"}

// Hostile texts in every field of an order come out of every service, in every format, on pages, in headers and in
// notifications, as the text that is left of them, and the answers stay what their formats say.
func TestHostileTextIsOnlyText(t *testing.T) {
	w, shop := newShopWorld(t, tenants.Notify{AllowPrivate: true})
	m := w.options.Merchants[settletest.Merchant]
	m.Page.Card = true
	w.options.Merchants[settletest.Merchant], w.options.Registerer = m, nil
	w.open()
	for i, text := range hostile {
		w.Clock.Advance(30 * time.Second)
		p := paymentOf(fmt.Sprint(text, "-", i))
		for _, name := range textParams[1:] {
			p[name] = shorten(text, map[string]int{"Country": 3, "State": 3, "Zip": 25, "Fax": 20, "WorkPhone": 20, "MobilePhone": 20, "HomePhone": 64}[name])
		}
		w.wellFormed(fmt.Sprintf("payment with %q", text), pay, p)
		id := w.column1(`SELECT ordernumber FROM orders ORDER BY created_at DESC, order_id DESC LIMIT 1`)
		for _, path := range []string{orderState, orderResult} {
			w.wellFormed(fmt.Sprintf("%s of %q", path, text), path, credentials().with(params{"OrderNumber": id}))
		}
		if r := w.send(http.MethodPost, orderPage, shopOrder(fmt.Sprint("page", i)).with(params{"OrderComment": text, "Lastname": text}).encode()); r.status == http.StatusSeeOther {
			w.plainPage(text, w.follow(r.header.Get("Location")))
		} else {
			w.plainPage(text, r)
		}
	}
	w.Clock.Advance(time.Minute)
	w.wellFormed("the period", byDate, credentials().with(params{"StartYear": "2026", "StartMonth": "3", "StartDay": "2", "StartHour": "0", "StartMin": "0",
		"EndYear": "2026", "EndMonth": "3", "EndDay": "2", "EndHour": "20", "EndMin": "0"}))
	w.tell()
	for _, body := range shop.heard() {
		if v, err := url.ParseQuery(body); err != nil || v.Get("merchant_id") != "100001" || len(v["orderstate"]) != 1 {
			t.Errorf("notification %q: %v", body, err)
		}
	}
	w.checkLog()
}

// shorten cuts a text to so many characters; 0: it stays.
func shorten(text string, most int) string {
	if r := []rune(text); most > 0 && len(r) > most {
		return string(r[:most])
	}
	return text
}

func (w *world) column1(sql string) (text string) {
	w.t.Helper()
	check(w.t, w.Pool.QueryRow(w.t.Context(), sql).Scan(&text))
	return text
}

// wellFormed makes a request in every format and reads each answer with a reader of the format that forgives nothing.
func (w *world) wellFormed(what, path string, p params) {
	w.t.Helper()
	for _, format := range slices.Sorted(maps.Keys(formats)) {
		w.turn(path)
		r := w.form(path, p.with(params{"Format": format}))
		if err := readStrictly(format, r.body); err != nil {
			w.t.Errorf("%s in format %s: %v in %q", what, format, err, r.body)
		}
		for name := range r.header {
			if !slices.Contains([]string{"Content-Type", "Cache-Control", "X-Content-Type-Options", "X-Request-Id", "X-Settled-Repeat", "Content-Length", "Date", "Retry-After"}, name) {
				w.t.Errorf("%s in format %s has a header %s", what, format, name)
			}
		}
		if r.status >= 500 {
			w.t.Errorf("%s in format %s: %d %s", what, format, r.status, r.body)
		}
	}
}

func readStrictly(format, body string) error {
	switch format {
	case "1":
		return readCSV(body)
	case "5":
		var v map[string]any
		return json.Unmarshal([]byte(body), &v)
	}
	return readXML(body)
}

func readXML(body string) error {
	d := xml.NewDecoder(strings.NewReader(body))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "img" || e.Name.Local == "x") {
			return fmt.Errorf("it has an element %s", e.Name.Local)
		}
	}
}

// readCSV reads lines of name:value pairs. No value may be one that a spreadsheet computes, behind whatever it skips.
func readCSV(body string) error {
	if !strings.HasSuffix(body, "\n") || strings.ContainsFunc(strings.ReplaceAll(body, "\n", ""), unicode.IsControl) {
		return errors.New("control characters, or no end of the line")
	}
	width := 0
	for line := range strings.Lines(body) {
		pairs := strings.Split(strings.TrimSuffix(line, "\n"), ";")
		if width == 0 {
			width = len(pairs)
		}
		if len(pairs) != width {
			return fmt.Errorf("a line of %d pairs among such of %d", len(pairs), width)
		}
		for _, pair := range pairs {
			name, value, ok := strings.Cut(pair, ":")
			skipped := strings.TrimLeftFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
			if !ok || strings.ContainsFunc(name, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
				return fmt.Errorf("%q is no pair", pair)
			}
			if _, err := strconv.ParseFloat(value, 64); err == nil {
				continue // a number, negative perhaps, is what it says
			}
			if strings.ContainsAny(shorten(skipped, 1), "=+-@＝＋－＠") && shorten(skipped, 1) != "" {
				return fmt.Errorf("a spreadsheet computes %q", pair)
			}
		}
	}
	return nil
}

// plainPage checks that a page shows a text as text, and has no script or handler that is not its own.
func (w *world) plainPage(text string, r reply) {
	w.t.Helper()
	for _, sign := range []string{"<script>", "<img", "onerror=alert(1)>", "onmouseover='", `href="javascript:`, "</title><"} {
		if strings.Contains(r.body, sign) {
			w.t.Errorf("a page with %q holds %s: %s", text, sign, r.body)
		}
	}
	if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || r.header.Get("Set-Cookie") != "" {
		w.t.Errorf("a page with %q: header %v", text, r.header)
	}
}

// Every hostile text in every parameter of every service is refused, or stripped and taken for text: nobody waits for
// SQL that sleeps, nothing is found that should not be, and no answer is anything but an answer of its format.
func TestHostileTextInEveryParameter(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	asked := w.examples()
	for _, text := range hostile[:4] {
		for _, path := range []string{orderState, orderResult} {
			if first, _ := w.codes(w.form(path, credentials().with(params{"OrderNumber": text})).body); first != 10 {
				t.Errorf("%s found something for %q", path, text)
			}
		}
	}
	for path, service := range described {
		for _, name := range slices.Concat(service.Needs, service.Takes) {
			if slices.Contains([]string{"Format", "Merchant_ID", "Login", "Password"}, name) {
				continue
			}
			for i, text := range hostile {
				p := asked[path].with(params{name: text})
				for given := range asked[path] {
					if given != name && strings.EqualFold(given, name) {
						delete(p, given)
					}
				}
				format := slices.Sorted(maps.Keys(formats))[i%len(formats)]
				r := w.form(path, p.with(params{"Format": format}))
				if err := readStrictly(format, r.body); err != nil || r.status >= 500 {
					t.Errorf("%s with %s=%q in format %s: %d %v in %q", path, name, text, format, r.status, err, r.body)
				}
			}
		}
	}
	if got := w.state("A-1"); got != "PartialCanceled" {
		t.Errorf("the first order is %s", got)
	}
	w.checkLog()
}
