package formats_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/clearing/format"
	"settled/clearing/format/formats"
	"settled/internal/money"
	"settled/internal/settings"
)

// What every format promises to the night, asked of each of them.

var (
	date     = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	standard = format.Settings{Member: "00000012345", Acquirer: "512345"}
	shop     = format.Merchant{ID: 1, Name: "North Star", Street: "Nemiga 1", City: "Minsk", Postal: "220004", Country: "BLR", MCC: "5411", Terminal: "T0000001", Acceptor: "M00000000000001"}
)

// each runs a test for every format in several forms.
func each(t *testing.T, test func(t *testing.T, f format.Format)) {
	forms := map[string]format.Settings{"ipm": standard, "ipm blocked": standard, "delimited": standard, "delimited minor": standard}
	for name, s := range forms {
		kind, form, _ := strings.Cut(name, " ")
		s.Blocked = form == "blocked"
		if form == "minor" {
			s.Options = map[string]string{"amounts": "minor", "line_end": "crlf", "delimiter": "tab"}
		}
		f, problems := formats.New(kind, s, format.Center{Zone: time.UTC})
		if len(problems) > 0 || f.Name() != kind {
			t.Fatal(name, problems)
		}
		t.Run(name, func(t *testing.T) { test(t, f) })
	}
}

func record(i int64) *format.Record {
	r := &format.Record{Kind: format.Sale, Number: 40 + i, Exchange: i, Amount: 100 + i, Born: date, Authorized: date,
		PAN: []byte("4000000000003006"), Expiry: []byte("2912"), Approval: []byte("A00001")}
	if i%3 == 0 {
		r.Kind = format.Credit
	}
	return r
}

// whole counts the writes and takes none that does not end a message.
type whole struct {
	bytes.Buffer
	ends []int
}

func (w *whole) Write(p []byte) (int, error) {
	w.ends = append(w.ends, w.Len()+len(p))
	return w.Buffer.Write(p)
}

