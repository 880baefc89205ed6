package page

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"settled/authorize/page/pagetest"
)

var sizes = []struct {
	name          string
	width, height int
}{{"phone", 360, 740}, {"desktop", 1280, 800}}

// alike are pages that differ from others in little: each is opened in one language on a phone, in the other on a desktop.
var alike = []string{"payment-card-deleted", "payment-unconfirmed", "payment-unsent", "payment-other-channel", "payment-subscription",
	"failure-request", "failure-busy", "failure-system", "result-reserved", "result-canceled", "result-timeout", "result-in-process"}

var everything = flag.Bool("everything", false, "open every page in every way")

// leaving are pages that go on by themselves at once.
var leaving = []string{"method", "challenge"}

// TestEveryPageInABrowser opens all pages on a phone and on a desktop, in both languages, light and dark: nothing is
// wrong with their accessibility, nothing violates their policy, nothing is asked of another host, nothing sticks out.
func TestEveryPageInABrowser(t *testing.T) {
	for _, size := range sizes {
		t.Run(size.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.edit = func(v *View) { v.StatusURL = "" } // so that no page goes on by itself
			tab := pagetest.Browser(t, size.width, size.height, true)
			for _, l := range bothLanguages {
				for name := range views(l) {
					once := (size.name == "phone") == (l == Russian)
					if slices.Contains(leaving, name) || !once && !*everything && slices.Contains(alike, name) {
						continue
					}
					tab.Light()
					tab.Open(s.view(name, l))
					tab.Picture(strings.Join([]string{name, size.name, string(l)}, "-"))
					checkLayout(t, tab, name+" "+size.name+" "+string(l))
					tab.Accessible()
					if once || *everything {
						tab.Dark()
						tab.Picture(strings.Join([]string{name, size.name, string(l), "dark"}, "-"))
						tab.Contrast()
					}
				}
			}
			tab.Clean(s.URL)
		})
	}
}

