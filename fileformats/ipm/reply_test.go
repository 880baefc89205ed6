package ipm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/fileformats/iso8583"
)

var (
	replyID = FileID{Type: FromCenter, Date: 261122, Member: 12345, Sequence: 7}
	routing = Routing{Destination: "00000023379", Originator: "001662", Receiving: "023379"}
)

func buildReply(t testing.TB, p Profile, id FileID, entries ...func(*ReplyWriter) error) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewReplyWriter(&out, p, routing)
	if err := w.WriteHeader(id); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := e(w); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// readReplies returns copies of the entries of a reply.
func readReplies(data []byte, p Profile, o Options) ([]Reply, error) {
	r := NewReplyReader(bytes.NewReader(data), p, o)
	var all []Reply
	for {
		var e Reply
		err := r.Read(&e)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		e.Exception.Faults = slices.Clone(e.Exception.Faults)
		e.Exception.Copy = bytes.Clone(e.Exception.Copy)
		all = append(all, e)
	}
}

// record returns an encoded message behind its length.
func record(parts ...string) string {
	body := strings.Join(parts, "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + body
}

// TestEmptyCycle is the published example of a file without data: header, text, trailer in one block.
func TestEmptyCycle(t *testing.T) {
	const plain = "\x80\x00\x01\x00\x00\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"
	const id = "0105025" + "0012105140000002337906601"
	text := "NO DATA FOR THIS MEMBER" + strings.Repeat(" ", 34)
	stream := record("1644", plain, "697", "040", id, "0122001P", "00000001") +
		record("1644", "\x80\x00\x01\x80\x00\x00\x00\x00\x03\x00\x00\x0c\x10\x00\x00\x00", "693", "6802", "00000002",
			"057", text, "11", "00000023379", "06", "001662", "06", "023379") +
		record("1644", plain, "695", "070", id, "0301016"+"0000000000000000", "0306008"+"00000003", "00000003") + "\x00\x00\x00\x00"
	for _, at := range []struct{ offset, length int }{{0x00, 0x4a}, {0x4e, 0x7c}, {0xce, 0x68}} {
		if int(stream[at.offset+3]) != at.length {
			t.Fatalf("record at %x has %x bytes, not %x as published", at.offset, stream[at.offset+3], at.length)
		}
	}
	want := straight([]byte(stream))
	p := Profile{Blocked: true}
	file := FileID{Type: FromCenter, Date: 210514, Member: 23379, Sequence: 6601}
	got := buildReply(t, p, file, func(w *ReplyWriter) error { return w.Write(&Reply{Kind: NoData, Text: text}) })
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%x\nwant\n%x", got, want)
	}
	replies, err := readReplies(want, p, Options{Strict: true})
	if diff := cmp.Diff([]Reply{{Kind: NoData, Message: 2, MTI: "1644", Function: "693", Text: text}}, replies); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestFileReject is the published example of a refused file: the bytes of its one entry.
func TestFileReject(t *testing.T) {
	copied := `\ ` + string(build(t, Profile{}, nil)[4:78])
	want := record("1644", "\x80\x00\x01\x00\x00\x01\x00\x00\x03\x00\x00\x0c\x10\x00\x00\x00", "699",
		"068", "0005014"+"P0105"+"00"+"0510"+"000", "0138008"+"00000001", "0280025"+"0022105260000002337900012",
		"00000002", "076", copied, "11", "00000023379", "06", "001662", "06", "023379")
	x := Exception{
		Faults: []Fault{{PDS: true, Element: 105, Code: 510}}, SourceMessage: 1, Copy: []byte(copied),
		Source: FileID{Type: FromMember, Date: 210526, Member: 23379, Sequence: 12},
	}
	got := buildReply(t, Profile{}, replyID, func(w *ReplyWriter) error { return w.Write(&Reply{Kind: FileReject, Exception: x}) })
	if !bytes.Contains(got, []byte(want)) {
		t.Errorf("no\n%x in\n%x", want, got)
	}
	if s := x.Faults[0].String(); s != "P0105 0510" {
		t.Errorf("fault renders as %q", s)
	}
	if _, ok := x.Original(Profile{}); ok {
		t.Error("a header was taken for a presentment")
	}
}

func TestRepliesSurvive(t *testing.T) {
	for _, f := range fixtures {
		sale := build(t, Profile{Charset: f.profile.Charset}, sample())[82 : 82+286]
		exception := Exception{
			Faults: []Fault{{Element: 43, Severity: 5, Code: 992, Subfield: 1}, {PDS: true, Element: 501, Code: 564}},
			Source: sampleID, SourceMessage: 2, Copy: sale,
		}
		sales := Position{
			Source: sampleID, MTI: "1240", Function: "200", ProcessingCode: "00", Currency: 978, Credits: Sum{2, 24690},
		}
		reversals := sales
		reversals.Reversal, reversals.Credits, reversals.Debits = true, Sum{}, Sum{1, 12345}
		rejected := Exception{Faults: []Fault{{PDS: true, Element: 105, Code: 510}}, Source: sampleID, SourceMessage: 1}
		want := []Reply{
			{Kind: MessageException, Message: 2, MTI: "1644", Function: "691", Exception: exception},
			{Kind: PositionDetail, Message: 3, MTI: "1644", Function: "685", Position: sales},
			{Kind: PositionDetail, Message: 4, MTI: "1644", Function: "685", Position: reversals},
			{Kind: FileReject, Message: 5, MTI: "1644", Function: "699", Exception: rejected},
			{Kind: NoData, Message: 6, MTI: "1644", Function: "693", Text: "NO DATA"},
		}
		data := buildReply(t, f.profile, replyID,
			func(w *ReplyWriter) error { return w.Write(&Reply{Kind: MessageException, Exception: exception}) },
			func(w *ReplyWriter) error { return w.Write(&Reply{Kind: PositionDetail, Position: sales}) },
			func(w *ReplyWriter) error { return w.Write(&Reply{Kind: PositionDetail, Position: reversals}) },
			func(w *ReplyWriter) error { return w.Write(&Reply{Kind: FileReject, Exception: rejected}) },
			func(w *ReplyWriter) error { return w.Write(&Reply{Kind: NoData, Text: "NO DATA"}) })
		got, err := readReplies(data, f.profile, Options{Strict: true})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", f.file, err, diff)
		}
		for cut := range len(data) {
			if _, err := readReplies(data[:cut], f.profile, Options{Strict: true}); err == nil {
				t.Fatalf("%s: cut at %d was accepted", f.file, cut)
			}
		}
		if original, ok := got[0].Exception.Original(f.profile); !ok || string(original.ARN) != "25123456325000000000019" {
			t.Errorf("%s: the copy yields ARN %s", f.file, original.ARN)
		}
	}
}

