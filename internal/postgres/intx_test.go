package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestInTxCommits(t *testing.T) {
	owner := pgtest.Owner(t, pgtest.DB(t))
	if _, err := owner.Exec(t.Context(), "CREATE TABLE paid (id int PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	insert := func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO paid VALUES (1)")
		return err
	}
	if err := postgres.InTx(t.Context(), owner, postgres.Key{Name: "first"}, insert); err != nil {
		t.Fatal(err)
	}
	err := postgres.InTx(t.Context(), owner, postgres.Key{Name: "again"}, insert)
	if !errors.Is(err, postgres.ErrRejected) || postgres.Kind(err) != postgres.Rejected {
		t.Errorf("second insert of the key: got %v, want rejected", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := postgres.InTx(cancelled, owner, postgres.Key{Name: "late"}, insert); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