// checkLayout looks for anything wider than the page, and for targets too small for a finger.
func checkLayout(t *testing.T, tab *pagetest.Tab, what string) {
	t.Helper()
	wide := pagetest.Eval[[]string](tab, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1
		&& !e.closest(".hidden")).map(e => e.tagName + "." + e.className)`)
	if len(wide) > 0 || pagetest.Eval[bool](tab, "document.documentElement.scrollWidth > innerWidth") {
		t.Errorf("%s is wider than its window: %v", what, wide)
	}
	small := pagetest.Eval[[]string](tab, `[...document.querySelectorAll("a, button, summary, label")].filter(e => e.offsetParent).map(e => [e, e.getBoundingClientRect()])
		.filter(([, r]) => r.height < 20).map(([e]) => e.outerHTML)`)
	if len(small) > 0 {
		t.Errorf("%s: too small to touch: %v", what, small)
	}
}

// TestNothingMovesWhileLoading measures what browsers call the cumulative layout shift, in one that is as slow as on a busy telephone: it
// then draws what it has while the rest of the page is still to come.
func TestNothingMovesWhileLoading(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tab := pagetest.Browser(t, 360, 740, true)
	_, err := chromedp.Call(tab.Context(), emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"payment", "payment-saved", "payment-test", "qr", "result-paid"} {
		tab.Open(s.view(name, Russian))
		moved := pagetest.Eval[[]string](tab, `new Promise(done => { const moved = [];
			const rect = r => [r.x, r.y, r.width, r.height].map(n => n.toFixed(1)).join(" ");
			new PerformanceObserver(list => list.getEntries().forEach(e => moved.push(e.value + ": " + e.sources.map(s =>
				(s.node?.outerHTML ?? s.node?.textContent ?? "?").slice(0, 80) + " from " + rect(s.previousRect) + " to " + rect(s.currentRect)).join("; "))))
				.observe({type: "layout-shift", buffered: true});
			setTimeout(() => done(moved), 150) })`)
		if len(moved) > 0 {
			t.Errorf("%s moves: %v", name, moved)
		}
	}
}

// TestPayByKeyboard fills the page with nothing but the keyboard, in the order of the fields.
func TestPayByKeyboard(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		s := newSite(t)
		tab := pagetest.Browser(t, size.width, size.height, true)
		tab.Open(s.view("payment", Russian))
		for _, step := range []struct{ name, typed string }{
			{"English", ""}, {"Lastname", "Петров"}, {"Firstname", "Иван"}, {"Email", "ivan@example.ru"}, {"MobilePhone", "+7 900 000-00-00"},
			{"Means", ""}, {FieldNumber, "5555555555554444"}, {FieldExpiry, "1229"}, {FieldCVC, "123"}, {FieldHolder, "IVAN PETROV"},
			{FieldSave, " "}, {"button", ""},
		} {
			tab.Press(kb.Tab)
			if got := pagetest.Eval[string](tab, `(e => e.name || (e.tagName === "BUTTON" ? "button" : e.textContent))(document.activeElement)`); got != step.name {
				t.Fatalf("%s: the focus is on %q, not on %s", size.name, got, step.name)
			}
			if !pagetest.Eval[bool](tab, `(e => { const s = getComputedStyle(e), next = e.nextElementSibling && getComputedStyle(e.nextElementSibling);
				return s.outlineStyle !== "none" || s.boxShadow !== "none" || next && next.outlineStyle !== "none" })(document.activeElement)`) {
				t.Errorf("nobody sees that %s has the focus", step.name)
			}
			if step.typed != "" {
				tab.Press(step.typed)
			}
		}
		if on := pagetest.Eval[string](tab, `document.querySelector(".scheme.on").textContent`); on != "Mastercard" {
			t.Errorf("the scheme is %q", on)
		}
		tab.Picture("filled-" + size.name)
		tab.Press(kb.Enter)
		tab.Wait(".sign.good")
		form := s.forms()[0]
		for name, want := range map[string]string{FieldSession: "session-token", FieldDo: DoPay, FieldMeans: "card", FieldNumber: "5555 5555 5555 4444",
			FieldExpiry: "12 / 29", FieldCVC: "123", FieldHolder: "IVAN PETROV", FieldSave: "1", "Lastname": "Петров", "Email": "ivan@example.ru"} {
			if got := form.Get(name); got != want {
				t.Errorf("%s is %q, not %q", name, got, want)
			}
		}
		if b, ok := ParseBrowser(form.Get(FieldBrowser)); !ok || b.Width != size.width || b.Language == "" {
			t.Errorf("%v", form)
		}
		tab.Clean(s.URL)
	}
}

// TestPayWithoutScripts posts the same form where JavaScript is off, and the server's mistakes are shown.
func TestPayWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tab := pagetest.Browser(t, 360, 740, false)
	tab.Open(s.view("payment-errors", English))
	if got := pagetest.Eval[string](tab, "document.activeElement.name"); got != "Email" {
		t.Errorf("the focus is on %q, not on the first wrong field", got)
	}
	if got := tab.Text("#Expiry-error"); got != "The card has expired" {
		t.Errorf("the error reads %q", got)
	}
	tab.Picture("errors-without-scripts")
	tab.Open(s.view("payment", English))
	tab.Fill("#Cardnumber", "4111111111111111")
	tab.Fill("#Expiry", "12/29")
	tab.Fill("#Cvc2", "123")
	tab.Press(kb.Enter) // no other button is before the one that pays
	tab.Wait(".sign.good")
	if form := s.forms()[0]; form.Get(FieldNumber) != "4111111111111111" || form.Get(FieldDo) != DoPay || form.Has(FieldSave) || form.Get(FieldBrowser) != "" {
		t.Error(form)
	}
	tab.Open(s.view("challenge", English))
	tab.Click("#challenge .main")
	tab.Wait("#bank")
	if form := s.forms()[1]; form.Get("creq") == "" || form.Get("threeDSSessionData") == "" {
		t.Error(form)
	}
	tab.Open(s.view("method", English))
	tab.Click("#continue .main")
	tab.Wait(".sign.good")
	if form := s.forms()[2]; form.Get(FieldDo) != DoContinue {
		t.Error(form)
	}
	tab.Clean(s.URL, s.acs.URL)
}

// TestTypingHelps looks at what the script does while a card is typed.
func TestTypingHelps(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tab := pagetest.Browser(t, 1280, 800, true)
	tab.Open(s.view("payment", English))
	value := func(selector string) string {
		return pagetest.Eval[string](tab, fmt.Sprintf("document.querySelector(%q).value", selector))
	}
	for typed, want := range map[string]struct{ shown, scheme string }{
		"4111111111111111":    {"4111 1111 1111 1111", "Visa"},
		"2200 0000 0000 0004": {"2200 0000 0000 0004", "Mir"},
		"9112380000000002":    {"9112 3800 0000 0002", "Belkart"},
		"2221000000000009":    {"2221 0000 0000 0009", "Mastercard"},
		"6200000000000005":    {"6200 0000 0000 0005", "UnionPay"},
		"6759649826438453":    {"6759 6498 2643 8453", "Maestro"},
		"378282246310005":     {"3782 822463 10005", ""},
		"41a11":               {"4111", "Visa"},
	} {
		pagetest.Eval[int](tab, `(document.querySelector("#Cardnumber").value = "", 0)`)
		tab.Fill("#Cardnumber", typed)
		on := pagetest.Eval[string](tab, `(document.querySelector(".scheme.on") || {textContent: ""}).textContent`)
		if got := value("#Cardnumber"); got != want.shown || on != want.scheme {
			t.Errorf("%s is shown as %q of %q", typed, got, on)
		}
	}
	pagetest.Eval[int](tab, `(document.querySelector("#Cardnumber").value = "", 0)`)
	tab.Fill("#Cardnumber", "378282246310005")
	tab.Fill("#Expiry", "129") // and the number is left
	if got := tab.Text("#Cardnumber-error"); got != "This kind of card is not accepted" {
		t.Errorf("a card of a brand without a mark: %q", got)
	}
	if got := value("#Expiry"); got != "12 / 9" {
		t.Errorf("the expiry is shown as %q", got)
	}
	tab.Press(strings.Repeat(kb.Backspace, 6) + "122029")
	if got := value("#Expiry"); got != "12 / 29" {
		t.Errorf("the expiry is shown as %q", got)
	}
	tab.Press(strings.Repeat(kb.Backspace, 7) + "5/27")
	if got := value("#Expiry"); got != "05 / 27" {
		t.Errorf("the expiry is shown as %q", got)
	}
	if tab.Open(s.view("payment-test", English)); value("#Cardnumber") != "" {
		t.Error("a card is filled in already")
	}
	tab.Click(".test summary")
	tab.Picture("test-cards-desktop")
	tab.Click("[data-fill]")
	if value("#Cardnumber") != "4111 1111 1111 1111" || value("#Expiry") != "12 / 29" || value("#Cvc2") != "123" {
		t.Error("a test card is not filled in")
	}
	// A digit put into the middle leaves the caret behind it.
	pagetest.Eval[int](tab, `(e => { e.value = "4111 1111"; e.focus(); e.setSelectionRange(2, 2); return 0 })(document.querySelector("#Cardnumber"))`)
	tab.Press("9")
	if got := value("#Cardnumber"); got != "4191 1111 1" || pagetest.Eval[int](tab, `document.querySelector("#Cardnumber").selectionStart`) != 3 {
		t.Errorf("%q, and the caret is elsewhere", got)
	}
}

// TestMistakesAreFoundBeforeSending presses the button too early.
func TestMistakesAreFoundBeforeSending(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tab := pagetest.Browser(t, 360, 740, true)
	tab.Open(s.view("payment", Russian))
	tab.Fill("#Cardnumber", "4111111111111112")
	tab.Fill("#Expiry", "0121")
	tab.Click("button.main")
	for selector, want := range map[string]string{"#Lastname-error": "Заполните поле", "#Cardnumber-error": "Проверьте номер карты",
		"#Expiry-error": "Срок истёк", "#Cvc2-error": "Заполните поле", "#MobilePhone-error": "", "#check": "Проверьте выделенные поля."} {
		if got := pagetest.Eval[string](tab, fmt.Sprintf("document.querySelector(%q).textContent", selector)); got != want {
			t.Errorf("%s reads %q, not %q", selector, got, want)
		}
	}
	if got := pagetest.Eval[string](tab, "document.activeElement.name"); got != "Lastname" {
		t.Errorf("the focus is on %q", got)
	}
	tab.Picture("mistakes-phone")
	tab.Accessible()
	if len(s.forms()) != 0 {
		t.Error("a wrong form was sent")
	}
	tab.Fill("#Lastname", "П")
	if pagetest.Eval[bool](tab, `document.querySelector("#Lastname").hasAttribute("aria-invalid")`) {
		t.Error("a mended field is still marked")
	}
}

// TestInstantPaymentIsChosen hides the card and pays without one.
func TestInstantPaymentIsChosen(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		s := newSite(t)
		s.edit = func(v *View) {
			if p, ok := v.Body.(Payment); ok {
				p.Fields = nil
				v.Body = p
			}
		}
		tab := pagetest.Browser(t, 360, 740, scripts)
		tab.Open(s.view("payment", English))
		tab.Click("[name=Means][value=qr]")
		if pagetest.Eval[bool](tab, `document.querySelector("#Cardnumber").offsetParent !== null`) {
			t.Error("the card is still asked for")
		}
		tab.Picture(fmt.Sprintf("chosen-qr-%v", scripts))
		tab.Click("button.main")
		tab.Wait(".sign.good")
		if form := s.forms()[0]; form.Get(FieldMeans) != "qr" || form.Get(FieldNumber) != "" {
			t.Error(form)
		}
	}
}

// TestStoredCards pays with one that needs its code, with one that does not, with another card, and deletes one.
func TestStoredCards(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tab := pagetest.Browser(t, 360, 740, true)
	shown := func(selector string) bool {
		return pagetest.Eval[bool](tab, fmt.Sprintf("document.querySelector(%q).offsetParent !== null", selector))
	}
	tab.Open(s.view("payment-saved", English))
	if shown("#Cardnumber") || !shown("#Cvc2") || shown("[name=SaveCard]") {
		t.Error("a stored card that needs its code asks for something else")
	}
	tab.Fill("#Cvc2", "123")
	tab.Press(kb.Enter)
	tab.Wait(".sign.good")
	tab.Open(s.view("payment-saved", English))
	tab.Click("[name=SavedCard][value=s2]")
	if shown("#Cvc2") {
		t.Error("a stored card without a code asks for it")
	}
	tab.Click("button.main")
	tab.Wait(".sign.good")
	tab.Open(s.view("payment-saved", English))
	tab.Click("[name=SavedCard][value='']")
	if !shown("#Cardnumber") || !shown("#Cvc2") || !shown("[name=SaveCard]") {
		t.Error("another card is not asked for")
	}
	tab.Refuse = true
	tab.Click("[name=DeleteCard][value=s1]")
	tab.Refuse = false
	if len(s.forms()) != 2 || len(tab.Dialogs()) != 1 {
		t.Fatalf("deleted without consent: %v, asked %v", s.forms(), tab.Dialogs())
	}
	tab.Click("[name=DeleteCard][value=s1]")
	tab.Wait(".sign.good")
	forms := s.forms()
	if forms[0].Get(FieldSavedCard) != "s1" || forms[0].Get(FieldCVC) != "123" || forms[1].Get(FieldSavedCard) != "s2" {
		t.Error(forms)
	}
	if forms[2].Get(FieldDo) != DoDelete || forms[2].Get(FieldDelete) != "s1" || forms[2].Get(FieldSession) == "" || forms[2].Has(FieldNumber) {
		t.Error(forms[2])
	}
	tab.Clean(s.URL)
}

// TestQRPage: a desktop sees the code, a phone the banks, and the code if it wants.
func TestQRPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.status(QR{})
	shown := func(tab *pagetest.Tab, selector string) bool {
		return pagetest.Eval[bool](tab, fmt.Sprintf("document.querySelector(%q).offsetParent !== null", selector))
	}
	desktop := pagetest.Browser(t, 1280, 800, true)
	desktop.Open(s.view("qr", English))
	if !shown(desktop, ".qr") || shown(desktop, ".banks") {
		t.Error("a desktop is not shown the code")
	}
	if at := pagetest.Eval[string](desktop, `document.querySelector("[role=timer]").textContent`); at != "10:00" && at != "9:59" {
		t.Errorf("the time left is %q", at)
	}
	for _, scripts := range []bool{true, false} {
		phone := pagetest.Browser(t, 360, 740, scripts)
		phone.Open(s.view("qr", English))
		if shown(phone, ".qr") || !shown(phone, ".banks") {
			t.Error("a phone is not shown the banks")
		}
		phone.Click("a[href='#code']")
		phone.Picture(fmt.Sprintf("qr-on-phone-%v", scripts))
		if !shown(phone, ".qr") || shown(phone, ".banks") {
			t.Error("a phone cannot see the code")
		}
		phone.Click("a[href='#banks']")
		if !scripts {
			continue
		}
		phone.Fill("#find", "берё")
		if n := pagetest.Eval[int](phone, `[...document.querySelectorAll(".banks li")].filter(b => b.offsetParent).length`); n != 1 {
			t.Errorf("%d banks are found", n)
		}
		if href := pagetest.Eval[string](phone, `document.querySelector(".banks li:not([hidden]) a").href`); !strings.HasPrefix(href, "bank") {
			t.Errorf("a bank is at %q", href)
		}
	}
	s.status(Result{})
	desktop.Wait(".sign.good")
	desktop.Clean(s.URL)
}

// TestWaitingEnds: with a script by asking for the state, without one by loading again.
func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tab := pagetest.Browser(t, 360, 740, true)
	tab.Open(s.view("wait", Russian))
	s.status(nil) // the answer is an error
	tab.Wait(".toast")
	tab.Picture("wait-offline")
	if text := tab.Text(".toast"); !strings.HasPrefix(text, "Нет связи.") || !strings.Contains(tab.URL(), "/view/wait") {
		t.Errorf("without answers %s says %q", tab.URL(), text)
	}
	s.status(Result{})
	tab.Wait(".sign.good")
	tab.Clean(s.URL)

	still := pagetest.Browser(t, 360, 740, false)
	still.Open(s.view("wait", Russian))
	if refresh := pagetest.Eval[string](still, `document.querySelector("meta[http-equiv=refresh]").content`); refresh != "5;url=/session" {
		t.Errorf("the page goes on by %q", refresh)
	}
}

// TestTimeRunsOut: the page of an order whose time is over goes where the order is.
func TestTimeRunsOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit = func(v *View) { v.Deadline = v.Now.Add(2 * time.Second) }
	tab := pagetest.Browser(t, 1280, 800, true)
	tab.Open(s.view("payment-converted", English))
	if got := pagetest.Eval[string](tab, `new Promise(done => setTimeout(() => done(document.querySelector("#say").textContent), 1200))`); got != "Less than two minutes are left." {
		t.Errorf("a screen reader hears %q", got)
	}
	tab.Wait(".sign.good")
	tab.Clean(s.URL)
}

// TestSecurePages: the method runs in its frame and the page goes on when the bank has notified us; the challenge is
// posted to the bank. Both are allowed by the policies and nothing more is.
func TestSecurePages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tab := pagetest.Browser(t, 1280, 800, true)
	tab.Open(s.view("method", English))
	tab.Wait(".sign.good")
	tab.Open(s.view("challenge", English))
	tab.Wait("#bank")
	forms := s.forms()
	if len(forms) != 3 || forms[0].Get("threeDSMethodData") == "" || forms[1].Get(FieldDo) != DoContinue || forms[2].Get("creq") == "" {
		t.Error(forms)
	}
	tab.Clean(s.URL, s.acs.URL)
}

// TestSecurePagesStandingStill looks at them as TestEveryPageInABrowser does at the others, without our script.
func TestSecurePagesStandingStill(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.still = true
	for _, size := range sizes {
		tab := pagetest.Browser(t, size.width, size.height, true)
		for _, l := range bothLanguages {
			for _, name := range leaving {
				tab.Light()
				tab.Open(s.view(name, l))
				tab.Picture(strings.Join([]string{name, size.name, string(l)}, "-"))
				checkLayout(t, tab, name)
				tab.Accessible()
				tab.Dark()
				tab.Contrast()
			}
		}
		tab.Clean(s.URL)
	}
}

// TestPolicyStopsOthers shows that the checks above would see a violation.
func TestPolicyStopsOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tab := pagetest.Browser(t, 1280, 800, true)
	tab.Open(s.view("payment", English))
	want := []string{"base-uri", "connect-src", "form-action", "frame-src", "img-src", "script-src-elem", "script-src-elem", "style-src-elem"}
	blocked := pagetest.Eval[[]string](tab, fmt.Sprintf(`new Promise(done => { const seen = [], end = () => done(seen.sort());
		document.addEventListener("securitypolicyviolation", e => { if (seen.push(e.effectiveDirective) === %d) end(); });
		const put = (tag, set) => document.body.append(Object.assign(document.createElement(tag), set));
		put("script", {src: "http://127.0.0.2:1/a.js"}); put("script", {textContent: "window.evil = 1"}); put("style", {textContent: "*{color:red}"});
		put("img", {src: "http://127.0.0.2:1/a.png"}); put("iframe", {src: "http://127.0.0.2:1/"}); put("base", {href: "http://127.0.0.2:1/"});
		fetch("http://127.0.0.2:1/").catch(() => {}); document.querySelector("#pay").action = "http://127.0.0.2:1/";
		HTMLFormElement.prototype.submit.call(document.querySelector("#pay"));
		setTimeout(end, 20000) })`, len(want)))
	if !slices.Equal(blocked, want) {
		t.Errorf("stopped are %v, not %v", blocked, want)
	}
}
