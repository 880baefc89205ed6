package demo

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// browser is a buyer's browser without scripts: it fetches pages, fills in their forms and follows redirects. It reads
// what the pages of the gateway, of the banks and of the shops have in common: plain forms with double quotes.
type browser struct {
	client *http.Client
	pages  int // that were asked for
}

func newBrowser() *browser { return &browser{client: &http.Client{Timeout: time.Minute}} }

// What browsers say of themselves.
const (
	userAgent = "Mozilla/5.0 (demo)"
	accepts   = "text/html,application/xhtml+xml"
)

// tab is what a browser shows: the last page of one buyer.
type tab struct {
	*browser
	at   *url.URL
	text string
}

// form is a form of a page, with the fields that it comes with.
type form struct {
	action *url.URL
	fields url.Values
}

var (
	formPattern   = regexp.MustCompile(`(?s)<form ([^>]*)>(.*?)</form>`)
	fieldPattern  = regexp.MustCompile(`<(?:input|button) ([^>]*)>`)
	attribute     = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
	pagePattern   = regexp.MustCompile(`<body data-page="([a-z-]+)"`)
	statePattern  = regexp.MustCompile(`<strong id="state">([A-Za-z ]+)</strong>`)
	billPattern   = regexp.MustCompile(`<span id="number">[^<]*</span>[^0-9]*([0-9]{15,16})`)
	appPattern    = regexp.MustCompile(`(?s)<ul class="banks">.*?<a href="([^"]+)"`)
	savedPattern  = regexp.MustCompile(`name="SavedCard" value="([^"]+)"`)
	bodyTextLimit = 1 << 20
)

// errPage says that a page is not what a buyer would expect.
var errPage = errors.New("unexpected page")

func (t *tab) wrong(what string) error {
	text := t.text
	if i := strings.Index(text, "<main"); i >= 0 {
		text = text[i:]
	}
	return fmt.Errorf("%w: %s at %s:\n%s", errPage, what, t.at, text[:min(len(text), 1500)])
}

// open goes to an address.
func (t *tab) open(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return t.load(r)
}

// send posts a form and shows where that leads.
func (t *tab) send(ctx context.Context, action *url.URL, fields url.Values) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return t.load(r)
}

func (t *tab) load(r *http.Request) error {
	t.pages++
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Accept", accepts)
	answer, err := t.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, int64(bodyTextLimit)))
	if err != nil {
		return fmt.Errorf("read %s: %w", r.URL, err)
	}
	t.at, t.text = answer.Request.URL, string(body)
	if answer.StatusCode != http.StatusOK {
		return t.wrong(answer.Status)
	}
	return nil
}

// page is the name of the gateway's page that is shown, empty when it is none of the gateway's.
func (t *tab) page() string { return first(pagePattern, t.text) }

// first is the first group of the first match, with HTML's escapes undone.
func first(pattern *regexp.Regexp, text string) string {
	m := pattern.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// form finds a form by its id; an empty id finds the first.
func (t *tab) form(id string) (form, error) {
	for _, m := range formPattern.FindAllStringSubmatch(t.text, -1) {
		attributes := attributesOf(m[1])
		if id != "" && attributes["id"] != id {
			continue
		}
		action, err := t.at.Parse(attributes["action"])
		return form{action, fieldsOf(m[2])}, err
	}
	return form{}, t.wrong("no form " + id)
}

// fieldsOf are the fields of a form as a browser would send them untouched: no buttons, and of choices only what is ticked.
func fieldsOf(text string) url.Values {
	fields := url.Values{}
	for _, m := range fieldPattern.FindAllStringSubmatch(text, -1) {
		a := attributesOf(m[1])
		choice := a["type"] == "radio" || a["type"] == "checkbox"
		if strings.HasPrefix(m[0], "<button") || a["name"] == "" || choice && !strings.Contains(" "+m[1]+" ", " checked ") {
			continue
		}
		fields.Set(a["name"], a["value"])
	}
	return fields
}

func attributesOf(text string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(text, -1) {
		out[m[1]] = html.UnescapeString(m[2])
	}
	return out
}

// submit sends a form of the page with some fields filled in.
func (t *tab) submit(ctx context.Context, id string, fill map[string]string) error {
	f, err := t.form(id)
	if err != nil {
		return err
	}
	for name, value := range fill {
		f.fields.Set(name, value)
	}
	return t.send(ctx, f.action, f.fields)
}
