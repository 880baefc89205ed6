package delimited

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"settled/internal/money"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

var (
	caret = Profile{Delimiter: '^'}
	forms = map[string]Profile{
		"caret": caret,
		"minor": {Delimiter: ';', CRLF: true, Minor: true, Test: true, Columns: []string{"currency", "amount", "processing_code", "arn", "pan"}},
	}
	sampleID = FileID{Member: "00000004567", Date: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Cycle: 1}
)

func sample() []Record {
	sale := Record{Kind: Sale, PAN: []byte("4000000000003006"), RRN: []byte("000000000007"), ARN: []byte("25123456061000000000415"), MCC: []byte("5411"),
		Time: time.Date(2026, 3, 2, 9, 30, 5, 0, time.UTC), Expiry: []byte("2912"), Approval: []byte("A00001"), Terminal: []byte("T0000001"),
		Acceptor: []byte("M00000000000001"), Name: []byte("North Star"), City: []byte("Minsk"), Country: []byte("BLR"), Amount: 50000, Currency: money.BYN}
	credit := sale
	credit.Kind, credit.Approval, credit.Amount, credit.ARN = Refund, nil, 5, []byte("25123456061000000000423")
	return []Record{sale, credit}
}

func build(t testing.TB, p Profile, records []Record) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, p, sampleID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := w.Write(&records[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || w.Lines() != int64(len(records)+2) {
		t.Fatal(w.Lines(), err)
	}
	return out.Bytes()
}

// readAll returns the records that can be read and the error that ended it.
func readAll(data []byte, p Profile) (lines []string, err error) {
	r, err := NewReader(iotest.OneByteReader(bytes.NewReader(data)), p)
	if err != nil {
		return nil, err
	}
	for {
		var rec Record
		if err := r.Read(&rec); errors.Is(err, io.EOF) {
			if n := int64(len(lines) + 2); r.Lines() != n {
				return lines, fmt.Errorf("%d lines, not %d", r.Lines(), n)
			}
			return lines, nil
		} else if err != nil {
			return lines, err
		}
		lines = append(lines, fmt.Sprintf("%d %d %s %d %v", rec.Line, rec.Kind, rec.ARN, rec.Amount, rec.Currency))
	}
}

func TestGoldenFiles(t *testing.T) {
	for name, p := range forms {
		got, file := build(t, p, sample()), "testdata/"+name+".csv"
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s%v", name, got, want, err)
		}
		lines, err := readAll(want, p)
		if want := []string{"2 0 25123456061000000000415 50000 BYN", "3 20 25123456061000000000423 5 BYN"}; err != nil || !cmp.Equal(lines, want) {
			t.Errorf("%s: read %q, %v", name, lines, err)
		}
	}
}

