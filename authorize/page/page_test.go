package page

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rsc.io/qr"

	"settled/authorize/page/pagetest"
	"settled/internal/money"
)

func TestMain(m *testing.M) { pagetest.Main(m) }

var bothLanguages = []Language{English, Russian}

// everyView calls f with all pages in both languages.
func everyView(t *testing.T, f func(t *testing.T, name string, v *View, text string)) {
	for _, l := range bothLanguages {
		for name, v := range views(l) {
			t.Run(name+"-"+string(l), func(t *testing.T) {
				var text bytes.Buffer
				if err := writePage(&text, v); err != nil {
					t.Fatal(err)
				}
				f(t, name, v, text.String())
			})
		}
	}
}

// maxWeight is what a page may weigh with its style and script, uncompressed.
const maxWeight = 50_000

func TestPagesAreLight(t *testing.T) {
	everyView(t, func(t *testing.T, _ string, _ *View, text string) {
		if weight := len(text) + len(styleText) + len(scriptText); weight >= maxWeight {
			t.Errorf("the page weighs %d bytes, %d and more are too much", weight, maxWeight)
		}
	})
}

var (
	inline  = regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?:[^>]*)>[^<]`)
	foreign = regexp.MustCompile(`(?i)(?:src|srcset|poster|data)="(https?:)?//`)
	input_  = regexp.MustCompile(`<input[^>]*>`)
	control = regexp.MustCompile(`\sid="([^"]+)"`)
)

func TestNothingIsInlineOrForeign(t *testing.T) {
	everyView(t, func(t *testing.T, _ string, _ *View, text string) {
		if found := inline.FindString(text); found != "" {
			t.Errorf("the policy would stop %q", found)
		}
		if found := foreign.FindString(text); found != "" {
			t.Errorf("another host is asked: %q", found)
		}
		if strings.Contains(text, "ZgotmplZ") {
			t.Error("the templates refused a value")
		}
	})
}

func TestPagesAreWellMade(t *testing.T) {
	everyView(t, func(t *testing.T, _ string, v *View, text string) {
		lang := map[Language]string{English: "en", Russian: "ru"}[v.Language]
		for _, part := range []string{"<!doctype html>", `<html lang="` + lang + `">`, "<title>", "<main", style.Path, script.Path} {
			if !strings.Contains(text, part) {
				t.Errorf("no %s", part)
			}
		}
		if n := strings.Count(text, "<h1"); n != 1 {
			t.Errorf("%d headings of the first level", n)
		}
		var ids []string
		for _, id := range control.FindAllStringSubmatch(text, -1) {
			if slices.Contains(ids, id[1]) {
				t.Errorf("two elements are called %s", id[1])
			}
			ids = append(ids, id[1])
		}
		for _, field := range input_.FindAllString(text, -1) {
			id := control.FindStringSubmatch(field)
			if id != nil && !strings.Contains(text, `for="`+id[1]+`"`) {
				t.Errorf("no label for %s", field)
			}
		}
		forms, tokens := strings.Count(text, `action="/pay/pay.cfm`), strings.Count(text, `name="Session" value="session-token"`)
		if forms != tokens {
			t.Errorf("%d forms of ours, %d of them with the session", forms, tokens)
		}
	})
}

func TestCardFieldsTellBrowsersWhatTheyAre(t *testing.T) {
	text := rendered(t, viewOf(English, plain()))
	for name, attributes := range map[string][]string{
		FieldNumber: {`autocomplete="cc-number"`, `inputmode="numeric"`},
		FieldExpiry: {`autocomplete="cc-exp"`, `inputmode="numeric"`},
		FieldCVC:    {`autocomplete="cc-csc"`, `inputmode="numeric"`},
		FieldHolder: {`autocomplete="cc-name"`},
		"Email":     {`autocomplete="email"`, `type="email"`},
		"Lastname":  {`autocomplete="family-name"`},
	} {
		field := fieldIn(t, text, name)
		for _, attribute := range append(attributes, `aria-required="true"`, `aria-describedby="`, name+`-error"`) {
			if !strings.Contains(field, attribute) {
				t.Errorf("%s has no %s", field, attribute)
			}
		}
	}
}

