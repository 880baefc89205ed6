package config_test

import (
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle/order"
)

// TestWhatACenterCannotBeTold refuses party data that no file of a center could hold, where it is configured.
func TestWhatACenterCannotBeTold(t *testing.T) {
	const of = " is not in the character set of center PC-A"
	for _, tt := range []struct{ old, new, want string }{
		{"name: North Star", "name: Кофейня №1", "merchants[0].name: character К (U+041A)" + of + "; give the name for its files as clearing_name"},
		{"name: North Star", "name: N°1", "merchants[0].name: character ° (U+00B0)" + of},
		{"name: North Star", `name: "North\tStar"`, "merchants[0].name: character U+0009" + of},
		{"name: North Star", "name: North 🌟", "merchants[0].name: character 🌟 (U+1F31F)" + of},
		{"name: North Star", `name: North\Star`, `merchants[0].name: character \ (U+005C)` + of},
		{"name: North Star", "name: Кофейня\n    clearing_name: Kofejnya №1", "merchants[0].clearing_name: character № (U+2116)" + of},
		{"name: North Star", "name: Кофейня\n    clearing_name: Kofejnya na uglu Nemigi", `merchants[0].clearing_name: "Kofejnya na uglu Nemigi" is longer than 22 characters`},
		{"name: North Star", "name: \"Кофей\\u200Bня\"\n    clearing_name: Kofejnya", "merchants[0].name: character U+200B cannot be shown"},
		{"street: Nemiga 3", "street: Łódzka 3", "merchants[0].street: character Ł (U+0141)" + of},
		{"city: Minsk", "city: 明斯克", "merchants[0].city: character 明 (U+660E)" + of},
		{`postal: "220030"`, "postal: ２２００３０", "merchants[0].postal: character ２ (U+FF12)" + of},
		{"region: MI", "region: МІ", "merchants[0].region: character М (U+041C)" + of},
		{"terminal: T1000001", "terminal: Т1000001", "merchants[0].routes[0].terminal: character Т (U+0422)" + of},
		{"acceptor: NORTHSTAR000002", "acceptor: NORTHSTAR°00002", "merchants[0].routes[1].acceptor: character ° (U+00B0) is not in the character set of center PC-C"},
	} {
		problems := load(t, tt.old, tt.new)
		if len(problems) != 1 || !strings.Contains(problems[0], tt.want) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.new, strings.Join(problems, "\n"), tt.want)
		}
	}
}

// TestANameInAnyScript: what buyers read has no limit of a center; its files have the other name, in their own set.
func TestANameInAnyScript(t *testing.T) {
	cfg := exampleConfig(t, "name: North Star", "name: Кофейня №1 на углу улиц Немига и Кирова\n    clearing_name: Kofejnya 1")
	if m := cfg.Merchants[0]; m.RecordName() != "Kofejnya 1" || !strings.HasPrefix(m.Name, "Кофейня №1") {
		t.Errorf("%q and %q", m.Name, m.RecordName())
	}
	if m := exampleConfig(t, "charset: ascii", "charset: latin1", "name: North Star", "name: Café N°1").Merchants[0]; m.RecordName() != "Café N°1" {
		t.Errorf("%q", m.RecordName())
	}
}

// TestAContractThatEnds gives way to the next of its currency at its end.
func TestAContractThatEnds(t *testing.T) {
	cfg := exampleConfig(t, "currencies: [BYN]\n        terminal: T2000001", "currencies: [BYN]\n        ends: 2026-07-01\n        terminal: T2000001",
		"mdr_bps: 210", "mdr_bps: 210\n      - {center: PC-A, currencies: [BYN], terminal: T2000002, acceptor: BLUERIVER000002, mdr_bps: 190}")
	m, end := cfg.Merchants[1], time.Date(2026, 6, 30, 21, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]string{end.Add(-time.Second): "PC-B", end: "PC-A"} {
		if r, ok := m.RouteOf(order.MeansCard, money.BYN, at); !ok || r.Center.Name != want {
			t.Errorf("at %v: %+v", at, r)
		}
	}
	if r := m.Serves(2, money.BYN); r == nil || r.Terminal != "T2000001" {
		t.Errorf("serves %+v", r)
	}
}
