package ipm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled/fileformats/iso8583"
)

// readAll returns copies of the presentments of a file.
func readAll(data []byte, p Profile, o Options) ([]Record, *Reader, error) {
	r := NewReader(bytes.NewReader(data), p, o)
	var all []Record
	for {
		var rec Record
		err := r.Read(&rec)
		if errors.Is(err, io.EOF) {
			return all, r, nil
		}
		if err != nil {
			return all, r, err
		}
		all = append(all, clone(rec))
	}
}

func clone(r Record) Record {
	for _, p := range []*[]byte{&r.PAN, &r.Expiry, &r.POSData, &r.CardSequence, &r.MCC, &r.ARN, &r.Acquirer, &r.Forwarder,
		&r.RRN, &r.ApprovalCode, &r.Terminal, &r.Acceptor, &r.Location, &r.TerminalType, &r.AdditionalAmounts, &r.ICC,
		&r.LifeCycle, &r.SecurityLevel, &r.Originator} {
		*p = bytes.Clone(*p)
	}
	return r
}

func TestReaderReturnsWhatWasPublished(t *testing.T) {
	want := sample()
	for _, f := range fixtures {
		got, r, err := readAll(golden(t, f.file), f.profile, Options{Strict: true})
		if err != nil {
			t.Fatalf("%s: %v", f.file, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Record{}, "Message")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.file, diff)
		}
		if id, mode := r.File(); id != sampleID || mode != Test {
			t.Errorf("%s: file %v mode %c", f.file, id, mode)
		}
		if got, want := r.Control(), (Control{Messages: 5, Amount: 29690}); got != want {
			t.Errorf("%s: control %v, want %v", f.file, got, want)
		}
	}
}

func TestVerifyTotalsFromBytesAlone(t *testing.T) {
	want := Totals{
		File: sampleID, Mode: Test, Control: Control{Messages: 5, Amount: 29690},
		Currencies: []CurrencyTotals{{
			Currency: 978, Sales: Sum{1, 12345}, Refunds: Sum{1, 5000}, SaleReversals: Sum{1, 12345},
		}},
	}
	for _, f := range fixtures {
		got, err := Verify(bytes.NewReader(golden(t, f.file)), f.profile)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", f.file, err, diff)
		}
	}
}

func TestTruncationIsNeverSuccess(t *testing.T) {
	for _, f := range fixtures {
		whole := golden(t, f.file)
		for cut := range len(whole) {
			_, err := Verify(bytes.NewReader(whole[:cut]), f.profile)
			var at *Error
			if !errors.As(err, &at) || at.Record < 1 || at.Offset > int64(cut) {
				t.Fatalf("%s cut at %d: %v", f.file, cut, err)
			}
			_, _, err = readAll(whole[:cut], f.profile, Options{})
			if missingTerminator := !f.profile.Blocked && cut == len(whole)-4; (err == nil) != missingTerminator {
				t.Fatalf("%s cut at %d, lenient: %v", f.file, cut, err)
			}
		}
	}
}