func TestAnEmptyFile(t *testing.T) {
	if lines, err := readAll(build(t, caret, nil), caret); err != nil || len(lines) > 0 {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestAllFieldsAreReadBack(t *testing.T) {
	want := sample()[:1]
	r, err := NewReader(bytes.NewReader(build(t, caret, want)), caret)
	if err != nil {
		t.Fatal(err)
	}
	var got Record
	if err := r.Read(&got); err != nil || !cmp.Equal(got, want[0]) || r.File() != sampleID || r.Test() {
		t.Errorf("%v\n%s", err, cmp.Diff(want[0], got))
	}
}

func TestWhatDoesNotFitIsNotWritten(t *testing.T) {
	for column, change := range map[string]func(*Record){
		"pan":      func(r *Record) { r.PAN = []byte("4000") },
		"arn":      func(r *Record) { r.ARN = r.ARN[:22] },
		"name":     func(r *Record) { r.Name = []byte("North^Star") },
		"city":     func(r *Record) { r.City = []byte("Saint Petersburg") },
		"country":  func(r *Record) { r.Country = []byte("BY") },
		"acceptor": func(r *Record) { r.Acceptor = []byte("М1") },
		"amount":   func(r *Record) { r.Amount = -1 },
		"time":     func(r *Record) { r.Time = time.Time{} },
		"currency": func(r *Record) { r.Currency = 1 },
	} {
		records := sample()
		var out bytes.Buffer
		w, err := NewWriter(&out, caret, sampleID)
		if err != nil {
			t.Fatal(err)
		}
		bad := records[0]
		change(&bad)
		var at *Error
		if err := w.Write(&bad); !errors.As(err, &at) || at.Column != column || at.Line != 2 || at.Final {
			t.Errorf("%s: %v", column, err)
		}
		for i := range records {
			if err := w.Write(&records[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), build(t, caret, sample())) {
			t.Errorf("%s: the refused record left a trace", column)
		}
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	whole := string(build(t, caret, sample()))
	for name, tt := range map[string]struct {
		old, to string
		want    error
	}{
		"no trailer":         {whole[strings.Index(whole, "1644^602"):], "", ErrTruncated},
		"half a line":        {"^2\n", "^2", ErrTruncated},
		"another amount":     {"^500.00^", "^500.01^", ErrControl},
		"a record too many":  {"^500.05^2", "^500.05^3", ErrControl},
		"no decimals":        {"^500.00^", "^50000^", ErrValue},
		"a leading zero":     {"^500.00^", "^0500.00^", ErrValue},
		"a field too many":   {"^Minsk^", "^Minsk^Minsk^", ErrFields},
		"a line of its own":  {"1644^602", "9999\n1644^602", ErrFields},
		"after the trailer":  {"^2\n", "^2\n1240\n", ErrFields},
		"a line end":         {"^2\n", "^2\r\n", ErrControl},
		"two currencies":     {"^0.05^933", "^0.05^643", ErrCurrency},
		"number in the file": {"^000003^", "^000004^", ErrValue},
	} {
		if !strings.Contains(whole, tt.old) {
			t.Fatalf("%s: %q is not in the file", name, tt.old)
		}
		if _, err := readAll([]byte(strings.Replace(whole, tt.old, tt.to, 1)), caret); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	for name, data := range map[string]string{"empty": "", "long": strings.Repeat("x", MaxLine+1) + "\n", "longer": strings.Repeat("x", 1<<17), "no header": "1240^200\n"} {
		if _, err := readAll([]byte(data), caret); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestProfilesAreChecked(t *testing.T) {
	for want, p := range map[string]Profile{
		"parts no fields":   {Delimiter: 'x'},
		"is there twice":    {Delimiter: '^', Columns: append([]string{"pan"}, StandardColumns...)},
		"is not one of":     {Delimiter: '^', Columns: append([]string{"cvv"}, StandardColumns...)},
		"amount is missing": {Delimiter: '^', Columns: []string{"processing_code", "pan", "arn", "currency"}},
	} {
		if err := p.Check(); !errors.Is(err, ErrProfile) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestFileIDs(t *testing.T) {
	if got := sampleID.String(); got != "00000004567202603021" {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"", "0000000456720260302", "000000045672026030201", "00000004567202602301", "0000000456720260302123456", "x0000004567202603021"} {
		if id, err := ParseFileID(bad); !errors.Is(err, ErrValue) {
			t.Errorf("%q: %v, %v", bad, id, err)
		}
	}
}

func TestParts(t *testing.T) {
	data := build(t, caret, sample())
	p := NewPart(data[bytes.IndexByte(data, '\n')+1:], caret)
	var got []string
	for line := int64(2); p.Next(); line++ {
		var rec Record
		got = append(got, fmt.Sprint(p.Record(&rec, line), " ", string(rec.ARN)))
	}
	if want := []string{"true 25123456061000000000415", "true 25123456061000000000423", "false "}; !cmp.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

const summary = `1644^605^O^00000004567^20260302^1^I^P^00042
1240^200^200000^4000000000003006^000003^000000000007^25123456061000000000423^5411^20260302093005^2912^^T0000001^M00000000000001^North Star^Minsk^BLR^0.05^933
PAN^4000000000003006^5002 Account closed
933^1^00^500.00^1
1644^605^3
`

const rejectFile = `1644^699^O^00000004567^20260302^1^I^P^00043
1644^601^O^00000004567^20260302^1^O^P
File ID^00000004567202603021^0512 Duplicate File ID
1644^699^2
`

func answers(data string) (out []Answer, number string, err error) {
	r := NewAnswerReader(strings.NewReader(data), caret)
	for {
		var a Answer
		if err := r.Read(&a); errors.Is(err, io.EOF) {
			return out, r.File().String() + " " + r.Number(), nil
		} else if err != nil {
			return out, "", err
		}
		out = append(out, a)
	}
}

func TestAnswersAreRead(t *testing.T) {
	got, number, err := answers(summary)
	if err != nil || number != "00000004567202603021 60500042" || len(got) != 2 {
		t.Fatalf("%+v, %s, %v", got, number, err)
	}
	if a := got[0]; a.Kind != RecordReject || a.Line != 3 || a.Field != "PAN" || a.Code != 5002 || !a.HasCopy || a.Record.Line != 3 || string(a.Record.ARN) != "25123456061000000000423" {
		t.Errorf("%+v", a)
	}
	if want := (Answer{Kind: Accepted, Line: 4, Type: Sale, Currency: money.BYN, Amount: 50000, Count: 1}); !cmp.Equal(got[1], want) {
		t.Errorf("%+v", got[1])
	}
	got, _, err = answers(rejectFile)
	if err != nil || len(got) != 1 || got[0].Kind != FileReject || got[0].Code != 512 || got[0].Reason != "0512 Duplicate File ID" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDamagedAnswersAreRefused(t *testing.T) {
	for _, tt := range [][2]string{{"1644^605^3", "1644^605^4"}, {"^5002 A", "^502 A"}, {"^00^500", "^01^500"}, {"933^1", "001^1"}, {"1644^605^3\n", ""}, {"^I^P", "^O^P"},
		{"PAN^", "1240^200\nPAN^"}, {"1644^605^3\n", "1644^605^3\nx\n"}} {
		if !strings.Contains(summary, tt[0]) {
			t.Fatal(tt)
		}
		if got, _, err := answers(strings.Replace(summary, tt[0], tt[1], 1)); err == nil {
			t.Errorf("%q: %+v", tt, got)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, p := range forms {
		f.Add(build(f, p, sample()), p.Minor)
	}
	f.Fuzz(func(t *testing.T, data []byte, minor bool) {
		p := forms["caret"]
		if minor {
			p = forms["minor"]
		}
		r, err := NewReader(bytes.NewReader(data), p)
		if err != nil {
			return
		}
		p.Test = r.Test()
		var again bytes.Buffer
		w, err := NewWriter(&again, p, r.File())
		if err != nil {
			t.Fatalf("%v is read and cannot be written: %v", r.File(), err)
		}
		var rec Record
		for err = r.Read(&rec); err == nil; err = r.Read(&rec) {
			if err := w.Write(&rec); err != nil {
				t.Fatalf("%+v is read and cannot be written: %v", rec, err)
			}
		}
		if !errors.Is(err, io.EOF) {
			return
		}
		if err := w.Close(); err != nil || !bytes.Equal(again.Bytes(), data) {
			t.Errorf("%v: written as\n%s", err, again.Bytes())
		}
	})
}

func FuzzAnswerReader(f *testing.F) {
	f.Add(summary)
	f.Add(rejectFile)
	f.Fuzz(func(t *testing.T, data string) {
		all, _, err := answers(data)
		if err == nil && len(all) > strings.Count(data, "\n") {
			t.Errorf("%d entries in %d lines", len(all), strings.Count(data, "\n"))
		}
	})
}

func ExampleWriter() {
	w, err := NewWriter(os.Stdout, Profile{Delimiter: '^', Columns: []string{"processing_code", "pan", "arn", "amount", "currency"}}, sampleID)
	if err != nil {
		panic(err)
	}
	r := sample()[0]
	if err := errors.Join(w.Write(&r), w.Close()); err != nil {
		panic(err)
	}
	// Output:
	// 1644^601^O^00000004567^20260302^1^O^P
	// 1240^200^000000^4000000000003006^25123456061000000000415^500.00^933
	// 1644^602^1^500.00^1
}
