package iso8583

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAnswerEchoesAndAnswersRepeatsLikeOriginals(t *testing.T) {
	tests := []struct{ request, answer string }{
		{MTIAuthorizationRequest, MTIAuthorizationAnswer},
		{MTIFinancialRequest, MTIFinancialAnswer},
		{MTIReversalAdvice, MTIReversalAnswer},
		{MTIReversalRepeat, MTIReversalAnswer},
		{MTIInquiryRequest, MTIInquiryAnswer},
		{MTINetworkRequest, MTINetworkAnswer},
	}
	answer := Online.NewMessage("")
	for _, tt := range tests {
		request := authorization()
		copy(request.mti[:], tt.request)
		answer.Answer(request)
		if answer.MTI() != tt.answer {
			t.Errorf("%s is answered by %s, want %s", tt.request, answer.MTI(), tt.answer)
		}
		if answer.Has(2) || answer.Has(14) || answer.Has(48) {
			t.Errorf("%s: card data in the answer", tt.request)
		}
		if answer.Key() != request.Key() || answer.Key() == (Key{}) {
			t.Errorf("%s: answer does not match its request", tt.request)
		}
		answer.Set(39, ActionApproved)
		if err := CheckOnline(answer); err != nil {
			t.Errorf("%s: %v", tt.request, err)
		}
	}
}

func TestRequiredElements(t *testing.T) {
	m := authorization()
	if err := CheckOnline(m); err != nil {
		t.Fatal(err)
	}
	for _, n := range required[MTIAuthorizationRequest] {
		m := authorization()
		m.Unset(n)
		var at *Error
		if err := CheckOnline(m); !errors.As(err, &at) || at.Field != n || !errors.Is(err, ErrMissing) {
			t.Errorf("without DE %d: %v", n, err)
		}
	}
	if err := CheckOnline(Online.NewMessage("1240")); !errors.Is(err, ErrMTI) {
		t.Errorf("a clearing message online: %v", err)
	}
}

func TestOriginalDataElements(t *testing.T) {
	want := Original{MTI: "1100", Trace: "000017", LocalTime: "261121183012", Acquirer: "012345"}
	m := Online.NewMessage(MTIReversalAdvice)
	m.SetOriginal(want)
	wire := encoded(t, m)
	if err := m.Decode(wire); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Original(); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"11000000172611211830120601234", "1100000017261121183012"} {
		m.Set(56, bad)
		if _, err := m.Original(); !errors.Is(err, ErrLength) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	m.Unset(56)
	if _, err := m.Original(); !errors.Is(err, ErrMissing) {
		t.Errorf("absent: %v", err)
	}
}

func TestFrames(t *testing.T) {
	m := authorization()
	one, err := AppendFrame(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	two, err := AppendFrame(bytes.Clone(one), m)
	if err != nil {
		t.Fatal(err)
	}
	r := NewFrameReader(iotest.OneByteReader(bytes.NewReader(two)))
	for range 2 {
		if got, err := r.Next(); err != nil || !bytes.Equal(got, one[2:]) {
			t.Fatalf("got %x, %v", got, err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v", err)
	}
	for cut := 1; cut < len(one); cut++ {
		if _, err := NewFrameReader(bytes.NewReader(one[:cut])).Next(); !errors.Is(err, ErrTruncated) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	head := binary.BigEndian.AppendUint16(nil, MaxFrame+1)
	if _, err := NewFrameReader(bytes.NewReader(head)).Next(); !errors.Is(err, ErrFrame) {
		t.Errorf("length %d: %v", MaxFrame+1, err)
	}
	broken := errors.New("link down")
	if _, err := NewFrameReader(iotest.ErrReader(broken)).Next(); !errors.Is(err, broken) {
		t.Errorf("broken link: %v", err)
	}
}

// A frame without a message keeps a line alive: it is skipped, wherever it stands.
func TestKeepAliveFramesAreSkipped(t *testing.T) {
	one, err := AppendFrame(nil, sampleEcho())
	if err != nil {
		t.Fatal(err)
	}
	r := NewFrameReader(iotest.OneByteReader(bytes.NewReader(slices.Concat(AppendKeepAlive(nil), one, AppendKeepAlive(AppendKeepAlive(nil)), one, AppendKeepAlive(nil)))))
	for range 2 {
		if got, err := r.Next(); err != nil || !bytes.Equal(got, one[2:]) {
			t.Fatalf("got %x, %v", got, err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
}

func sampleEcho() *Message {
	m := Online.NewMessage(MTINetworkRequest)
	m.Set(7, "1121153012")
	m.Set(11, "000017")
	m.Set(12, "261121183012")
	m.Set(24, FunctionEcho)
	return m
}

func TestFrameRefusesWhatTheLinkCannotCarry(t *testing.T) {
	m := IPM(ASCII).NewMessage("1644")
	for _, n := range []int{105, 111, 127, 72} {
		m.Set(n, strings.Repeat("x", 999))
	}
	if _, err := AppendFrame(nil, m); err != nil {
		t.Errorf("just under the limit: %v", err)
	}
	m.Set(62, "0001092"+strings.Repeat("x", 92))
	if out, err := AppendFrame([]byte("keep"), m); !errors.Is(err, ErrFrame) || string(out) != "keep" {
		t.Errorf("above the limit: %q, %v", out, err)
	}
	m.Set(24, "x")
	if out, err := AppendFrame([]byte("keep"), m); err == nil || string(out) != "keep" {
		t.Errorf("unencodable: %q, %v", out, err)
	}
}

// TestDocumentedExample compares the dump in the documentation with the encoder.
func TestDocumentedExample(t *testing.T) {
	doc, err := os.ReadFile("../../docs/formats/online.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "<!-- example: authorization -->\n```\n")
	dump, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("no example in the documentation")
	}
	frame, err := AppendFrame(nil, authorization())
	if err != nil {
		t.Fatal(err)
	}
	if want := hex.Dump(frame); dump != want {
		t.Errorf("the documentation shows\n%s\nthe encoder writes\n%s", dump, want)
	}
}

// TestDocumentedTables compares the tables in the documentation with the dialect.
func TestDocumentedTables(t *testing.T) {
	raw, err := os.ReadFile("../../docs/formats/online.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	for n := 2; n <= 128; n++ {
		f, ok := Online.Field(n)
		if row := "\n| " + strconv.Itoa(n) + " | " + f.Name; ok && !strings.Contains(doc, row) {
			t.Errorf("no row for DE %d, %s", n, f.Name)
		}
	}
	exchanges := 0
	for _, line := range strings.Split(doc, "\n") {
		cells := strings.Split(line, " | ")
		if len(cells) != 5 || !strings.HasPrefix(line, "| 1") {
			continue
		}
		exchanges++
		for mti, cell := range map[string]string{cells[0][2:]: cells[3], cells[1]: strings.TrimSuffix(cells[4], " |")} {
			if got := strings.Trim(fmt.Sprint(required[mti]), "[]"); got != cell {
				t.Errorf("%s requires %s, documented is %s", mti, got, cell)
			}
		}
	}
	if exchanges != 7 {
		t.Errorf("%d exchanges documented", exchanges)
	}
}