func TestCopiesAreUnspoiled(t *testing.T) {
	sale := build(t, Profile{}, sample())[82 : 82+286]
	ebcdic := build(t, Profile{Charset: iso8583.CP037}, sample())[82 : 82+286]
	var converted []byte
	for _, r := range iso8583.CP037.Decode(ebcdic) {
		converted = append(converted, byte(r))
	}
	tests := []struct {
		name string
		copy []byte
		ok   bool
	}{
		{"as sent", sale, true},
		{"behind a stray byte", append([]byte(`\`), sale...), true},
		{"behind two", append([]byte(`\ `), sale...), true},
		{"converted from EBCDIC as text", converted, true},
		{"cut", sale[:200], false},
		{"none", nil, false},
	}
	for _, tt := range tests {
		x := Exception{Copy: tt.copy}
		got, ok := x.Original(Profile{})
		if ok != tt.ok || ok && (string(got.ARN) != "25123456325000000000019" || got.Message != 2) {
			t.Errorf("%s: %s, %v", tt.name, got.ARN, ok)
		}
	}
}

func TestRefusedReplies(t *testing.T) {
	position := Position{Source: sampleID, MTI: "1240", Function: "200", ProcessingCode: "00", Currency: 978, Credits: Sum{2, 24690}}
	exception := Exception{Faults: []Fault{{Element: 43, Code: 992}}, Source: sampleID, SourceMessage: 2}
	data := buildReply(t, Profile{}, replyID,
		func(w *ReplyWriter) error { return w.Write(&Reply{Kind: MessageException, Exception: exception}) },
		func(w *ReplyWriter) error { return w.Write(&Reply{Kind: PositionDetail, Position: position}) })
	tests := []struct {
		name     string
		old, new string
		pds      int
	}{
		{"element of an unknown kind", "D0043", "X0043", 5},
		{"letters in a code", "D0043000992", "D004300099X", 5},
		{"letters in the message number", "0138008" + "00000002", "0138008" + "0000000X", 138},
		{"no source file", "0280025", "0281025", 280},
		{"no such date in the source file", "0280025002261121", "0280025002261131", 280},
		{"reconciled file missing", "0300025", "0299025", 300},
		{"message type cut short", "0372007", "0372006", 0},
		{"original or reversal", "0378001O", "0378001X", 378},
		{"debits without a letter", "0390017D", "0390017X", 390},
		{"credits that are debits", "0391017C", "0391017D", 391},
		{"net that does not add up", "0394017C0000000000024690", "0394017C0000000000024691", 394},
		{"letters in a count", "04000100000000000", "0400010000000000X", 400},
		{"letters in the credit count", "04010100000000002", "0401010000000000X", 401},
		{"letters in the total count", "04020100000000002", "0402010000000000X", 402},
		{"counts that do not add up", "04020100000000002", "04020100000000003", 402},
	}
	for _, tt := range tests {
		changed := bytes.Replace(data, []byte(tt.old), []byte(tt.new), 1)
		if bytes.Equal(changed, data) {
			t.Errorf("%s: nothing replaced", tt.name)
		}
		_, err := readReplies(changed, Profile{}, Options{})
		var at *Error
		if !errors.As(err, &at) || at.PDS != tt.pds || at.Final {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if got, err := readReplies(bytes.Replace(data, []byte("D0043"), []byte("C0043"), 1), Profile{}, Options{}); err != nil || got[0].Exception.Faults[0] != (Fault{Element: 43, Code: 992}) {
		t.Errorf("a data element marked C: %+v, %v", got, err)
	}
	if _, err := readReplies(bytes.Replace(data, []byte("030600800000004"), []byte("030600800000005"), 1), Profile{}, Options{}); !errors.Is(err, ErrControl) {
		t.Errorf("trailer count: %v", err)
	}
}

func TestReplyWriterRefuses(t *testing.T) {
	good := Exception{Faults: []Fault{{Element: 43, Code: 992}}, Source: sampleID, SourceMessage: 2}
	sum := Position{Source: sampleID, MTI: "1240", Function: "200", ProcessingCode: "00", Currency: 978}
	exception := func(change func(*Exception)) func(*ReplyWriter) error {
		x := good
		change(&x)
		return func(w *ReplyWriter) error { return w.Write(&Reply{Kind: MessageException, Exception: x}) }
	}
	position := func(change func(*Position)) func(*ReplyWriter) error {
		p := sum
		change(&p)
		return func(w *ReplyWriter) error { return w.Write(&Reply{Kind: PositionDetail, Position: p}) }
	}
	tests := []struct {
		name  string
		write func(*ReplyWriter) error
		pds   int
	}{
		{"no faults", exception(func(x *Exception) { x.Faults = nil }), 5},
		{"eleven faults", exception(func(x *Exception) { x.Faults = make([]Fault, 11) }), 5},
		{"fault out of range", exception(func(x *Exception) { x.Faults = []Fault{{Code: 10000}} }), 5},
		{"negative message", exception(func(x *Exception) { x.SourceMessage = -1 }), 138},
		{"message of nine digits", exception(func(x *Exception) { x.SourceMessage = 1e8 }), 0},
		{"no source", exception(func(x *Exception) { x.Source = FileID{} }), 280},
		{"no file", position(func(p *Position) { p.Source = FileID{} }), 300},
		{"no type", position(func(p *Position) { p.MTI = "" }), 372},
		{"processing code of one digit", position(func(p *Position) { p.ProcessingCode = "0" }), 374},
		{"negative debits", position(func(p *Position) { p.Debits.Amount = -1 }), 390},
		{"negative credits", position(func(p *Position) { p.Credits.Amount = -1 }), 391},
		{"negative debit count", position(func(p *Position) { p.Debits.Count = -1 }), 400},
		{"negative credit count", position(func(p *Position) { p.Credits.Count = -1 }), 401},
		{"text outside the charset", func(w *ReplyWriter) error { return w.Write(&Reply{Kind: NoData, Text: "НЕТ"}) }, 0},
	}
	w := NewReplyWriter(discard{}, Profile{}, routing)
	if err := w.Write(&Reply{Kind: MessageException, Exception: good}); !errors.Is(err, ErrState) {
		t.Errorf("entry before the header: %v", err)
	}
	if err := w.WriteHeader(replyID); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		var at *Error
		if err := tt.write(w); !errors.As(err, &at) || at.PDS != tt.pds || at.Record != 2 {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if got, err := w.Close(); err != nil || got.Messages != 2 {
		t.Errorf("refused entries left a trace: %v, %v", got, err)
	}
}

// TestCentersBreakNumbering: a refused addendum may follow its exception under a number used before.
func TestCentersBreakNumbering(t *testing.T) {
	m := iso8583.IPM(iso8583.ASCII).NewMessage("1644")
	m.Set(24, "696")
	m.Set(71, "00000001")
	got, err := readReplies(around(t, m), Profile{}, Options{})
	want := []Reply{{Kind: OtherMessage, Message: 1, MTI: "1644", Function: "696"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := readReplies(around(t, m), Profile{}, Options{Strict: true}); !errors.Is(err, ErrNumber) {
		t.Errorf("strict: %v", err)
	}
}

// FuzzReplyReader: no input panics, and every entry comes with a kind that its message has.
func FuzzReplyReader(f *testing.F) {
	exception := Exception{Faults: []Fault{{Element: 43, Code: 992}}, Source: sampleID, SourceMessage: 2, Copy: []byte(`\x`)}
	position := Position{Source: sampleID, MTI: "1240", Function: "200", ProcessingCode: "00", Currency: 978, Credits: Sum{2, 24690}}
	for i, fixture := range fixtures {
		f.Add(buildReply(f, fixture.profile, replyID,
			func(w *ReplyWriter) error { return w.Write(&Reply{Kind: MessageException, Exception: exception}) },
			func(w *ReplyWriter) error { return w.Write(&Reply{Kind: PositionDetail, Position: position}) },
			func(w *ReplyWriter) error { return w.Write(&Reply{Kind: NoData, Text: "x"}) }), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		p := fixtures[int(which)%len(fixtures)].profile
		r := NewReplyReader(bytes.NewReader(data), p, Options{})
		for {
			var reply Reply
			err := r.Read(&reply)
			var at *Error
			if errors.Is(err, io.EOF) || errors.As(err, &at) && at.Final {
				return
			}
			if err == nil && reply.Kind == PositionDetail && reply.Position.invalid() != 0 {
				t.Errorf("accepted %+v", reply.Position)
			}
			reply.Exception.Original(p)
		}
	})
}
