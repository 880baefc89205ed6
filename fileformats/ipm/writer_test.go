package ipm

import (
	"bytes"
	"os"
	"testing"
	"time"

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
