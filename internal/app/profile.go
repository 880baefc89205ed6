package app

import (
	"log/slog"
	"time"

	"settled/authorize/tenants"
	"settled/clearing"
	"settled/internal/config"

	"github.com/jackc/pgx/v5/pgxpool"
)

// merchants are the settings of the online side.
func merchants(cfg *config.Config) map[int32]tenants.Merchant {
	out := map[int32]tenants.Merchant{}
	for _, m := range cfg.Merchants {
		proofs := m.Proofs
		proofs.SecretWord = string(m.SecretWord.Reveal())
		out[m.ID] = tenants.Merchant{Login: m.Login, PasswordHash: m.PasswordHash, TestMode: m.TestMode, Russian: m.Russian, Charset: m.Charset,
			OldCurrencies: m.OldCurrencies, Page: m.Page, Proofs: proofs, Notify: m.Notify, CardTesting: m.CardTesting}
	}
	return out
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
