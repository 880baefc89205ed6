package ipm

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
		&r.LifeCycle, &r.Originator} {
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