func TestRefusedContent(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		err      error
		record   int64
		field    int
		pds      int
		final    bool
	}{
		{"amount differs from the checksum", "000000005000", "000000005001", ErrControl, 5, 0, 0, true},
		{"checksum differs from the amounts", "0000000000029690", "0000000000029691", ErrControl, 5, 0, 0, true},
		{"count differs", "030600800000005", "030600800000006", ErrControl, 5, 0, 0, true},
		{"trailer of another file", "00001" + "0301", "00002" + "0301", ErrTrailer, 5, 0, 0, true},
		{"header missing", "697040", "693040", ErrHeader, 1, 0, 0, true},
		{"header repeated", "695070", "697070", ErrHeader, 5, 0, 0, true},
		{"unknown mode", "0122001T", "0122001X", ErrValue, 1, 0, 122, true},
		{"no such date in the file id", "002261121", "002261131", ErrValue, 1, 0, 105, true},
		{"function of a chargeback", "900C2005999", "900C4505999", ErrMessage, 2, 0, 0, false},
		{"cash advance", "442000000000000012345", "442120000000000012345", ErrValue, 2, 3, 0, false},
		{"letters in the amount", "00000000500026", "000000005O0026", iso8583.ErrCharacter, 3, 4, 0, false},
		{"no such month", "000000012345261120", "000000012345261320", ErrValue, 2, 12, 0, false},
		{"wrong check digit", "25123456325000000000027", "25123456325000000000028", ErrValue, 3, 31, 0, false},
		{"unknown settlement", "0165001M", "0165001X", ErrValue, 2, 0, 165, false},
		{"unknown private data", "0165001M", "0166001M", ErrValue, 2, 0, 166, false},
		{"exponent of another currency", "01480049782", "01480048402", ErrValue, 2, 0, 148, false},
		{"no such reversal date", "0025007R261121", "0025007R261131", ErrValue, 4, 0, 25, false},
		{"not a reversal", "0025007R261121", "0025007O261121", ErrValue, 4, 0, 25, false},
		{"private data past its end", "0148004", "0148094", iso8583.ErrPDS, 2, 48, 0, false},
		{"message number without digits", "00000003060", "0000000A060", iso8583.ErrCharacter, 3, 71, 0, false},
	}
	for _, tt := range tests {
		data := bytes.Replace(golden(t, "ipm_ascii.vbs"), []byte(tt.old), []byte(tt.new), 1)
		if bytes.Equal(data, golden(t, "ipm_ascii.vbs")) {
			t.Errorf("%s: nothing replaced", tt.name)
			continue
		}
		_, _, err := readAll(data, Profile{}, Options{})
		var at *Error
		var in *iso8583.Error
		if !errors.As(err, &at) || !errors.Is(err, tt.err) || at.Record != tt.record || at.PDS != tt.pds || at.Final != tt.final {
			t.Errorf("%s: %+v", tt.name, err)
		}
		if tt.field > 0 && (!errors.As(err, &in) || in.Field != tt.field) {
			t.Errorf("%s: %v, want DE %d", tt.name, err, tt.field)
		}
	}
}

func TestMissingAndUnexpectedElements(t *testing.T) {
	valid := build(t, Profile{}, sample())[78+4 : 78+4+286]
	for _, n := range requiredFields {
		m := iso8583.IPM(iso8583.ASCII).NewMessage("")
		if err := m.Decode(valid); err != nil {
			t.Fatal(err)
		}
		m.Unset(n)
		_, _, err := readAll(around(t, m), Profile{}, Options{})
		var at *iso8583.Error
		if n == 24 {
			if !errors.Is(err, ErrMessage) {
				t.Errorf("without a function: %v", err)
			}
		} else if !errors.As(err, &at) || at.Field != n || !errors.Is(err, iso8583.ErrMissing) {
			t.Errorf("without DE %d: %v", n, err)
		}
	}
	m := iso8583.IPM(iso8583.ASCII).NewMessage("")
	if err := m.Decode(valid); err != nil {
		t.Fatal(err)
	}
	m.Set(5, "000000012345")
	var at *iso8583.Error
	if _, _, err := readAll(around(t, m), Profile{}, Options{}); !errors.As(err, &at) || at.Field != 5 || !errors.Is(err, ErrMessage) {
		t.Errorf("with DE 5: %v", err)
	}
}

