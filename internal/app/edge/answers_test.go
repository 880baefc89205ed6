package edge_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"settled/internal/app/edge"
)

// statuses are the errors that the edge or a handler answers, with the codes that the protocol has for them.
var statuses = []struct {
	status int
	codes  string
}{
	{400, "firstcode:4;secondcode:350"}, {401, "firstcode:7;secondcode:102"}, {403, "firstcode:15;secondcode:350"}, {404, "firstcode:15;secondcode:350"},
	{405, "firstcode:15;secondcode:350"}, {408, "firstcode:16;secondcode:350"}, {413, "firstcode:4;secondcode:350"}, {415, "firstcode:4;secondcode:350"},
	{429, "firstcode:17;secondcode:3"}, {500, "firstcode:1;secondcode:1"}, {503, "firstcode:1;secondcode:1"},
}

// forms are what callers take, what an error of the API is then, and what stands in it.
var forms = []struct{ name, accept, sent, kind, holds string }{
	{"a browser", "text/html,application/xhtml+xml,*/*;q=0.8", "", "text/html; charset=utf-8", "<!doctype html>"},
	{"a program", "*/*", "application/x-www-form-urlencoded", "text/plain; charset=utf-8", "firstcode:"},
	{"a program that says nothing", "", "", "text/plain; charset=utf-8", "firstcode:"},
	{"a client of JSON", "application/json", "", "application/json; charset=utf-8", `"faultcode":"`},
	{"a client that sends JSON", "", "application/json", "application/json; charset=utf-8", `"faultcode":"`},
	{"a client of XML", "text/xml", "", "text/xml; charset=utf-8", "firstcode"},
	{"a client of SOAP", "", "application/soap+xml", "text/xml; charset=utf-8", "Fault"},
}

// inside are words that no answer may tell.
const inside = "panic at /srv/settled/books.go:12: SELECT pan FROM cards, goroutine 7"

var requestID = regexp.MustCompile(`^r[0-9a-f]{16}$`)

// TestErrorsHaveAForm: whatever a handler says of an error, the caller gets our page or the protocol's codes, all headers, and the number
// under which the log has it; nothing of the inside.
func TestErrorsHaveAForm(t *testing.T) {
	for _, s := range statuses {
		for _, f := range forms {
			for how, handler := range map[string]http.HandlerFunc{
				"with words":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, inside, s.status) },
				"without words": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(s.status) },
				"after headers of another answer": func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", "99999")
					w.Header().Set("Content-Encoding", "gzip")
					w.Header().Set("Cache-Control", "public")
					w.WriteHeader(s.status)
					_, _ = io.WriteString(w, inside)
				},
			} {
				var log bytes.Buffer
				got := errorOf(t, &log, handler, f.accept, f.sent)
				text, _ := io.ReadAll(got.Body)
				id := got.Header.Get("X-Request-Id")
				if got.StatusCode != s.status || got.Header.Get("Content-Type") != f.kind || !strings.Contains(string(text), f.holds) {
					t.Errorf("%d %s, %s: %d %s %s", s.status, f.name, how, got.StatusCode, got.Header.Get("Content-Type"), text)
				}
				if !requestID.MatchString(id) || !strings.Contains(log.String(), id) {
					t.Errorf("%d %s, %s: request %q, log %s", s.status, f.name, how, id, &log)
				}
				if bytes.Contains(text, []byte("SELECT")) || bytes.Contains(text, []byte("/srv")) || got.Header.Get("Content-Encoding") != "" || got.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%d %s, %s tells the inside: %s %v", s.status, f.name, how, text, got.Header)
				}
				if f.holds == "firstcode:" && strings.TrimSpace(string(text)) != s.codes {
					t.Errorf("%d: %s, want %s", s.status, text, s.codes)
				}
				if strings.HasPrefix(f.kind, "text/html") && !strings.Contains(string(text), id) {
					t.Errorf("%d: the page does not say %s", s.status, id)
				}
			}
		}
	}
}

