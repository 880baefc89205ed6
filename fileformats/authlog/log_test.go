package authlog_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"settled/fileformats/authlog"
	"settled/internal/money"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	from  = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	until = from.Add(time.Hour)
)

func sample() *authlog.Log {
	key := func(second int, stan, rrn string) authlog.Key {
		return authlog.Key{Sent: from.Add(time.Duration(second) * time.Second), Terminal: "TERM0001", STAN: stan, RRN: rrn}
	}
	return &authlog.Log{Member: "00000012345", From: from, Until: until, Made: until.Add(15 * time.Minute), Entries: []authlog.Entry{
		{Key: key(3, "000003", "000000000002"), Kind: authlog.Authorization, State: authlog.Held, Acceptor: "MERCHANT0000001",
			Amount: money.Amount{Minor: 23740, Currency: money.BYN}, Reversed: 3740, Approval: "A1B2C3"},
		{Key: key(3, "000005", "000000000004"), Kind: authlog.Authorization, State: authlog.Reversed, Acceptor: "SHOP",
			Amount: money.Amount{Minor: 100, Currency: money.EUR}, Reversed: 100, Approval: "77"},
		{Key: key(60, "000007", "000000000006"), Kind: authlog.Purchase, State: authlog.Completed, Acceptor: "MERCHANT0000001",
			Amount: money.Amount{Minor: 999_999_999_999, Currency: money.USD}, Approval: "Z00001"},
		{Key: key(61, "000008", "000000000007"), Kind: authlog.Refund, State: authlog.Completed, Acceptor: "MERCHANT0000001",
			Amount: money.Amount{Minor: 1, Currency: money.USD}},
	}}
}

// TestGolden compares what is written with the published example, byte by byte.
func TestGolden(t *testing.T) {
	doc, err := os.ReadFile("../../docs/formats/authlog.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "<!-- example -->\n```\n")
	golden, _, ok := strings.Cut(rest, "```\n")
	got, err := authlog.Format(sample())
	if err != nil || !ok || string(got) != golden {
		t.Errorf("%v; written\n%sdocumented\n%s", err, got, golden)
	}
	back, err := authlog.Parse([]byte(golden))
	if diff := cmp.Diff(sample(), back); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if !authlog.Whole(got) || authlog.Whole(got[:len(got)-1]) || authlog.Whole(nil) {
		t.Error("a log is whole with its trailer, and only then")
	}
}

// A member id shorter than its field is filled with zeros; a longer one is refused.
func TestMember(t *testing.T) {
	l := sample()
	l.Member = "12345"
	if got, err := authlog.Format(l); err != nil || !strings.HasPrefix(string(got), "H0100000012345") {
		t.Errorf("%.20s, %v", got, err)
	}
	l.Member = "123456789012"
	if _, err := authlog.Format(l); !errors.Is(err, authlog.ErrWidth) {
		t.Errorf("12 digits: %v", err)
	}
}

func TestStrict(t *testing.T) {
	whole, err := authlog.Format(sample())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	change := func(old, new string) string { return strings.Replace(string(whole), old, new, 1) }
	for name, c := range map[string]struct {
		text string
		line int
		err  error
	}{
		"nothing":                  {"", 1, authlog.ErrTruncated},
		"header alone":             {lines[0], 1, authlog.ErrTruncated},
		"trailer lost":             {strings.Join(lines[:5], ""), 5, authlog.ErrTruncated},
		"cut in the trailer":       {string(whole[:len(whole)-3]), 6, authlog.ErrTruncated},
		"another version":          {change("H01", "H02"), 1, authlog.ErrVersion},
		"no header":                {strings.Join(lines[1:], ""), 1, authlog.ErrWidth},
		"range that ends first":    {change("261120100000", "261120090000"), 1, authlog.ErrValue},
		"line lost":                {lines[0] + strings.Join(lines[2:], ""), 5, authlog.ErrTotals},
		"line twice":               {lines[0] + lines[1] + strings.Join(lines[1:], ""), 3, authlog.ErrOrder},
		"lines swapped":            {lines[0] + lines[2] + lines[1] + strings.Join(lines[3:], ""), 3, authlog.ErrOrder},
		"amount of another line":   {change("000000023740933", "000000023741933"), 6, authlog.ErrTotals},
		"letter in an amount":      {change("000000023740933", "00000002374O933"), 2, authlog.ErrValue},
		"currency unknown":         {change("023740933", "023740000"), 2, authlog.ErrValue},
		"more reversed than there": {change("000000003740A1", "000000023741A1"), 2, authlog.ErrValue},
		"all reversed but held":    {change("000000003740A1", "000000023740A1"), 2, authlog.ErrValue},
		"kind unknown":             {change("DAH", "DXH"), 2, authlog.ErrKind},
		"state unknown":            {change("DAH", "DAX"), 2, authlog.ErrValue},
		"purchase that is held":    {change("DPC", "DPH"), 4, authlog.ErrValue},
		"no such time":             {change("261120090003", "261120096003"), 2, authlog.ErrValue},
		"before the range":         {change("261120090003", "261120085959"), 2, authlog.ErrRange},
		"at its end":               {change("261120090101", "261120100000"), 5, authlog.ErrRange},
		"wide":                     {change("A1B2C3", "A1B2C33"), 2, authlog.ErrWidth},
		"windows line ends":        {strings.ReplaceAll(string(whole), "\n", "\r\n"), 1, authlog.ErrWidth},
		"tab in a terminal":        {change("TERM0001", "TERM\t001"), 2, authlog.ErrValue},
		"blank terminal":           {change("TERM0001", "        "), 2, authlog.ErrValue},
	} {
		_, err := authlog.Parse([]byte(c.text))
		var at *authlog.Error
		if !errors.Is(err, c.err) || !errors.As(err, &at) || at.Line != c.line {
			t.Errorf("%s: %v, want line %d: %v", name, err, c.line, c.err)
		}
	}
}

// What is written is read back, whatever the order that it is given in; details and keys alone as well.
func TestWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := sample()
		l.Entries = rapid.SliceOfNDistinct(rapid.Custom(drawEntry), 0, 20, func(e authlog.Entry) authlog.Key { return e.Key }).Draw(t, "entries")
		data, err := authlog.Format(l)
		if err != nil {
			t.Fatal(err)
		}
		back, err := authlog.Parse(data)
		if err != nil || len(back.Entries) != len(l.Entries) {
			t.Fatalf("%v, %d entries of %d", err, len(back.Entries), len(l.Entries))
		}
		again, err := authlog.Format(back)
		if err != nil || string(again) != string(data) {
			t.Fatalf("%v: written again it is another log", err)
		}
		var bare strings.Builder
		for i := range back.Entries {
			bare.WriteString(authlog.Detail(&back.Entries[i]))
			if k, err := authlog.ParseKey(authlog.FormatKey(back.Entries[i].Key)); err != nil || k != back.Entries[i].Key {
				t.Fatalf("key %+v, %v", k, err)
			}
		}
		details, err := authlog.ParseDetails(bare.String())
		if diff := cmp.Diff(back.Entries, details); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}

