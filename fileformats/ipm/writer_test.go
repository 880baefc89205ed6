package ipm

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled/fileformats/iso8583"
)

// sampleID and sample are the worked example: a sale of 123.45 EUR, a refund of 50.00 EUR and the reversal of the sale.
var sampleID = FileID{Type: FromMember, Date: 261121, Member: 12345, Sequence: 1}

func sample() []Record {
	sale := Record{
		Kind: Sale, PAN: []byte("5413330089010442"), Amount: 12345, Currency: 978, Exponent: 2,
		LocalTime: time.Date(2026, 11, 20, 15, 30, 12, 0, time.UTC), Expiry: []byte("2812"),
		POSData: []byte("000250S1900C"), MCC: []byte("5999"), ARN: []byte("25123456325000000000019"),
		Forwarder: []byte("012345"), RRN: []byte("632515000123"), ApprovalCode: []byte("A1B2C3"),
		Terminal: []byte("TERM0001"), Acceptor: []byte("MERCHANT0000001"), TerminalType: []byte("CT6"),
		Location: []byte(`ACME BOOKS\1 HIGH STREET\VILNIUS\01100        LTU`), Settlement: 'M',
		LifeCycle: []byte(" MCC1A2B3C1120  "), Originator: []byte("012345"),
	}
	refund := sale
	refund.Kind, refund.Amount, refund.ARN = Refund, 5000, []byte("25123456325000000000027")
	reversal := sale
	reversal.Reversal, reversal.ReversalDate = true, 261121
	return []Record{sale, refund, reversal}
}

var fixtures = []struct {
	file    string
	profile Profile
}{
	{"ipm_ascii.vbs", Profile{Mode: Test}},
	{"ipm_ascii.1014", Profile{Mode: Test, Blocked: true}},
	{"ipm_ebcdic.vbs", Profile{Mode: Test, Charset: iso8583.CP500}},
	{"ipm_ebcdic.1014", Profile{Mode: Test, Charset: iso8583.CP500, Blocked: true}},
}

