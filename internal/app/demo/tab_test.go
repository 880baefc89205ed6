package demo

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const formPage = `<body data-page="payment"><form method="post" action="/delete" id="delete"><input type="hidden" name="Do" value="delete"></form>
<form method="post" action="/pay?x=1&amp;y=2" id="pay" novalidate>
<input type="hidden" name="Session" value="a&#43;b=">
<label><input type="radio" name="Means" value="card" checked> card</label><label><input type="radio" name="Means" value="qr"> QR</label>
<input type="checkbox" name="SaveCard" value="1"><input id="Cardnumber" name="Cardnumber" value="" type="text">
<button name="DeleteCard" value="7">x</button></form></body>`

// TestBrowsersFillFormsIn sends a form as a browser would: what is hidden and what is ticked, but no button.
func TestBrowsersFillFormsIn(t *testing.T) {
	var got map[string][]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			_, _ = io.WriteString(w, formPage)
		case "/pay":
			_ = r.ParseForm()
			got = r.Form
			http.Redirect(w, r, "/done", http.StatusSeeOther)
		case "/done":
			_, _ = io.WriteString(w, `<strong id="state">In Process</strong> <span id="number">D-1</span> bill 5730001000000001 `)
		default:
			http.Error(w, "gone", http.StatusGone)
		}
	}))
	defer server.Close()
	tab := &tab{browser: newBrowser()}
	defer tab.client.CloseIdleConnections()
	if err := tab.open(t.Context(), server.URL+"/"); err != nil || tab.page() != "payment" {
		t.Fatalf("page %q, %v", tab.page(), err)
	}
	if err := tab.submit(t.Context(), "nothing", nil); !errors.Is(err, errPage) {
		t.Errorf("a form that is not there: %v", err)
	}
	if err := tab.submit(t.Context(), "pay", map[string]string{"Cardnumber": "4111"}); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"x": {"1"}, "y": {"2"}, "Session": {"a+b="}, "Means": {"card"}, "Cardnumber": {"4111"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sent (- want, + got):\n%s", diff)
	}
	if state, bill := first(statePattern, tab.text), first(billPattern, tab.text); state != "In Process" || bill != "5730001000000001" || tab.page() != "" {
		t.Errorf("state %q, bill %q, page %q", state, bill, tab.page())
	}
	if err := tab.open(t.Context(), server.URL+"/other"); !errors.Is(err, errPage) {
		t.Errorf("an error page: %v", err)
	}
}

// TestTheDemoUsesEveryChannel plays a short demo and expects every way to pay, with all numbers level.
func TestTheDemoUsesEveryChannel(t *testing.T) {
	r, _ := playOnce(t, 2, 250)
	for _, c := range r.Channels {
		if c.Orders == 0 || c.Paid == 0 {
			t.Errorf("%s: %d orders, %d paid", c.Channel, c.Orders, c.Paid)
		}
	}
	if len(r.Channels) != len(channels) || r.Told.Received == 0 || r.Told.Tries <= r.Told.Delivered {
		t.Errorf("channels %v, notifications %+v: one server is down for an hour", r.Channels, r.Told)
	}
	for _, what := range []string{"page Approved", "page Delayed", "page declined", "payment AS110", "later payment AS000", "token payment AS000"} {
		if r.Answers[what] == 0 {
			t.Errorf("nobody was told %q", what)
		}
	}
}
