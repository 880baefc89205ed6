package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/internal/telemetry"
)

// TestLogsShowBillNumbers opens what a process works with: from then on logs show bill numbers of its merchants, of those that are
// configured and of those that once were, and still no others.
func TestLogsShowBillNumbers(t *testing.T) {
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	core, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close()
	if _, err := core.Pool.Exec(t.Context(), `INSERT INTO id_blocks (name, next) VALUES ('bill/555555', 65)`); err != nil {
		t.Fatal(err)
	}
	if err := core.knowBills(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo)
	for _, bill := range []int64{5_00007_000000000, 5_555555_000000001} {
		log.Info("m", "order", bill)
	}
	if strings.Contains(out.String(), "*") {
		t.Errorf("bill numbers are masked: %s", out.String())
	}
	out.Reset()
	if log.Info("m", "order", "5555555555554444"); !strings.Contains(out.String(), "555555******4444") {
		t.Errorf("a card is not: %s", out.String())
	}
}