func drawEntry(t *rapid.T) authlog.Entry {
	e := authlog.Entry{Kind: rapid.SampledFrom([]authlog.Kind{authlog.Authorization, authlog.Purchase, authlog.Refund}).Draw(t, "kind"),
		State: authlog.Completed, Acceptor: rapid.StringMatching(`[A-Z0-9]{1,15}`).Draw(t, "acceptor"), Approval: rapid.StringMatching(`[A-Z0-9]{0,6}`).Draw(t, "approval")}
	e.Key = authlog.Key{Sent: from.Add(time.Duration(rapid.IntRange(0, 3599).Draw(t, "sent")) * time.Second), Terminal: rapid.StringMatching(`[A-Z0-9]{1,8}`).Draw(t, "terminal"),
		STAN: rapid.StringMatching(`[0-9]{6}`).Draw(t, "stan"), RRN: rapid.StringMatching(`[A-Z0-9]{12}`).Draw(t, "rrn")}
	e.Amount = money.Amount{Minor: rapid.Int64Range(1, 999_999_999_999).Draw(t, "amount"), Currency: money.BYN}
	e.Reversed = rapid.Int64Range(0, e.Amount.Minor).Draw(t, "reversed")
	if e.Reversed == e.Amount.Minor {
		e.State = authlog.Reversed
	}
	return e
}

// FuzzParse: whatever comes, what is accepted is written back as it came.
func FuzzParse(f *testing.F) {
	whole, err := authlog.Format(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("H01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := authlog.Parse(data)
		var at *authlog.Error
		if err != nil {
			if !errors.As(err, &at) || at.Line < 1 {
				t.Fatalf("%v says no line", err)
			}
			return
		}
		if !authlog.Whole(data) {
			t.Fatal("accepted, but not whole")
		}
		again, err := authlog.Format(l)
		if err != nil || string(again) != string(data) {
			t.Fatalf("%v: accepted\n%q\nwritten\n%q", err, data, again)
		}
	})
}
