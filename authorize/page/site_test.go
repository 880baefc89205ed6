package page

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"
)

// site is a server of pages: /view/NAME/LANGUAGE shows one, posts are remembered, and the other side of 3-D Secure is
// on a second host.
type site struct {
	*httptest.Server
	acs *httptest.Server

	mu     sync.Mutex
	posted []url.Values
	now    Body // what the status tells
	edit   func(*View)
	still  bool // pages are served without their script
}

func newSite(t *testing.T) *site {
	s := &site{now: Wait{}}
	mux := http.NewServeMux()
	mux.Handle("GET "+StaticPath, Static())
	mux.HandleFunc("GET /view/{name}/{language}", func(w http.ResponseWriter, r *http.Request) {
		s.show(w, views(Language(r.PathValue("language")))[r.PathValue("name")])
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.now == nil {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"page":%q}`, s.now.Name())
	})
	mux.HandleFunc("GET /session", func(w http.ResponseWriter, _ *http.Request) { s.show(w, views(English)["result-paid"]) })
	mux.HandleFunc("POST /pay", func(w http.ResponseWriter, r *http.Request) {
		s.remember(r)
		http.Redirect(w, r, "/session", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /method-done", func(w http.ResponseWriter, _ *http.Request) { s.show(w, views(English)["method-done"]) })
	s.Server = httptest.NewServer(mux)
	s.acs = httptest.NewServer(s.accessControl())
	t.Cleanup(func() { s.Close(); s.acs.Close() })
	return s
}

// show serves a sample view with addresses of this site.
func (s *site) show(w http.ResponseWriter, v *View) {
	v.Action, v.SessionURL, v.StatusURL = "/pay", "/session", "/status"
	switch b := v.Body.(type) {
	case Method:
		b.URL = s.acs.URL + "/method"
		v.Body = b
	case Challenge:
		b.URL = s.acs.URL + "/challenge"
		v.Body = b
	}
	if s.edit != nil {
		s.edit(v)
	}
	page := httptest.NewRecorder()
	if err := Serve(page, http.StatusOK, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	text := page.Body.String()
	if s.still {
		text = scriptTag.ReplaceAllString(text, "")
	}
	maps.Copy(w.Header(), page.Header())
	w.Header().Del("Content-Length") // the text may be shorter than what was served
	_, _ = io.WriteString(w, text)
}

var scriptTag = regexp.MustCompile(`<script[^>]*></script>`)

// accessControl is a bank: its method page notifies the site from within the frame.
func (s *site) accessControl() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /method", func(w http.ResponseWriter, r *http.Request) {
		s.remember(r)
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method="post" action="%s/method-done"></form><script>document.forms[0].submit()</script>`, s.URL)
	})
	mux.HandleFunc("POST /challenge", func(w http.ResponseWriter, r *http.Request) {
		s.remember(r)
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, `<link rel="icon" href="data:,"><h1 id="bank">bank</h1>`)
	})
	return mux
}

func (s *site) remember(r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posted = append(s.posted, r.PostForm)
}

// forms are the posts until now.
func (s *site) forms() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posted)
}

func (s *site) status(b Body) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = b
}

func (s *site) view(name string, l Language) string { return s.URL + "/view/" + name + "/" + string(l) }
