package ipmfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"settled/clearing/format"
	"settled/clearing/format/ipmfile"
	"settled/fileformats/ipm"
	"settled/internal/money"
)

var (
	date   = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	center = format.Center{Zone: time.UTC, Acquirer: "123456"}
	set    = format.Settings{Member: "00000012345", Acquirer: "512345"}
	shop   = format.Merchant{ID: 1, Name: "North Star", Street: "Nemiga 1", City: "Minsk", Postal: "220004", Country: "BLR", MCC: "5411", Terminal: "T0000001", Acceptor: "M00000000000001"}
)

func made(t testing.TB, change func(*format.Settings)) format.Format {
	t.Helper()
	s := set
	change(&s)
	f, problems := ipmfile.FromSettings(s, center)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return f
}

// written is a file of sales of 100, 200 … with the numbers from first on, and where each Write to it ended.
func written(t testing.TB, f format.Format, merchants []format.Merchant, records int, first int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := f.NewWriter(&out, format.Batch{ID: f.FileID(date, 7), Currency: money.BYN, Merchants: merchants})
	for i := range records {
		err = errors.Join(err, w.Write(&format.Record{Kind: format.Sale, Number: first + int64(i), Exchange: int64(i), Amount: int64(i+1) * 100, Born: date, Authorized: date,
			PAN: []byte("4000000000003006"), Expiry: []byte("2912"), Approval: []byte("A00001")}))
	}
	if err = errors.Join(err, w.Close()); err != nil || w.Messages() != int64(records+2) {
		t.Fatalf("%d messages, %v", w.Messages(), err)
	}
	return out.Bytes()
}

func TestFilesAreVerifiedAndRecordsLocated(t *testing.T) {
	for _, blocked := range []bool{false, true} {
		f := made(t, func(s *format.Settings) { s.Blocked = blocked })
		data := written(t, f, []format.Merchant{shop}, 20, 41)
		c, err := f.Verify(bytes.NewReader(data))
		if err != nil || c.File != f.FileID(date, 7) || c.Messages != 22 || len(c.Currencies) != 1 || c.Currencies[0].Sales != (format.Sum{Count: 20, Amount: 21000}) {
			t.Errorf("%+v, %v", c, err)
		}
		references := make([]uint64, 5)
		f.Locate(data, format.Place{Message: 1}, []uint32{1, 2, 9, 22, 23}, references)
		if want := []uint64{format.NoReference, 41, 48, format.NoReference, format.NoReference}; !slices.Equal(references, want) {
			t.Errorf("got %v, want %v", references, want)
		}
	}
}

func TestIdentitiesAreReadBack(t *testing.T) {
	f := made(t, func(*format.Settings) {})
	if at, sequence, ok := f.ParseFileID(f.FileID(date, 7)); !ok || sequence != 7 || !at.Equal(date) {
		t.Errorf("%v %d %t", at, sequence, ok)
	}
	other := made(t, func(s *format.Settings) { s.Member = "00000000777" })
	for _, id := range []string{"", "x", other.FileID(date, 7), "001" + f.FileID(date, 7)[3:]} {
		if _, _, ok := f.ParseFileID(id); ok {
			t.Errorf("%q is taken for ours", id)
		}
	}
}

func TestAMerchantThatDoesNotFitIsAnErrorOfItsRecords(t *testing.T) {
	f := made(t, func(*format.Settings) {})
	long := shop
	long.City = "Saint Petersburg"
	if err := f.Fits(long); !errors.Is(err, format.ErrRecord) {
		t.Errorf("got %v", err)
	}
	w, err := f.NewWriter(io.Discard, format.Batch{ID: f.FileID(date, 7), Currency: money.BYN, Merchants: []format.Merchant{long, shop}})
	if err != nil {
		t.Fatal(err)
	}
	r := format.Record{Kind: format.Sale, Number: 1, Amount: 1, Born: date, Authorized: date, PAN: []byte("40"), Expiry: []byte("2912")}
	if err := w.Write(&r); !errors.Is(err, format.ErrRecord) {
		t.Errorf("merchant: %v", err)
	}
	r.Merchant = 1
	if err := w.Write(&r); !errors.Is(err, format.ErrRecord) || w.Messages() != 1 {
		t.Errorf("card: %v after %d messages", err, w.Messages())
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for want, change := range map[string]func(*format.Settings){
		`charset "koi8" is not one of ascii, latin1, cp037, cp500`: func(s *format.Settings) { s.Charset = "koi8" },
		`dialect "x" is not one of standard, smartvista`:           func(s *format.Settings) { s.Dialect = "x" },
		`mode "x" is not one of production, test`:                  func(s *format.Settings) { s.Mode = "x" },
		`member is missing`:                func(s *format.Settings) { s.Member = "" },
		`acquirer_bin "5" is not 6 digits`: func(s *format.Settings) { s.Acquirer = "5" },
		`forwarder is needed, of 6 to 11 digits, where member has fewer than 6: it stands for it in every record`: func(s *format.Settings) { s.Member = "12345" },
		`forwarder "5" is not 6 to 11 digits`: func(s *format.Settings) { s.Forwarder = "5" },
	} {
		s := set
		change(&s)
		f, problems := ipmfile.FromSettings(s, center)
		if len(problems) != 1 || f != nil {
			t.Errorf("%s: %v", want, problems)
			continue
		}
		if got := fmt.Sprint(problems[0].Key, " ", problems[0].Why); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAnswersInTheNightsWords(t *testing.T) {
	f := made(t, func(*format.Settings) {})
	p := f.(*ipmfile.Format).Profile()
	ours, err := ipm.ParseFileID(f.FileID(date, 7))
	data := written(t, f, []format.Merchant{shop}, 1, 41)
	in := ipm.NewReader(bytes.NewReader(data), p, ipm.Options{})
	var sent ipm.Record
	err = errors.Join(err, in.Read(&sent))
	var out bytes.Buffer
	w := ipm.NewReplyWriter(&out, p, ipm.Routing{Destination: "12345", Originator: "999999", Receiving: "12345"})
	err = errors.Join(err, w.WriteHeader(ipm.FileID{Type: ipm.FromCenter, Date: 260302, Member: 12345, Sequence: 1}),
		w.Write(&ipm.Reply{Kind: ipm.MessageException, Exception: ipm.Exception{Faults: []ipm.Fault{{Element: 31, Code: 4001}}, Source: ours, SourceMessage: 2, Copy: in.Raw()}}),
		w.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: ipm.Position{Source: ours, MTI: "1240", Function: "200", ProcessingCode: "00", Currency: 933, Credits: ipm.Sum{Count: 3, Amount: 600}}}))
	if _, closed := w.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
	r := f.NewReplyReader(&out)
	var got []format.Entry
	for {
		var e format.Entry
		if err := r.Read(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	id := f.FileID(date, 7)
	want := []format.Entry{
		{Kind: format.RecordRefused, Line: 2, File: id, Refusal: format.Refusal{Message: 2, Code: 4001, Text: "D0031 4001", HasReference: true, Reference: 41}},
		{Kind: format.Accepted, Line: 3, File: id, Accepted: format.AcceptedTotal{Kind: format.Sale, Currency: money.BYN, Sum: format.Sum{Count: 3, Amount: 600}}},
	}
	if !slices.Equal(got, want) || r.Header().Mode != format.Production {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
