package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"settled/internal/pcsim"
)

// acsSettings are the flags of the 3-D Secure server.
type acsSettings struct {
	pcsim.ACSOptions
	secret string
	made   bool // the secret was made here
}

func acsFlags(f *flag.FlagSet, s *acsSettings) {
	f.StringVar(&s.Addr, "threeds", "127.0.0.1:7084", "listen address of the 3-D Secure server; empty for none")
	f.StringVar(&s.KeyID, "threeds-key-id", "settled", "name of the key that the 3-D Secure server shares with us")
	f.StringVar(&s.secret, "threeds-secret", "", "secret of that key, at least 16 bytes; empty makes one and prints it")
	f.StringVar(&s.PublicURL, "threeds-url", "", "what browsers reach the 3-D Secure pages under; empty: as they were asked for")
}

// resolve completes the options. The server has the center's seed.
func (s *acsSettings) resolve(seed uint64) {
	if s.made = s.secret == ""; s.made {
		s.secret = rand.Text()
	}
	s.Seed, s.Secret = seed, []byte(s.secret)
}

// serveACS runs the 3-D Secure server until stop is called; nil when there is to be none.
func serveACS(s acsSettings) (acs *pcsim.ACS, stop func() error, err error) {
	if s.Addr == "" {
		return nil, func() error { return nil }, nil
	}
	if acs, err = pcsim.NewACS(s.ACSOptions); err != nil {
		return nil, nil, err
	}
	if err := acs.Start(); err != nil {
		return nil, nil, errors.Join(err, acs.Close())
	}
	return acs, acs.Close, nil
}

// introduceACS prints where the server is, and its secret only when it was made here.
func introduceACS(w *tabwriter.Writer, s acsSettings, acs *pcsim.ACS) {
	if acs == nil {
		return
	}
	secret := "as given"
	if s.made {
		secret = s.secret
	}
	fmt.Fprintf(w, "threeds\t%s, key %s, secret %s\n", acs.URL(), s.KeyID, secret)
}

// printACSCards prints the test cards of the 3-D Secure server: the status at first, and in the end.
func printACSCards(w io.Writer, acs *pcsim.ACS) {
	if acs == nil {
		return
	}
	fmt.Fprintf(w, "\n3-D Secure card\tstatus\tin the end\toutcome\n")
	for _, c := range pcsim.ACSCards() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.PAN, cmp.Or(c.Status, "-"), cmp.Or(c.Final, "-"), c.Means)
	}
}
