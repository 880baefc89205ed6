package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const card = "4539578763621486"

func TestLoggerHidesCardData(t *testing.T) {
	pan, err := vault.ParsePAN(card)
	if err != nil {
		t.Fatal(err)
	}
	type form struct {
		CardNumber, CVC2, Password string
		Order                      int
	}
	const canary = "canary9173"
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelDebug).With(slog.String("bound", card)).WithGroup("request")
	log.Info("card "+card+" seen",
		slog.Any("pan", pan),
		slog.String("text", "pay "+card+", then 4539 5787 6362 1486 and 4539-5787-6362-1486"),
		slog.Int64("number", 4539578763621486),
		slog.Any("err", fmt.Errorf("decode: %w", errors.New("bad card "+card))),
		slog.Any("form", form{card, canary, canary, 7}),
		slog.String("body", `{"cardnumber":"`+card+`","cvc2":"`+canary+`","cvv":917,"order":"7"}`),
		slog.String("CVV", canary),
		slog.Any("password", form{Password: canary}),
		slog.Group("inner", slog.String("cvc2", canary)))
	line := out.String()
	for _, secret := range []string{card, "5787", canary, "917,"} {
		if strings.Contains(line, secret) {
			t.Errorf("shows %s:\n%s", secret, line)
		}
	}
	var fields struct {
		Request struct {
			Pan, Text string
			Form      form
		}
	}
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
		t.Fatalf("no longer JSON: %v\n%s", err, line)
	}
	if fields.Request.Pan != "453957****1486" || fields.Request.Form.Order != 7 || fields.Request.Form.CVC2 != "***" {
		t.Errorf("got %+v", fields)
	}
}

func TestLoggerKeepsOtherNumbers(t *testing.T) {
	for _, line := range []string{
		`{"amount":4539578763621487}`,                // no check digit
		`{"time":"2026-11-21T22:10:34.139564058Z"}`,  // not one number
		`{"id":"453957876362148645395787636214864"}`, // too long
		`{"count":42}`,
		`{"change":-4539578763621486}`,
		`{"rate":0.4539578763621486}`,
		`{"rate":4539578763621486.5}`,
	} {
		if got := string(Redact([]byte(line))); got != line {
			t.Errorf("got %s, want %s", got, line)
		}
	}
}

func TestMetricsAreWellNamed(t *testing.T) {
	registry := NewRegistry()
	pool := pgtest.DB(t)
	registry.MustRegister(NewPoolCollector("main", pool), NewPoolCollector("second", pool))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "settled_") {
			found++
		}
	}
	if found != 1+len(poolMetrics()) {
		t.Errorf("%d metrics of ours, want %d", found, 1+len(poolMetrics()))
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "settled_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if err != nil {
		t.Error(err)
	}
}
