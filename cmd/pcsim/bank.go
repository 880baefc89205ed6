package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"settled/internal/pcsim"
)

// bankSettings are the flags of the partner bank of instant payments.
type bankSettings struct {
	pcsim.BankOptions
	unit, secret string
	made         bool // the secret was made here
}

func bankFlags(f *flag.FlagSet, s *bankSettings) {
	f.StringVar(&s.Addr, "bank", "127.0.0.1:7070", "listen address of the partner bank of instant payments; empty for none")
	f.StringVar(&s.unit, "bank-unit", "rubles", "how the bank writes amounts: rubles (\"12.34\") or kopecks (1234)")
	f.StringVar(&s.KeyID, "bank-key-id", "settled", "name of the key that the bank shares with us")
	f.StringVar(&s.secret, "bank-secret", "", "secret of that key, at least 16 bytes; empty makes one and prints it")
	f.StringVar(&s.NotifyURL, "bank-notify", "", "address that is told of paid payments; empty tells nobody")
	f.BoolVar(&s.OwnPayloads, "bank-pages", true, "QR payloads lead to the bank's own page, where a person can pay")
}

// resolve turns names into options. The bank has the center's seed.
func (s *bankSettings) resolve(seed uint64) error {
	switch s.unit {
	case "rubles":
	case "kopecks":
		s.Unit = pcsim.Kopecks
	default:
		return fmt.Errorf("bank unit %q is neither rubles nor kopecks", s.unit)
	}
	if s.made = s.secret == ""; s.made {
		s.secret = rand.Text()
	}
	s.Seed, s.Secret = seed, []byte(s.secret)
	return nil
}

// serveBank runs the bank until stop is called; nil when there is to be none.
func serveBank(ctx context.Context, s bankSettings) (bank *pcsim.Bank, stop func() error, err error) {
	if s.Addr == "" {
		return nil, func() error { return nil }, nil
	}
	if bank, err = pcsim.NewBank(s.BankOptions); err != nil {
		return nil, nil, err
	}
	if err := bank.Start(); err != nil {
		return nil, nil, errors.Join(err, bank.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = bank.Run(ctx) // the error is that of ctx
	}()
	return bank, func() error { cancel(); <-done; return bank.Close() }, nil
}

// introduceBank prints what a client of the bank needs to know. The secret shows only when it was made here.
func introduceBank(w *tabwriter.Writer, s bankSettings, bank *pcsim.Bank) {
	if bank == nil {
		return
	}
	secret := "as given"
	if s.made {
		secret = s.secret
	}
	fmt.Fprintf(w, "bank\t%s, amounts in %s\n", bank.URL(), s.Unit)
	fmt.Fprintf(w, "bank key\t%s, secret %s\n", s.KeyID, secret)
}

// printAmounts prints the bank's test amounts.
func printAmounts(w io.Writer, bank *pcsim.Bank) {
	if bank == nil {
		return
	}
	fmt.Fprintf(w, "\ntest amount\toutcome\n")
	for _, a := range pcsim.TestAmounts() {
		fmt.Fprintf(w, "%d.%02d\t%s\n", a.Minor/100, a.Minor%100, a.Means)
	}
}
