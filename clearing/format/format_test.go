package format_test

import (
	"errors"
	"testing"
	"time"

	"settled/clearing/format"
)

func TestHouseNamesAreReadBack(t *testing.T) {
	date := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for want, n := range map[string]format.Name{
		"ACQ_PC-A_ipm_20260302_000001_1of4.ipm":    {Center: "PC-A", Stream: "ipm", BusinessDate: date, Sequence: 1, Part: 1, Parts: 4, Build: 1},
		"ACQ_PC-A_ipm_20260302_000012_2of2_b3.ipm": {Center: "PC-A", Stream: "ipm", BusinessDate: date, Sequence: 12, Part: 2, Parts: 2, Build: 3},
	} {
		if got := n.House(".ipm"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for _, name := range []string{want, want[:len(want)-4]} {
			if got, ok := format.ParseHouse("PC-A", "ipm", ".ipm", name); !ok || got != n {
				t.Errorf("%s: got %+v, %t", name, got, ok)
			}
		}
	}
}

func TestNamesOfOthersAreNotRead(t *testing.T) {
	for _, name := range []string{"", "ACQ_PC-B_ipm_20260302_000001_1of4.ipm", "ACQ_PC-A_csv_20260302_000001_1of4.ipm", "ACQ_PC-A_ipm_20261302_000001_1of4.ipm",
		"ACQ_PC-A_ipm_20260302_000000_1of4.ipm", "ACQ_PC-A_ipm_20260302_1_1of4.ipm", "ACQ_PC-A_ipm_20260302_000001_1of4.csv", "RPY_ACQ_PC-A_ipm_20260302_000001_1of4.ipm"} {
		if got, ok := format.ParseHouse("PC-A", "ipm", ".ipm", name); ok {
			t.Errorf("%s is read as %+v", name, got)
		}
	}
}

func TestUnwritableKeepsItsWords(t *testing.T) {
	cause := errors.New("too long")
	err := format.Unwritable(cause)
	if !errors.Is(err, format.ErrRecord) || !errors.Is(err, cause) || err.Error() != "too long" {
		t.Errorf("got %v", err)
	}
}

func TestAppendRRN(t *testing.T) {
	for exchange, want := range map[int64]string{7: "000000000007", 1_234_567_890_123: "234567890123"} {
		if got := string(format.AppendRRN(nil, exchange)); got != want {
			t.Errorf("%d: got %s, want %s", exchange, got, want)
		}
	}
}
