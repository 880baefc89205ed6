package demo

import (
	"os"
	"strconv"
	"testing"
)

func TestTry(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	ok, err := Run(t.Context(), Options{Orders: n, Seed: seed, Out: os.Stdout, Progress: os.Stderr, Report: "/tmp/report.json", DatabaseURL: os.Getenv("DATABASE_URL")})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
}