func errorOf(t *testing.T, log io.Writer, h http.Handler, accept, sent string) *http.Response {
	t.Helper()
	a := edge.Answers{Log: slog.New(slog.NewTextHandler(log, nil)), Secure: func(*http.Request) bool { return true }, Form: edge.ForMerchants(clock)}
	r := httptest.NewRequest("POST", "/some/path.cfm?Password=secret", strings.NewReader("x"))
	r.Header.Set("Accept", accept)
	r.Header.Set("Content-Type", sent)
	w := httptest.NewRecorder()
	a.Around(h).ServeHTTP(w, r)
	got := w.Result()
	for name, value := range edge.Headers {
		if have := got.Header.Get(name); have != value && !(name == "Content-Security-Policy" && strings.Contains(have, "frame-ancestors 'none'") && strings.Contains(have, "default-src 'none'")) {
			t.Errorf("%s: %q", name, have)
		}
	}
	if got.Header.Get("Strict-Transport-Security") != edge.StrictTransport {
		t.Errorf("no Strict-Transport-Security: %v", got.Header)
	}
	return got
}

// TestPanicsAreAnsweredWithoutTheStack: the log has it, under the number that the caller gets.
func TestPanicsAreAnsweredWithoutTheStack(t *testing.T) {
	var log bytes.Buffer
	got := errorOf(t, &log, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(inside) }), "", "")
	text, _ := io.ReadAll(got.Body)
	if got.StatusCode != 500 || strings.TrimSpace(string(text)) != "firstcode:1;secondcode:1" {
		t.Errorf("%d %s", got.StatusCode, text)
	}
	if id := got.Header.Get("X-Request-Id"); !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "answers_test.go") || strings.Contains(log.String(), "secret") {
		t.Errorf("request %s, log %s", id, &log)
	}
	defer func() {
		if recover() == nil {
			t.Error("a panic after the answer began does not end the connection")
		}
	}()
	errorOf(t, &log, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")); panic(inside) }), "", "")
}

// TestAnswersOfHandlersStay: what names its request, and what is no error, is sent as its handler wrote it.
func TestAnswersOfHandlersStay(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"an error with a number": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Request-Id", "r1")
			http.Error(w, "own words", 404)
		}, "404 own words\n"},
		"an answer":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, "200 ok"},
		"a redirect": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(303) }, "303 "},
		"headers of its own": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", "sandbox")
			w.Header().Add("Referrer-Policy", "origin")
			_, _ = io.WriteString(w, w.Header().Get("Content-Security-Policy"))
		}, "200 sandbox"},
	} {
		w := httptest.NewRecorder()
		a := edge.Answers{Log: slog.New(slog.DiscardHandler), Secure: func(*http.Request) bool { return false }, Form: edge.Plain}
		a.Around(c.h).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Result().Status[:4] + w.Body.String(); got != c.want || w.Header().Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %q, want %q; %v", name, got, c.want, w.Header())
		}
	}
	w := httptest.NewRecorder()
	a := edge.Answers{Log: slog.New(slog.DiscardHandler), Secure: func(*http.Request) bool { return false }, Form: edge.Plain}
	a.Around(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header()["Referrer-Policy"]; len(got) != 1 || got[0] != "no-referrer" {
		t.Errorf("what a handler added stays in later answers: %v", got)
	}
}

// TestUnreadRequestsAreAnsweredLikeOthers: what is sent for a request that no handler saw has the headers and the number of every answer.
func TestUnreadRequestsAreAnsweredLikeOthers(t *testing.T) {
	var log bytes.Buffer
	a := edge.Answers{Log: slog.New(slog.NewTextHandler(&log, nil))}
	text := string(a.Unread(431, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, true))
	for name, value := range edge.Headers {
		if !strings.Contains(text, "\r\n"+name+": "+value+"\r\n") {
			t.Errorf("no %s in %s", name, text)
		}
	}
	id := regexp.MustCompile(`r[0-9a-f]{16}`).FindString(text)
	if !strings.HasPrefix(text, "HTTP/1.1 431 Request Header Fields Too Large\r\n") || !strings.Contains(text, "Strict-Transport-Security: "+edge.StrictTransport) ||
		!strings.Contains(text, "Connection: close\r\n") || id == "" || !strings.Contains(log.String(), id) {
		t.Errorf("%s, log %s", text, &log)
	}
}