// around returns a file with the message between header and trailer.
func around(t *testing.T, m *iso8583.Message) []byte {
	t.Helper()
	whole := bytes.Replace(build(t, Profile{}, nil), []byte("030600800000002"), []byte("030600800000003"), 1)
	record, err := m.AppendTo([]byte{0, 0, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(record, uint32(len(record)-4))
	return slices.Concat(whole[:78], record, whole[78:])
}

func TestOneBadRecordDoesNotHideTheOthers(t *testing.T) {
	data := bytes.Replace(golden(t, "ipm_ascii.vbs"), []byte("442000000000000012345"), []byte("44200000000000001234X"), 1)
	r := NewReader(bytes.NewReader(data), Profile{}, Options{})
	var rec Record
	if err := r.Read(&rec); !errors.Is(err, iso8583.ErrCharacter) || !bytes.Contains(r.Raw(), []byte("1234X")) {
		t.Fatalf("bad record: %v, %q", err, r.Raw())
	}
	if err := r.Read(&rec); err != nil || rec.Kind != Refund || rec.Message != 3 {
		t.Errorf("second record: %+v, %v", rec, err)
	}
	if err := r.Read(&rec); err != nil || !rec.Reversal {
		t.Errorf("third record: %+v, %v", rec, err)
	}
	for range 2 {
		if err := r.Read(&rec); !errors.Is(err, io.EOF) {
			t.Errorf("end: %v", err)
		}
	}
}

func TestNumberingIsDemandedOfOurOwnFilesOnly(t *testing.T) {
	data := bytes.Replace(golden(t, "ipm_ascii.vbs"), []byte("00000003060"), []byte("00000033060"), 1)
	got, _, err := readAll(data, Profile{}, Options{})
	if err != nil || got[1].Message != 33 {
		t.Errorf("tolerant: %v", err)
	}
	if _, err := Verify(bytes.NewReader(data), Profile{}); !errors.Is(err, ErrNumber) {
		t.Errorf("strict: %v", err)
	}
}

func TestWrongPageIsNoticed(t *testing.T) {
	r := changed(func(r *Record) { r.Location = []byte(`YES!\S\C\0110000000   LTU`) })
	file := build(t, Profile{Charset: iso8583.CP500}, []Record{r})
	got, _, err := readAll(file, Profile{Charset: iso8583.CP037}, Options{})
	if err != nil || string(got[0].Location) != `YES|\S\C\0110000000   LTU` {
		t.Errorf("cp500 read as cp037: %s, %v", got[0].Location, err)
	}
	if _, err := Verify(bytes.NewReader(file), Profile{}); err == nil {
		t.Error("EBCDIC was read as ASCII")
	}
}

func TestTotalsPerCurrency(t *testing.T) {
	records := []Record{
		changed(func(r *Record) { r.Currency, r.Exponent, r.Amount = 392, 0, 500 }),
		changed(func(*Record) {}),
		changed(func(r *Record) { r.Kind, r.Reversal, r.Amount = Refund, true, 7 }),
		changed(func(r *Record) { r.Currency, r.Exponent, r.Amount = 36, 2, 11 }),
	}
	want := []CurrencyTotals{
		{Currency: 36, Sales: Sum{1, 11}}, {Currency: 392, Sales: Sum{1, 500}},
		{Currency: 978, Sales: Sum{1, 12345}, RefundReversals: Sum{1, 7}},
	}
	got, err := Verify(bytes.NewReader(build(t, Profile{}, records)), Profile{})
	if diff := cmp.Diff(want, got.Currencies); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzReader: what can be read can be written, and reads the same again.
func FuzzReader(f *testing.F) {
	for i, fixture := range fixtures {
		f.Add(golden(f, fixture.file), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		p := fixtures[int(which)%len(fixtures)].profile
		r := NewReader(bytes.NewReader(data), p, Options{})
		var records []Record
		for {
			var rec Record
			err := r.Read(&rec)
			var at *Error
			if errors.Is(err, io.EOF) || errors.As(err, &at) && at.Final {
				break
			}
			if err == nil {
				records = append(records, clone(rec))
			}
		}
		if len(records) == 0 {
			return
		}
		got, _, err := readAll(build(t, p, records), p, Options{Strict: true})
		if diff := cmp.Diff(records, got, cmpopts.IgnoreFields(Record{}, "Message")); err != nil || diff != "" {
			t.Errorf("%v (-read +read again):\n%s", err, diff)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	for _, f := range fixtures {
		b.Run(f.file, func(b *testing.B) {
			const n = 10_000
			records := slices.Repeat(sample()[:1], n)
			data := build(b, f.profile, records)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Verify(bytes.NewReader(data), f.profile); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
		})
	}
}
