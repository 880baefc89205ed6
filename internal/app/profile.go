package app

import (
	"log/slog"
	"time"

	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/clearing"
	"settled/internal/config"

	"github.com/jackc/pgx/v5/pgxpool"
)

// merchants are the settings of the online side.
func merchants(cfg *config.Config) map[int32]tenants.Merchant {
	out := map[int32]tenants.Merchant{}
	for _, m := range cfg.Merchants {
		out[m.ID] = tenants.Merchant{Login: m.Login, PasswordHash: m.PasswordHash,
			TestMode: m.TestMode, Russian: m.Russian, Charset: m.Charset, OldCurrencies: m.OldCurrencies, Page: page(&m.Page), Proofs: proofs(&m), Notify: notify(&m.Notify)}
	}
	return out
}

func page(p *config.Page) tenants.Page {
	return tenants.Page{Card: p.Card, Instant: p.Instant, Timeout: p.Timeout, Attempts: p.Attempts, ReturnURL: p.ReturnURL,
		ReturnOK: p.ReturnOK, ReturnNo: p.ReturnNo, ShowResult: p.ShowResult, OneClick: p.OneClick, AskCode: p.AskCode, Recurring: p.Recurring,
		ThreeDS: p.ThreeDS, Unproven: p.Unproven, AutoNumber: p.AutoNumber, Required: p.Required, Links: links[p.Links]}
}

var links = map[string]tenants.Links{"taken": tenants.LinksTaken, "proven": tenants.LinksProven, "refused": tenants.LinksRefused}

func proofs(m *config.Merchant) protocol.Proofs {
	p := &m.Proofs
	return protocol.Proofs{SecretWord: string(m.SecretWord.Reveal()), Checkvalue: p.Checkvalue, Signature: p.Signature, PublicKey: p.PublicKey, SHA256: p.SHA256, Joined: p.Joined, RSA: p.RSA,
		Covers: protocol.Covered(p.Covers)}
}

func notify(n *config.Notify) tenants.Notify {
	return tenants.Notify{URL: n.URL, SOAP: n.SOAP, PlainAnswer: n.PlainAnswer, Payments: n.Payments, Confirmations: n.Confirmations,
		Cancellations: n.Cancellations, OnlySuccessful: n.OnlySuccessful, AllowPrivate: n.AllowPrivate}
}

// CheckProfiles finds what is wrong with the clearing profiles of a configuration, without a database.
func CheckProfiles(cfg *config.Config) error {
	_, err := clearing.New(clearing.Options{Directory: cfg.Directory, Profiles: profiles(cfg), Now: time.Now})
	return err
}

// NightToLookAt is the night of a configuration on a pool, for looking: it registers nothing and writes nothing by itself.
func NightToLookAt(cfg *config.Config, pool *pgxpool.Pool, now func() time.Time) (*clearing.Night, error) {
	return clearing.New(clearing.Options{Pool: pool, Directory: cfg.Directory, Profiles: profiles(cfg), Now: now, Log: slog.New(slog.DiscardHandler)})
}
