package edge

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"

	"settled/authorize/protocol"
)

// Headers are those of every answer, unless its handler sets others: nothing is stored, framed, guessed, opened from elsewhere or told on.
var Headers = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
}

// StrictTransport tells browsers for two years to come by https alone. It stands in answers that go over TLS.
const StrictTransport = "max-age=63072000; includeSubDomains"

// values are Headers as net/http has them, made once. What is set anew replaces them; nothing is added to them.
var values, strict = func() (all http.Header, strict []string) {
	all = http.Header{}
	for name, value := range Headers {
		all.Set(name, value)
	}
	return all, []string{StrictTransport}
}()

// Form writes the body of an error. It sets its Content-Type before it calls WriteHeader with the status.
type Form func(w http.ResponseWriter, r *http.Request, status int, id string)

// Answers stands around all handlers of a listener.
type Answers struct {
	Log    *slog.Logger
	Secure func(*http.Request) bool // the answer goes over TLS all the way
	Form   Form
}

// Around gives every answer of h the headers, and every error of it that names no request of its own (X-Request-Id), among them those
// of routers and panics, a page with the number under which the log has it.
func (a *Answers) Around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range values {
			w.Header()[name] = value
		}
		if a.Secure(r) {
			w.Header()["Strict-Transport-Security"] = strict
		}
		answer := &answer{ResponseWriter: w, in: a, r: r}
		defer answer.recovered()
		h.ServeHTTP(answer, r)
	})
}

// answer is what a handler writes to.
type answer struct {
	http.ResponseWriter
	in    *Answers
	r     *http.Request
	begun bool
	ours  bool // the answer is a page of an error, and what the handler writes is not sent
}

// Unwrap is what http.ResponseController goes on with.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader begins the answer, or gives that of an error.
func (a *answer) WriteHeader(status int) {
	if a.begun {
		return
	}
	a.begun = status >= http.StatusOK
	if status < http.StatusBadRequest || a.Header().Get("X-Request-Id") != "" {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.ours = true
	a.fail(status)
}

// Write writes the body, or nothing of it where the answer is the page of an error.
func (a *answer) Write(p []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	if a.ours {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// fail answers an error.
func (a *answer) fail(status int, more ...slog.Attr) {
	id, h := protocol.Correlation(), a.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Type", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	h["X-Request-Id"], h["Cache-Control"] = []string{id}, values["Cache-Control"]
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	a.in.Log.LogAttrs(a.r.Context(), level, "request answered by an error", append([]slog.Attr{slog.String("request", id), slog.Int("status", status),
		slog.String("method", short(a.r.Method)), slog.String("route", short(a.r.URL.Path)), slog.String("peer", a.r.RemoteAddr)}, more...)...)
	a.in.Form(a.ResponseWriter, a.r, status, id)
}

// recovered answers a panic by an internal error. One after the answer began ends the connection, so that nobody takes half an answer for one.
func (a *answer) recovered() {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler || a.begun { //nolint:errorlint // a value that is panicked with, not an error that is wrapped
		panic(v)
	}
	a.begun = true
	a.fail(http.StatusInternalServerError, slog.String("stack", string(debug.Stack())))
}

// short cuts what stands in the log of what anybody can send.
func short(text string) string {
	const most = 200
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// Plain is the form of errors for programs and operators.
func Plain(w http.ResponseWriter, _ *http.Request, status int, id string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(plain(status, id)) // who went away needs no answer
}

func plain(status int, id string) []byte {
	return fmt.Appendf(nil, "%d %s\nrequest %s\n", status, http.StatusText(status), id)
}

// Unread is the answer to a request that was not given to a handler, as it is sent, with the headers of every answer.
func (a *Answers) Unread(status int, from net.Addr, overTLS bool) []byte {
	id, h := protocol.Correlation(), values.Clone()
	a.Log.Info("request not read", slog.String("request", id), slog.Int("status", status), slog.String("peer", from.String()))
	text := plain(status, id)
	h.Set("X-Request-Id", id)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Connection", "close")
	if overTLS {
		h["Strict-Transport-Security"] = strict
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = h.Write(&b) // a buffer takes everything
	b.WriteString("\r\n")
	b.Write(text)
	return b.Bytes()
}
