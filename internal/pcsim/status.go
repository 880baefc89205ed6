package pcsim

import (
	"encoding/json"
	"net/http"
	"strings"

	"golang.org/x/crypto/ssh"

	"settled/internal/money"
)

// Status is what a center tells people about itself.
type Status struct {
	Name       string `json:"name"`
	Model      string `json:"model"`
	OnlineAddr string `json:"online"`
	SFTPAddr   string `json:"sftp"`
	HostKey    string `json:"host_key"` // as in an authorized_keys line
	// Received counts requests of the online host, Malformed those that were no message or lacked an element.
	Received  int64 `json:"received"`
	Malformed int64 `json:"malformed"`
	Logins    int64 `json:"logins"`
	// Echoed counts the echo tests of the center that were answered.
	Echoed int64 `json:"echoed,omitzero"`
	// Standing has held and net by currency, in minor units.
	Standing map[money.Currency]Standing `json:"standing"`
	Books    Snapshot                    `json:"books"`
	Files    []FileReport                `json:"files"`
}

// Standing is what the books of one currency come to.
type Standing struct {
	Held int64 `json:"held"`
	Net  int64 `json:"net"`
}

// Status returns the center's state of the moment.
func (c *Center) Status() Status {
	s := Status{
		Name: c.opt.Name, Model: c.opt.Model.String(), OnlineAddr: c.OnlineAddr(), SFTPAddr: c.SFTPAddr(),
		HostKey:  strings.TrimSpace(string(ssh.MarshalAuthorizedKey(c.HostKey()))),
		Received: c.received.Load(), Malformed: c.malformed.Load(), Logins: c.Logins(), Echoed: c.echoed.Load(),
		Standing: map[money.Currency]Standing{}, Books: c.Books(), Files: c.Reports(),
	}
	for currency, t := range s.Books.Currencies {
		s.Standing[currency] = Standing{Held: t.Held(), Net: t.Net()}
	}
	return s
}

// ServeHTTP implements http.Handler: any GET is answered with the [Status] as JSON.
func (c *Center) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(c.Status())
}