func rendered(t *testing.T, v *View) string {
	t.Helper()
	var text bytes.Buffer
	if err := writePage(&text, v); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// fieldIn is the input element of a name, up to its end.
func fieldIn(t *testing.T, text, name string) string {
	t.Helper()
	for _, field := range input_.FindAllString(text, -1) {
		if strings.Contains(field, `name="`+name+`"`) {
			return field
		}
	}
	t.Fatalf("there is no field %s", name)
	return ""
}

func TestErrorsStandBesideTheirFields(t *testing.T) {
	text := rendered(t, views(Russian)["payment-errors"])
	for name, complaint := range map[string]string{"Email": "Например, name@example.com", FieldNumber: "Заполните поле",
		FieldExpiry: "Срок истёк", FieldCVC: "Проверьте код", FieldHolder: "Латинскими буквами, как на карте"} {
		if !strings.Contains(fieldIn(t, text, name), `aria-invalid="true"`) {
			t.Errorf("%s is not marked", name)
		}
		if !strings.Contains(text, `id="`+name+`-error">`+complaint+"<") {
			t.Errorf("%s has no %q", name, complaint)
		}
	}
	if !strings.Contains(fieldIn(t, text, "Email"), " autofocus") || strings.Count(text, " autofocus") != 1 {
		t.Error("the first wrong field, and only that, has the focus")
	}
	if strings.Contains(fieldIn(t, text, "Lastname"), "aria-invalid") || !strings.Contains(fieldIn(t, text, "Lastname"), `value="Петров"`) {
		t.Error("what was right is not kept as it was")
	}
}

// TestEveryProblemHasWords: a handler may report any problem that a field can have.
func TestEveryProblemHasWords(t *testing.T) {
	for _, name := range append(slices.Clone(CustomerFields), FieldNumber, FieldExpiry, FieldCVC, FieldHolder) {
		for _, problem := range []Problem{ProblemRequired, ProblemFormat} {
			p := Payment{Means: []Means{MeansCard}, Errors: map[string]Problem{name: problem}}
			if slices.Contains(CustomerFields, name) {
				p.Fields = []Field{{Name: name}}
			}
			if text := rendered(t, viewOf(English, p)); !regexp.MustCompile(`id="` + name + `-error">[A-Z]`).MatchString(text) {
				t.Errorf("no words for %s of %s", problem, name)
			}
		}
	}
}

// TestHostileTextsStayTexts puts markup and formulas into every text of a View (reliability H3).
func TestHostileTextsStayTexts(t *testing.T) {
	const bad = `"><script>alert(1)</script><img src=x onerror=alert(2)>'` + "`{{.}}javascript:alert(3)"
	hostile := func(b Body) *View {
		v := viewOf(English, b)
		v.Order = Order{Merchant: bad, Number: bad, Comment: bad, Amount: rub(100), Original: usd(100), Rate: bad, Source: bad}
		v.Test = &Test{[]TestCard{{bad, bad, bad, bad}}}
		v.Token, v.Action, v.SessionURL, v.StatusURL, v.ShopURL = bad, bad, bad, bad, "javascript:alert(1)//"+bad
		v.Languages = []LanguageLink{{English, bad}, {Russian, "javascript:alert(1)"}}
		return v
	}
	p := plain()
	p.Holder, p.Fields[0].Value, p.Schemes, p.Decline = bad, bad, []string{bad}, &Decline{bad, bad}
	p.Saved = []Saved{{ID: bad, Scheme: bad, Mask: bad, Expiry: bad}}
	for _, b := range []Body{p, Wait{}, QR{Payload: bad, Banks: []Bank{{bad, "https://bank.example"}}}, QR{},
		Method{"https://acs.example", bad}, Challenge{"https://acs.example", bad, bad}, MethodDone{},
		Result{Outcome: OutcomeDeclined, Decline: &Decline{bad, bad}, Bill: bad, Means: bad, Approval: bad, RetryURL: "javascript:alert(1)"},
		Failure{Reason: ReasonRequest, Detail: bad}} {
		text := rendered(t, hostile(b))
		for _, sign := range []string{"<script>", "<img", `="javascript:`, "onerror=alert(2)>"} {
			if strings.Contains(text, sign) {
				t.Errorf("%s holds %s", b.Name(), sign)
			}
		}
	}
}

func TestTextsAreComplete(t *testing.T) {
	verbs := regexp.MustCompile(`%[a-z]`)
	for key, text := range texts {
		for l := range languages {
			if strings.TrimSpace(text[l]) == "" || text[l] != strings.TrimSpace(text[l]) {
				t.Errorf("%s: %q in language %d", key, text[l], l)
			}
		}
		if en, ru := verbs.FindAllString(text[english], -1), verbs.FindAllString(text[russian], -1); !slices.Equal(en, ru) {
			t.Errorf("%s: arguments %v and %v", key, en, ru)
		}
		if regexp.MustCompile(`[А-Яа-я]`).MatchString(text[english]) && key != "language.RU" {
			t.Errorf("%s: the English text is not English", key)
		}
		if !regexp.MustCompile(`[А-Яа-я]`).MatchString(text[russian]) && !slices.Contains([]string{"language.EN", "field.Cvc2", "order.rate.is"}, key) {
			t.Errorf("%s: the Russian text is not Russian", key)
		}
	}
}

// TestEveryTextIsUsed looks for each key in the templates, whole or as built from a prefix.
func TestEveryTextIsUsed(t *testing.T) {
	var source strings.Builder
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := templateFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	code, err := os.ReadFile("sheet.go")
	if err != nil {
		t.Fatal(err)
	}
	source.Write(code)
	words := strings.ReplaceAll(source.String(), `" + `, `"+`)
	for key := range texts {
		whole := strings.Contains(words, `"`+key+`"`)
		prefix := key[:strings.Index(key, ".")+1]
		built := strings.Contains(words, `"`+prefix+`%s`) || strings.Contains(words, `"`+prefix+`"+`)
		if !whole && !built {
			t.Errorf("nothing shows %s", key)
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, test := range []struct {
		name  string
		view  *View
		parts []string
	}{
		{"payment", viewOf(English, plain()), []string{"form-action 'self';", "frame-ancestors 'none'"}},
		{"method", views(English)["method"], []string{"form-action 'self' https://acs.example;", "frame-src 'self' https://acs.example;"}},
		{"challenge", views(English)["challenge"], []string{"form-action 'self' https://acs.example;", "frame-ancestors 'none'"}},
		{"method done", views(English)["method-done"], []string{"frame-ancestors 'self'"}},
	} {
		policy := headersOf(t, test.view)["Content-Security-Policy"]
		for _, part := range append(test.parts, "default-src 'none';", "script-src 'self';", "style-src 'self';", "img-src 'self' data:;",
			"connect-src 'self';", "base-uri 'none'") {
			if !strings.Contains(policy+";", part) {
				t.Errorf("%s: no %s in %s", test.name, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "frame-src") != (test.name == "method") {
			t.Errorf("%s: %s", test.name, policy)
		}
	}
}

func headersOf(t *testing.T, v *View) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	if err := Serve(w, 200, v); err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	for name := range w.Header() {
		headers[name] = w.Header().Get(name)
	}
	return headers
}

func TestHeadersOfEveryPage(t *testing.T) {
	everyView(t, func(t *testing.T, name string, v *View, _ string) {
		h := headersOf(t, v)
		for header, value := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8"} {
			if h[header] != value {
				t.Errorf("%s is %q", header, h[header])
			}
		}
		if (h["X-Frame-Options"] == "DENY") == (name == "method-done") {
			t.Errorf("X-Frame-Options is %q", h["X-Frame-Options"])
		}
	})
}

func TestOriginsOfThePolicy(t *testing.T) {
	v := viewOf(English, plain())
	v.RedirectTo = []string{"https://Shop.Example:8443/ok?a=b", "https://shop.example:8443/no", "http://магазин.рф/"}
	v.FrameAncestors = []string{"https://shop.example"}
	policy := headersOf(t, v)["Content-Security-Policy"]
	for _, part := range []string{"form-action 'self' https://shop.example:8443 http://xn--80aairftm.xn--p1ai;", "frame-ancestors https://shop.example"} {
		if !strings.Contains(policy, part) {
			t.Errorf("no %q in %s", part, policy)
		}
	}
	for _, bad := range []string{"javascript:alert(1)", "//shop.example", "https://a.example;script-src *", "https://", "ftp://shop.example"} {
		v.RedirectTo = []string{bad}
		w := httptest.NewRecorder()
		if err := Serve(w, 200, v); err == nil || w.Body.Len() > 0 {
			t.Errorf("%s was taken: %v", bad, w.Header())
		}
	}
}

func TestWrongViewsAreRefused(t *testing.T) {
	for name, body := range map[string]Body{
		"nothing":           nil,
		"no means":          Payment{},
		"unknown field":     Payment{Means: []Means{MeansCard}, Fields: []Field{{Name: "Cvc2"}}},
		"script for a bank": QR{Payload: "x", Banks: []Bank{{"Bank", "javascript:alert(1)"}}},
		"no server":         Challenge{Request: "x"},
		"no method server":  Method{URL: "/pay"},
		"unknown outcome":   Result{Outcome: "great"},
		"unknown reason":    Failure{Reason: "bad luck"},
		"too long for a QR": QR{Payload: strings.Repeat("x", 5000)},
		"unknown notice":    Payment{Means: []Means{MeansCard}, Notice: "hello"},
		"unknown means":     Payment{Means: []Means{MeansCard, "shells"}},
		"unknown problem":   Payment{Means: []Means{MeansCard}, Errors: map[string]Problem{FieldCVC: "ugly"}},
	} {
		var text bytes.Buffer
		if err := writePage(&text, viewOf(English, body)); err == nil || text.Len() > 0 {
			t.Errorf("%s: %v, and %d bytes", name, err, text.Len())
		}
	}
}

func TestStatic(t *testing.T) {
	for _, a := range []asset{style, script} {
		w := httptest.NewRecorder()
		Static().ServeHTTP(w, httptest.NewRequest("GET", a.Path, nil))
		if w.Code != 200 || w.Body.String() != a.text || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", a.Path, w.Code, w.Header())
		}
	}
	if a, b := newAsset(".css", "", "a"), newAsset(".css", "", "b"); a.Path == b.Path || a.Integrity == b.Integrity {
		t.Error("the name does not follow the content")
	}
	w := httptest.NewRecorder()
	Static().ServeHTTP(w, httptest.NewRequest("GET", StaticPath+"page.css", nil))
	if w.Code != 404 {
		t.Errorf("a name without the hash: %d", w.Code)
	}
}

// TestSVGDrawsTheCode paints the rectangles again and compares them with the code.
func TestSVGDrawsTheCode(t *testing.T) {
	text, err := SVG(payload)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(payload, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	dark := map[[2]int]bool{}
	for _, r := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H\d+z`).FindAllStringSubmatch(string(text), -1) {
		var x, y, width int
		if _, err := fmt.Sscan(r[1], &x); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Sscan(r[2], &y)
		_, _ = fmt.Sscan(r[3], &width)
		for i := range width {
			dark[[2]int{x + i - quiet, y - quiet}] = true
		}
	}
	for y := -quiet; y < code.Size+quiet; y++ {
		for x := -quiet; x < code.Size+quiet; x++ {
			if code.Black(x, y) != dark[[2]int{x, y}] {
				t.Fatalf("module %d, %d is wrong", x, y)
			}
		}
	}
}

func TestFormatMoney(t *testing.T) {
	for _, test := range []struct {
		amount           money.Amount
		english, russian string
	}{
		{rub(10_000), "100.00 RUB", "100,00 ₽"},
		{rub(123_456_789), "1,234,567.89 RUB", "1 234 567,89 ₽"},
		{usd(99), "0.99 USD", "0,99 USD"},
		{money.Amount{Minor: 1500, Currency: money.JPY}, "1,500 JPY", "1 500 JPY"},
		{money.Amount{Minor: 1_234_567, Currency: money.KWD}, "1,234.567 KWD", "1 234,567 KWD"},
	} {
		for l, want := range []string{test.english, test.russian} {
			if got := strings.ReplaceAll(formatMoney(test.amount, l), noBreak, " "); got != want {
				t.Errorf("%q, not %q", got, want)
			}
		}
	}
}

func TestParseExpiry(t *testing.T) {
	for text, want := range map[string][2]int{"12/29": {12, 2029}, "12 / 29": {12, 2029}, "1229": {12, 2029}, "4/29": {4, 2029},
		"04/2029": {4, 2029}, "042029": {4, 2029}} {
		if m, y, ok := ParseExpiry(text); !ok || m != want[0] || y != want[1] {
			t.Errorf("%q: %d, %d, %v", text, m, y, ok)
		}
	}
	for _, text := range []string{"", "/", "13/29", "00/29", "1/2/29", "12", "129", "12/1999", "12/029", "aa/bb", "-1/29", "12/29x", "١٢/٢٩"} {
		if m, y, ok := ParseExpiry(text); ok {
			t.Errorf("%q: %d, %d", text, m, y)
		}
	}
}

func TestASCIIHost(t *testing.T) {
	for host, want := range map[string]string{
		"Shop.Example:8443": "shop.example:8443",
		"пример.рф":         "xn--e1afmkfd.xn--p1ai",
		"Bücher.example:80": "xn--bcher-kva.example:80",
		"пример:8080":       "xn--e1afmkfd:8080",
		"münchen.de":        "xn--mnchen-3ya.de",
		"例え.jp":             "xn--r8jz45g.jp",
	} {
		if got := asciiHost(host); got != want {
			t.Errorf("%s became %s, not %s", host, got, want)
		}
	}
}

func TestParseBrowser(t *testing.T) {
	want := Browser{1280, 800, 24, -180, "ru-BY"}
	if got, ok := ParseBrowser("1280;800;24;-180;ru-BY"); !ok || got != want {
		t.Error(got, ok)
	}
	for _, text := range []string{"", ";;;;", "1280;800;24;-180", "1280;800;24;-180;", "1280;800;99;-180;ru", "1280;800;24;-999;ru", "1;1;0;0;ru", "1;1;24;0;r u"} {
		if got, ok := ParseBrowser(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// BenchmarkRender is the cost of a payment page.
func BenchmarkRender(b *testing.B) {
	v := viewOf(Russian, plain())
	b.ReportAllocs()
	for b.Loop() {
		if err := writePage(io.Discard, v); err != nil {
			b.Fatal(err)
		}
	}
}

// writePage writes the page of v, nothing when there is an error.
func writePage(w io.Writer, v *View) error {
	text, err := render(v)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// Every body that a page can have is drawn by these tests: one that is not may have no template, and nobody would know.
func TestEveryBodyIsDrawn(t *testing.T) {
	drawn := map[string]bool{}
	for _, v := range views(English) {
		drawn[reflect.TypeOf(v.Body).Name()] = true
	}
	f, err := parser.ParseFile(token.NewFileSet(), "view.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	bodies := 0
	for _, d := range f.Decls {
		method, ok := d.(*ast.FuncDecl)
		if !ok || method.Recv == nil || method.Name.Name != "Name" {
			continue
		}
		bodies++
		if body, ok := method.Recv.List[0].Type.(*ast.Ident); ok && !drawn[body.Name] {
			t.Errorf("no view of views_test.go shows %s", body.Name)
		}
	}
	if bodies < 8 {
		t.Errorf("only %d bodies were found", bodies)
	}
}