// build writes a file of records.
func build(t *testing.T, f format.Format, records int64) *whole {
	t.Helper()
	var out whole
	w, err := f.NewWriter(&out, format.Batch{ID: f.FileID(date, 7), Currency: money.BYN, Merchants: []format.Merchant{shop}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := w.Write(record(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || w.Messages() != records+f.Limits().Envelope {
		t.Fatalf("%d messages, %v", w.Messages(), err)
	}
	return &out
}

func TestWhatIsWrittenIsVerified(t *testing.T) {
	each(t, func(t *testing.T, f format.Format) {
		c, err := f.Verify(build(t, f, 3))
		want := format.CurrencySum{Currency: money.BYN, Sales: format.Sum{Count: 2, Amount: 203}, Credits: format.Sum{Count: 1, Amount: 103}}
		if err != nil || c.File != f.FileID(date, 7) || c.Messages != 3+f.Limits().Envelope || len(c.Currencies) != 1 || c.Currencies[0] != want {
			t.Errorf("%+v, %v", c, err)
		}
		if c, err := f.Verify(build(t, f, 0)); err != nil || len(c.Currencies) > 0 || c.Messages != f.Limits().Envelope {
			t.Errorf("an empty file: %+v, %v", c, err)
		}
		data := build(t, f, 3).Bytes()
		for _, cut := range []int{0, 1, len(data) / 2, len(data) - 1} {
			if _, err := f.Verify(bytes.NewReader(data[:cut])); err == nil {
				t.Errorf("the first %d of %d bytes are verified", cut, len(data))
			}
		}
	})
}

// TestRecordsAreLocatedInParts: what is written at a time is a part of whole messages, in which every record is found by its number.
func TestRecordsAreLocatedInParts(t *testing.T) {
	each(t, func(t *testing.T, f format.Format) {
		const records = 6000
		out := build(t, f, records)
		if len(out.ends) < 2 {
			t.Fatalf("written in %d parts", len(out.ends))
		}
		at, first := 0, uint32(1)
		var found int
		for _, end := range out.ends {
			messages := make([]uint32, 0, records)
			for n := first; n < first+records; n++ {
				messages = append(messages, n)
			}
			references := make([]uint64, len(messages))
			f.Locate(out.Bytes()[at:end], format.Place{Message: first, Offset: int64(at)}, messages, references)
			for i, reference := range references {
				if reference == format.NoReference {
					continue
				}
				if want := uint64(40 + messages[i] - 1); reference != want {
					t.Fatalf("message %d: reference %d, want %d", messages[i], reference, want)
				}
				found++
				first = messages[i] + 1
			}
			at = end
		}
		if found != records {
			t.Errorf("found %d of %d", found, records)
		}
	})
}

func TestAnUnwritableRecordLeavesNoTrace(t *testing.T) {
	each(t, func(t *testing.T, f format.Format) {
		var out whole
		w, err := f.NewWriter(&out, format.Batch{ID: f.FileID(date, 7), Currency: money.BYN, Merchants: []format.Merchant{shop}})
		if err != nil {
			t.Fatal(err)
		}
		bad := record(1)
		bad.PAN = []byte("40")
		if err := w.Write(bad); !errors.Is(err, format.ErrRecord) || w.Messages() != 1 {
			t.Errorf("%v after %d messages", err, w.Messages())
		}
		for i := range int64(3) {
			err = errors.Join(err, w.Write(record(i+1)))
		}
		if err = errors.Join(err, w.Close()); err != nil || !bytes.Equal(out.Bytes(), build(t, f, 3).Bytes()) {
			t.Errorf("the file differs: %v", err)
		}
	})
}

func TestAMerchantThatDoesNotFit(t *testing.T) {
	each(t, func(t *testing.T, f format.Format) {
		if err := f.Fits(shop); err != nil {
			t.Error(err)
		}
		long := shop
		long.City = "Saint Petersburg"
		if err := f.Fits(long); !errors.Is(err, format.ErrRecord) || !strings.Contains(fmt.Sprint(err), "merchant 1") {
			t.Errorf("got %v", err)
		}
	})
}

func TestFilesNameThemselves(t *testing.T) {
	each(t, func(t *testing.T, f format.Format) {
		most := int32(1)
		for range f.Limits().SequenceDigits {
			most *= 10
		}
		for _, sequence := range []int32{1, 42, most - 1} {
			if at, n, ok := f.ParseFileID(f.FileID(date, sequence)); !ok || n != sequence || !at.Equal(date) {
				t.Errorf("%d: %v %d %t", sequence, at, n, ok)
			}
		}
		other, _ := formats.New(f.Name(), format.Settings{Member: "00000000777", Acquirer: "512345"}, format.Center{Zone: time.UTC})
		for _, id := range []string{"", "x", other.FileID(date, 7)} {
			if _, _, ok := f.ParseFileID(id); ok {
				t.Errorf("%q is taken for ours", id)
			}
		}
		n := format.Name{Center: "PC-A", Stream: "s", BusinessDate: date, Sequence: 7, Part: 1, Parts: 2, Build: 1}
		first := f.FileName(n)
		if got, ok := f.ParseFileName("PC-A", "s", first); !ok || got != n || !strings.HasSuffix(first, f.Extension()) {
			t.Errorf("%s: %+v, %t", first, got, ok)
		}
		n.Build = 2
		if f.FileName(n) == first {
			t.Errorf("two builds are named %s", first)
		}
	})
}

// TestStandardNamesOfAnswers: what a center's answer is named by default leads to our file.
func TestStandardNamesOfAnswers(t *testing.T) {
	for name, kind := range map[string]string{"RPY_ACQ_x_1.ipm": "ipm", "ACQ_x.csv.FileReject": "delimited", "ACQ_x.csv.SettlementSummary.2": "delimited"} {
		pattern := regexp.MustCompile(formats.ReplyPattern(kind))
		if m := pattern.FindStringSubmatch(name); m == nil || m[pattern.SubexpIndex("file")] != "ACQ_x" {
			t.Errorf("%s: %v", name, m)
		}
	}
	if formats.ReplyPattern("") != formats.ReplyPattern("ipm") {
		t.Error("a center that names no format is of another than ipm")
	}
}

func TestBrokenAnswersSayWhere(t *testing.T) {
	each(t, func(t *testing.T, f format.Format) {
		for _, data := range []string{"", "x", "\x00\x00\x00\x05abc", strings.Repeat("1644^", 300)} {
			var e format.Entry
			var at *format.SyntaxError
			if err := f.NewReplyReader(strings.NewReader(data)).Read(&e); errors.Is(err, io.EOF) || !errors.As(err, &at) || !at.Final {
				t.Errorf("%.10q: %v", data, err)
			}
		}
	})
}

func TestRunesOfTexts(t *testing.T) {
	each(t, func(t *testing.T, f format.Format) {
		taken := func(r rune) bool { return f.WritableRune(r) }
		if !taken('A') || !taken(' ') || taken('К') || taken('\n') && f.Name() == "delimited" {
			t.Error("letters are not told apart from what a file cannot hold")
		}
	})
}

func TestUnknownFormats(t *testing.T) {
	f, problems := formats.New("csv", standard, format.Center{Zone: time.UTC})
	if want := []settings.Problem{{Key: "format", Why: `"csv" is not one of ipm, delimited`}}; f != nil || !slices.Equal(problems, want) {
		t.Errorf("%v, %v", f, problems)
	}
}