func golden(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func build(t testing.TB, p Profile, records []Record) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, p)
	if err := w.WriteHeader(sampleID); err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := w.Write(&records[i]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWriterProducesThePublishedBytes(t *testing.T) {
	for _, f := range fixtures {
		if got := build(t, f.profile, sample()); !bytes.Equal(got, golden(t, f.file)) {
			t.Errorf("%s: got\n%x\nwant\n%x", f.file, got, golden(t, f.file))
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, f := range fixtures {
		b.Run(f.file, func(b *testing.B) {
			w := NewWriter(discard{}, f.profile)
			if err := w.WriteHeader(sampleID); err != nil {
				b.Fatal(err)
			}
			r := sample()[0]
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(&r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/record")
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// changed returns the sample sale with a change.
func changed(change func(*Record)) Record {
	r := clone(sample()[0])
	change(&r)
	return r
}

func TestPrivateDataOfPresentments(t *testing.T) {
	tests := []struct {
		name    string
		dialect Dialect
		change  func(*Record)
		want    string
	}{
		{"yen have no decimals", Standard, func(r *Record) { r.Currency, r.Exponent = 392, 0 }, "0290023003CT601480043920" + "0165001M392"},
		{"dinars have three", Standard, func(r *Record) { r.Currency, r.Exponent = 414, 3 }, "0290023003CT601480044143" + "0165001M414"},
		{"low currency codes keep their zeros", Standard, func(r *Record) { r.Currency, r.Exponent = 36, 2 }, "01480040362" + "0165001M036"},
		{"short terminal types are filled", Standard, func(r *Record) { r.TerminalType = []byte("NA") }, "0290023003NA 0148"},
		{"reversal without a date", Standard, func(r *Record) { r.Reversal = true }, "0370023003CT6" + "0025001R" + "0148"},
		{"cardholder authenticated", Standard, func(r *Record) { r.SecurityLevel = []byte("212") }, "0390023003CT6" + "0052003212" + "0148"},
		{"reversal of it", Standard, func(r *Record) { r.SecurityLevel, r.Reversal = []byte("211"), true }, "0470023003CT6" + "0025001R" + "0052003211" + "0148"},
		{"SmartVista sale", SmartVista, func(r *Record) { r.ARN = []byte("95123456325000000000010") }, "0165001M" + "1002003774" + "978"},
		{"SmartVista refund", SmartVista, func(r *Record) { r.ARN, r.Kind = []byte("95123456325000000000010"), Refund }, "0165001M" + "1002003775" + "978"},
	}
	for _, tt := range tests {
		p := Profile{Dialect: tt.dialect}
		want := changed(tt.change)
		file := build(t, p, []Record{want})
		if !bytes.Contains(file, []byte(tt.want)) {
			t.Errorf("%s: no %s in %s", tt.name, tt.want, file)
		}
		got, _, err := readAll(file, p, Options{Strict: true})
		if diff := cmp.Diff([]Record{want}, got, cmpopts.IgnoreFields(Record{}, "Message")); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
}

func TestOptionalElementsSurvive(t *testing.T) {
	full := changed(func(r *Record) {
		r.CardSequence, r.Acquirer, r.Settlement = []byte("001"), []byte("01234567890"), 'C'
		r.AdditionalAmounts = []byte("0040978D00000000010000")[:20]
		r.ICC = []byte("\x9f\x26\x08\x00\x40\xff\x01\x02\x03\x04\x05")
		r.PAN = []byte("5413330089010442123")
	})
	bare := changed(func(r *Record) {
		r.Expiry, r.ApprovalCode, r.LifeCycle, r.Kind, r.Amount = nil, nil, nil, Refund, 0
	})
	for _, p := range []Profile{{}, {Charset: iso8583.CP500, Blocked: true}, {Charset: iso8583.CP037}} {
		got, _, err := readAll(build(t, p, []Record{full, bare}), p, Options{Strict: true})
		if diff := cmp.Diff([]Record{full, bare}, got, cmpopts.IgnoreFields(Record{}, "Message")); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

func TestRefusedRecordLeavesNoTrace(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Record)
		err    error
		field  int
		pds    int
	}{
		{"accent in an ASCII name", func(r *Record) { r.Location = []byte(`CAFÉ\S\C\0110000000   LTU`) }, iso8583.ErrUnencodable, 43, 0},
		{"no PAN", func(r *Record) { r.PAN = nil }, iso8583.ErrLength, 2, 0},
		{"unknown kind", func(r *Record) { r.Kind = 1 }, ErrValue, 3, 0},
		{"negative amount", func(r *Record) { r.Amount = -1 }, ErrValue, 4, 0},
		{"amount of 13 digits", func(r *Record) { r.Amount = 1e12 }, iso8583.ErrLength, 4, 0},
		{"no time", func(r *Record) { r.LocalTime = time.Time{} }, ErrValue, 12, 0},
		{"wrong check digit", func(r *Record) { r.ARN = []byte("25123456325000000000018") }, ErrValue, 31, 0},
		{"letters in the ARN", func(r *Record) { r.ARN = []byte("2512345632500000000001X") }, ErrValue, 31, 0},
		{"long RRN", func(r *Record) { r.RRN = []byte("1234567890123") }, iso8583.ErrLength, 37, 0},
		{"broken additional amounts", func(r *Record) { r.AdditionalAmounts = []byte("x") }, ErrValue, 54, 0},
		{"short life-cycle id", func(r *Record) { r.LifeCycle = []byte("x") }, iso8583.ErrLength, 63, 0},
		{"no terminal type", func(r *Record) { r.TerminalType = nil }, ErrValue, 0, 23},
		{"security level of two digits", func(r *Record) { r.SecurityLevel = []byte("21") }, ErrValue, 0, 52},
		{"security level of letters", func(r *Record) { r.SecurityLevel = []byte("21A") }, ErrValue, 0, 52},
		{"empty security level", func(r *Record) { r.SecurityLevel = []byte{} }, ErrValue, 0, 52},
		{"date without a reversal", func(r *Record) { r.ReversalDate = 261121 }, ErrValue, 0, 25},
		{"no such date", func(r *Record) { r.Reversal, r.ReversalDate = true, 261131 }, ErrValue, 0, 25},
		{"currency of four digits", func(r *Record) { r.Currency = 1000 }, ErrValue, 0, 148},
		{"exponent of two digits", func(r *Record) { r.Exponent = 10 }, ErrValue, 0, 148},
		{"unknown settlement", func(r *Record) { r.Settlement = 0 }, ErrValue, 0, 165},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		w := NewWriter(&out, Profile{Mode: Test})
		if err := w.WriteHeader(sampleID); err != nil {
			t.Fatal(err)
		}
		for _, r := range sample() {
			bad := changed(tt.change)
			var at *Error
			var in *iso8583.Error
			err := w.Write(&bad)
			if !errors.As(err, &at) || !errors.Is(err, tt.err) || at.Final || at.PDS != tt.pds || at.Record != w.Control().Messages+1 {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if tt.field > 0 && (!errors.As(err, &in) || in.Field != tt.field) {
				t.Fatalf("%s: %v, want DE %d", tt.name, err, tt.field)
			}
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), golden(t, "ipm_ascii.vbs")) {
			t.Errorf("%s: the file changed, %v", tt.name, err)
		}
	}
}

// TestSecurityLevelsAlternate writes records with and without a level by turns: nothing of one may stay for the next.
func TestSecurityLevelsAlternate(t *testing.T) {
	var want []Record
	for i := range 6 {
		want = append(want, changed(func(r *Record) { r.SecurityLevel = [][]byte{nil, []byte("210"), []byte("212")}[i%3] }))
	}
	got, _, err := readAll(build(t, Profile{}, want), Profile{}, Options{Strict: true})
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Record{}, "Message")); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestLifeCycle(t *testing.T) {
	for trace, want := range map[string]string{"": "", "MCC1A2B3C1120": " MCC1A2B3C1120  ", "123456789012345": " 123456789012345"} {
		got, err := AppendLifeCycle(nil, trace)
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", trace, got, err)
		}
		if want == "" {
			continue
		}
		file := build(t, Profile{}, []Record{changed(func(r *Record) { r.LifeCycle = got })})
		if !bytes.Contains(file, []byte("978016"+want)) {
			t.Errorf("%q does not stand in %s", want, file)
		}
	}
	if _, err := AppendLifeCycle(nil, "1234567890123456"); !errors.Is(err, ErrValue) {
		t.Errorf("long trace id: %v", err)
	}
}

func TestCallsOutOfOrder(t *testing.T) {
	w := NewWriter(discard{}, Profile{})
	r := sample()[0]
	if err := w.Write(&r); !errors.Is(err, ErrState) {
		t.Errorf("record before the header: %v", err)
	}
	if _, err := w.Close(); !errors.Is(err, ErrState) {
		t.Errorf("trailer before the header: %v", err)
	}
	if err := w.WriteHeader(FileID{}); !errors.Is(err, ErrValue) {
		t.Errorf("header without a file id: %v", err)
	}
	if err := w.WriteHeader(sampleID); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHeader(sampleID); !errors.Is(err, ErrState) {
		t.Errorf("second header: %v", err)
	}
	if got, err := w.Close(); err != nil || got != (Control{Messages: 2}) {
		t.Errorf("empty file: %v, %v", got, err)
	}
	if err := w.Write(&r); !errors.Is(err, ErrState) {
		t.Errorf("record after the trailer: %v", err)
	}
	if err := NewWriter(discard{}, Profile{Mode: 'X'}).WriteHeader(sampleID); !errors.Is(err, ErrValue) {
		t.Errorf("unknown mode: %v", err)
	}
}

// sizes records the size of each write, and fails from one on.
type sizes struct {
	bytes.Buffer
	writes []int
	fail   int
}

var errDisk = errors.New("disk full")

func (s *sizes) Write(p []byte) (int, error) {
	s.writes = append(s.writes, len(p))
	if len(s.writes) == s.fail {
		return 0, errDisk
	}
	return s.Buffer.Write(p)
}

func TestLargeFilesAreWrittenInLargePieces(t *testing.T) {
	var plain, blocked sizes
	for _, f := range []struct {
		out     *sizes
		profile Profile
	}{{&plain, Profile{}}, {&blocked, Profile{Blocked: true}}} {
		w := NewWriter(f.out, f.profile)
		if err := w.WriteHeader(sampleID); err != nil {
			t.Fatal(err)
		}
		r := sample()[0]
		for range 3000 {
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := w.Close(); err != nil || got != (Control{Messages: 3002, Amount: 3000 * 12345}) {
			t.Fatalf("%v, %v", got, err)
		}
		for i, n := range f.out.writes {
			if n < 64<<10 && i < len(f.out.writes)-1 {
				t.Errorf("write %d has %d bytes", i, n)
			}
		}
		totals, err := Verify(bytes.NewReader(f.out.Bytes()), f.profile)
		if err != nil || totals.Currencies[0].Sales != (Sum{3000, 3000 * 12345}) {
			t.Errorf("%+v, %v", totals, err)
		}
	}
	if got, want := blocked.Bytes(), straight(plain.Bytes()); !bytes.Equal(got, want) {
		t.Errorf("%d blocked bytes, want %d", len(got), len(want))
	}
}

// straight blocks a whole stream: the slow, obvious way.
func straight(stream []byte) []byte {
	var out []byte
	for len(stream)%blockData != 0 {
		stream = append(stream, '@')
	}
	for ; len(stream) > 0; stream = stream[blockData:] {
		out = append(append(out, stream[:blockData]...), "@@"...)
	}
	return out
}

func TestErrorOfTheDestinationIsFinal(t *testing.T) {
	out := sizes{fail: 1}
	w := NewWriter(&out, Profile{})
	if err := w.WriteHeader(sampleID); err != nil {
		t.Fatal(err)
	}
	r := sample()[0]
	var err error
	for err == nil {
		err = w.Write(&r)
	}
	var at *Error
	if !errors.Is(err, errDisk) || !errors.As(err, &at) || !at.Final {
		t.Errorf("got %v", err)
	}
	if again := w.Write(&r); !errors.Is(again, errDisk) {
		t.Errorf("write after the error: %v", again)
	}
	if _, again := w.Close(); !errors.Is(again, errDisk) {
		t.Errorf("close after the error: %v", again)
	}
}

// TestPartsOfAFile: from wherever a message begins, all that follow are found by their lengths.
func TestPartsOfAFile(t *testing.T) {
	want := sample()
	plain := build(t, Profile{}, want)
	var starts []int64
	whole := NewPart(plain, 0, Profile{})
	for at, m := int64(0), whole.Next(); m != nil; m = whole.Next() {
		starts = append(starts, at)
		at += int64(len(m)) + 4
	}
	if len(starts) != len(want)+2 {
		t.Fatalf("%d messages, want %d and header and trailer", len(starts), len(want))
	}
	p := Profile{Blocked: true}
	blocked := build(t, p, want)
	for i, start := range starts {
		a, b := NewPart(plain[start:], start, Profile{}), NewPart(blocked[fileOffset(start):], fileOffset(start), p)
		for n := i; n < len(starts); n++ {
			if one, two := a.Next(), b.Next(); one == nil || !bytes.Equal(one, two) {
				t.Fatalf("message %d from %d: %d and %d bytes", n+1, i+1, len(one), len(two))
			}
		}
		if a.Next() != nil || b.Next() != nil {
			t.Errorf("something follows the last message")
		}
	}
}

func TestWritingAllocatesNothing(t *testing.T) {
	w := NewWriter(discard{}, Profile{Charset: iso8583.CP500, Blocked: true})
	if err := w.WriteHeader(sampleID); err != nil {
		t.Fatal(err)
	}
	r := sample()[2]
	got := testing.AllocsPerRun(5000, func() {
		if err := w.Write(&r); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations per record", got)
	}
}
