package iso8583

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// authorization returns the request of docs/formats/online.md.
func authorization() *Message {
	m := Online.NewMessage(MTIAuthorizationRequest)
	m.Set(2, "5413330089010442")
	m.Set(3, ProcessingPurchase)
	m.SetInt(4, 12345)
	m.Set(7, "1121153012")
	m.Set(11, "000017")
	m.Set(12, "261121183012")
	m.Set(14, "2812")
	m.Set(22, "000250S1900C")
	m.Set(24, FunctionAuthorizationHold)
	m.Set(26, "5999")
	m.Set(32, "012345")
	m.Set(37, "632515000017")
	m.Set(41, "TERM0001")
	m.Set(42, "MERCHANT000001")
	m.Set(49, "978")
	var pds PDSList
	pds.Add(PDSVerificationCode, "987")
	if err := m.SetPDS(&pds); err != nil {
		panic(err)
	}
	return m
}

func encoded(t testing.TB, m *Message) []byte {
	t.Helper()
	b, err := m.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMessageSurvivesTheWire(t *testing.T) {
	m := authorization()
	wire := encoded(t, m)
	got := Online.NewMessage("")
	if err := got.Decode(wire); err != nil {
		t.Fatal(err)
	}
	if got.MTI() != m.MTI() {
		t.Errorf("type %q, want %q", got.MTI(), m.MTI())
	}
	for n := range m.Fields() {
		if got.Text(n) != m.Text(n) {
			t.Errorf("DE %d is %q, want %q", n, got.Text(n), m.Text(n))
		}
	}
	if v, ok := got.Int(4); !ok || v != 12345 {
		t.Errorf("DE 4 is %d, %v", v, ok)
	}
	if _, ok := got.Int(41); ok {
		t.Error("DE 41 read as a number")
	}
	if v, ok := got.PDS(PDSVerificationCode); !ok || string(v) != "987" {
		t.Errorf("verification code is %q, %v", v, ok)
	}
}

func TestSecondBitmapOnlyWhenNeeded(t *testing.T) {
	narrow := newSpec("narrow", ASCII, false, []int{48}, ipmTable)
	m := narrow.NewMessage("1240")
	m.Set(24, "200")
	if got, want := hex.EncodeToString(encoded(t, m)), "31323430"+"0000010000000000"+"323030"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	m.Set(71, "00000001")
	want := "31323430" + "8000010000000000" + "0200000000000000" + "323030" + "3030303030303031"
	wire := encoded(t, m)
	if got := hex.EncodeToString(wire); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := m.Decode(wire); err != nil || m.Text(71) != "00000001" {
		t.Errorf("DE 71 is %q, %v", m.Text(71), err)
	}
	wire[12] = 0 // announced, but empty
	if err := m.Decode(wire[:len(wire)-8]); !errors.Is(err, ErrBitmap) {
		t.Errorf("empty second bitmap: %v", err)
	}
}

func TestEncodingRefuses(t *testing.T) {
	tests := []struct {
		name  string
		field int
		value string
		err   error
	}{
		{"letters in a number", 3, "00000A", ErrCharacter},
		{"a short fixed number", 11, "123", ErrLength},
		{"a long fixed number", 11, "1234567", ErrLength},
		{"a long PAN", 2, "54133300890104421234", ErrLength},
		{"a short PAN", 2, "54133300890", ErrLength},
		{"a long terminal", 41, "TERM00001", ErrLength},
		{"punctuation in letters and digits", 38, "A-1", ErrCharacter},
		{"accents in ascii", 41, "CAFÉ", ErrUnencodable},
		{"an unknown element", 5, "1", ErrUnknownField},
		{"an impossible element", 200, "1", ErrUnknownField},
		{"private data without structure", 48, "CVV 987", ErrPDS},
		{"private data cut short", 48, "009200398", ErrPDS},
	}
	for _, tt := range tests {
		m := authorization()
		m.Set(tt.field, tt.value)
		prefix := []byte("keep")
		out, err := m.AppendTo(prefix)
		var at *Error
		if !errors.As(err, &at) || !errors.Is(err, tt.err) || at.MTI != "1100" || at.Field != min(tt.field, 65) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if string(out) != "keep" {
			t.Errorf("%s: left %q behind", tt.name, out)
		}
	}
	m := Online.NewMessage("11")
	if _, err := m.AppendTo(nil); !errors.Is(err, ErrMTI) {
		t.Errorf("short type: %v", err)
	}
	m = authorization()
	m.SetInt(4, 1_000_000_000_000)
	if _, err := m.AppendTo(nil); !errors.Is(err, ErrLength) {
		t.Errorf("amount of 13 digits: %v", err)
	}
	m.SetInt(4, -1)
	if _, err := m.AppendTo(nil); err == nil {
		t.Error("negative amount was encoded")
	}
}

func TestEncoderRefuses(t *testing.T) {
	tests := []struct {
		name string
		add  func(*Encoder)
		err  error
	}{
		{"descending elements", func(e *Encoder) { e.Int(4, 1); e.Int(3, 1) }, ErrOrder},
		{"an element twice", func(e *Encoder) { e.Int(4, 1); e.Int(4, 1) }, ErrOrder},
		{"a negative amount", func(e *Encoder) { e.Int(4, -1) }, ErrLength},
		{"an amount of 13 digits", func(e *Encoder) { e.Int(4, 1e12) }, ErrLength},
		{"a number in a variable element", func(e *Encoder) { e.Int(2, 1) }, ErrLength},
		{"descending tags", func(e *Encoder) {
			var l PDSList
			l.Add(92, "1")
			l.Add(23, "2")
			e.PDS(48, &l)
		}, ErrOrder},
		{"a number too wide for its tag", func(e *Encoder) {
			var l PDSList
			l.AddInt(92, 2, 100)
			e.PDS(48, &l)
		}, ErrLength},
	}
	e := Online.NewEncoder()
	for _, tt := range tests {
		e.Begin(nil, "1100")
		tt.add(e)
		if _, err := e.End(); !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
	}
}

func TestDecodingPointsAtTheFault(t *testing.T) {
	head := "1100" + "\x40\x00\x00\x00\x00\x00\x00\x00" // DE 2
	tests := []struct {
		name   string
		wire   string
		field  int
		offset int
		err    error
	}{
		{"empty", "", 0, 0, ErrTruncated},
		{"letters in the type", "11A0" + head[4:], 0, 0, ErrMTI},
		{"half a bitmap", head[:8], 0, 4, ErrTruncated},
		{"no length", head, 2, 12, ErrTruncated},
		{"letters in a length", head + "1X5413330089010442", 2, 12, ErrLength},
		{"a length above the largest", head + "2054133300890104421234", 2, 12, ErrLength},
		{"a length below the smallest", head + "00", 2, 12, ErrLength},
		{"a value cut short", head + "16541333008901044", 2, 14, ErrTruncated},
		{"letters in a number", head + "16541333008901044X", 2, 14, ErrCharacter},
		{"bytes after the end", head + "165413330089010442!", 0, 30, ErrTrailing},
		{"an unknown element", "1100" + "\x08\x00\x00\x00\x00\x00\x00\x00" + "000000000001", 5, 12, ErrUnknownField},
		{"malformed private data", "1100\x00\x00\x00\x00\x00\x01\x00\x00" + "0080092002X", 48, 15, ErrPDS},
	}
	m := Online.NewMessage("")
	for _, tt := range tests {
		err := m.Decode([]byte(tt.wire))
		var at *Error
		if !errors.As(err, &at) || !errors.Is(err, tt.err) || at.Field != tt.field || at.Offset != tt.offset {
			t.Errorf("%s: %v, want DE %d at %d: %v", tt.name, err, tt.field, tt.offset, tt.err)
		}
		if m.next(1) != 0 {
			t.Errorf("%s: the refused message kept elements", tt.name)
		}
	}
	if err := IPM(ASCII).NewMessage("").Decode([]byte(head)); !errors.Is(err, ErrBitmap) {
		t.Errorf("IPM without its second bitmap: %v", err)
	}
}

func TestTruncationIsNeverSuccess(t *testing.T) {
	wire := encoded(t, authorization())
	m := Online.NewMessage("")
	for cut := range wire {
		if err := m.Decode(wire[:cut]); !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

func TestLengthsCountEncodedBytes(t *testing.T) {
	m := IPM(CP500).NewMessage("1240")
	m.Set(43, `Café\\\0110000000   LTU`)
	wire := encoded(t, m)
	if got, want := hex.EncodeToString(wire[20:27]), "f2f3"+"c3818651e0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := m.Decode(wire); err != nil || !strings.HasPrefix(m.Text(43), "Café") {
		t.Errorf("read back %q, %v", m.Text(43), err)
	}
}

func TestPrivateDataOverflowsWithoutSplitting(t *testing.T) {
	var l PDSList
	for tag := 1; tag <= 7; tag++ {
		l.Add(tag, strings.Repeat("é", 600)) // one fits into an element, two do not
	}
	m := IPM(Latin1).NewMessage("1240")
	if err := m.SetPDS(&l); !errors.Is(err, ErrLength) {
		t.Errorf("seven large values in five elements: %v", err)
	}
	l.Reset()
	for tag := 1; tag <= 5; tag++ {
		l.Add(tag, strings.Repeat("é", 600))
	}
	m.Set(49, "978")
	if err := m.SetPDS(&l); err != nil {
		t.Fatal(err)
	}
	wire := encoded(t, m)
	if err := m.Decode(wire); err != nil {
		t.Fatal(err)
	}
	tag := 0
	for got, v := range m.AllPDS() {
		if tag++; got != tag || string(v) != strings.Repeat("é", 600) {
			t.Fatalf("value %d has tag %d and %d bytes", tag, got, len(v))
		}
	}
	var fields []int
	for n := range m.Fields() {
		fields = append(fields, n)
	}
	if got := fmt.Sprint(fields); tag != 5 || got != "[48 49 62 123 124 125]" {
		t.Errorf("%d values in %s", tag, got)
	}
	l.Reset()
	l.Add(23, "CT6")
	if err := m.SetPDS(&l); err != nil || m.Has(62) || m.Text(48) != "0023003CT6" {
		t.Errorf("48=%q 62=%v after a smaller list, %v", m.Text(48), m.Has(62), err)
	}
}

func TestLogsShowNoCardData(t *testing.T) {
	m := authorization()
	for _, s := range []string{m.String(), fmt.Sprint(m), fmt.Sprintf("%+v", m), fmt.Sprintf("%#v", m)} {
		for _, secret := range []string{"5413330089010442", "987", "2812"} {
			if strings.Contains(s, secret) {
				t.Errorf("%s shows %s", s, secret)
			}
		}
		for _, shown := range []string{"1100", "2=541333****0442", "4=000000012345", "48={92:<hidden>}", "41=TERM0001"} {
			if !strings.Contains(s, shown) {
				t.Errorf("%s lacks %s", s, shown)
			}
		}
	}
	m.Set(48, "broken 987")
	if s := m.String(); strings.Contains(s, "987") {
		t.Errorf("%s shows the tail of malformed private data", s)
	}
	if Mask("1234") != "****" {
		t.Error("a short number is shown")
	}
}

func TestResetOverwritesTheVerificationCode(t *testing.T) {
	m := authorization()
	memory := m.buf[:cap(m.buf)]
	m.Reset(MTINetworkRequest)
	if bytes.Contains(memory, []byte("987")) || bytes.Contains(memory, []byte("5413330089010442")) {
		t.Error("card data remain in memory")
	}
}

func TestReuseAllocatesNothing(t *testing.T) {
	m := authorization()
	wire := encoded(t, m)
	out := make([]byte, 0, 512)
	got := testing.AllocsPerRun(100, func() {
		if err := m.Decode(wire); err != nil {
			t.Fatal(err)
		}
		var err error
		if out, err = m.AppendTo(out[:0]); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// TestAnyMessageSurvives draws messages from the element tables.
func TestAnyMessageSurvives(t *testing.T) {
	for _, s := range []*Spec{Online, IPM(ASCII), IPM(CP037), IPM(CP500)} {
		rapid.Check(t, func(t *rapid.T) {
			m := s.NewMessage(rapid.StringMatching(`[0-9]{4}`).Draw(t, "mti"))
			for n := 2; n <= 128; n++ {
				if f, ok := s.Field(n); ok && rapid.Bool().Draw(t, "present") {
					m.Set(n, drawValue(t, s, &f))
				}
			}
			wire, err := m.AppendTo(nil)
			if err != nil {
				t.Fatal(err)
			}
			got := s.NewMessage("")
			if err := got.Decode(wire); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got.present) != fmt.Sprint(m.present) || got.MTI() != m.MTI() {
				t.Fatalf("got %v, want %v", got, m)
			}
			for n := range m.Fields() {
				if got.Text(n) != m.Text(n) {
					t.Fatalf("DE %d: got %q, want %q", n, got.Text(n), m.Text(n))
				}
			}
		})
	}
}

func drawValue(t *rapid.T, s *Spec, f *Field) string {
	size := rapid.IntRange(f.Min, f.Max).Draw(t, "size")
	switch f.Kind {
	case Numeric:
		return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), size, size, -1).Draw(t, "digits")
	case Alphanumeric:
		return rapid.StringOfN(rapid.RuneFrom([]rune("09AZaz")), 1, size, -1).Draw(t, "alnum")
	case Private:
		return fmt.Sprintf("%04d%03d%s", f.Number, size-7, strings.Repeat("x", size-7))
	case Binary:
		return string(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "binary"))
	}
	letters := []rune("AZ09!|^[]\\")
	if s.Charset() != ASCII {
		letters = append(letters, 'é', 'Ø', '¬')
	}
	return rapid.StringOfN(rapid.RuneFrom(letters), size, size, -1).Draw(t, "text")
}

// FuzzDecode: whatever decodes encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, authorization()), uint8(0))
	m := IPM(CP500).NewMessage("1644")
	m.Set(24, "697")
	m.Set(71, "00000001")
	f.Add(encoded(f, m), uint8(3))
	specs := []*Spec{Online, IPM(ASCII), IPM(Latin1), IPM(CP500)}
	f.Fuzz(func(t *testing.T, wire []byte, which uint8) {
		m := specs[int(which)%len(specs)].NewMessage("")
		if err := m.Decode(wire); err != nil {
			return
		}
		_ = m.String()
		got, err := m.AppendTo(nil)
		if err != nil || !bytes.Equal(got, wire) {
			t.Errorf("%x decodes and encodes to %x, %v", wire, got, err)
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	m := authorization()
	wire := encoded(b, m)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Decode(wire); err != nil {
			b.Fatal(err)
		}
		if _, err := m.AppendTo(wire[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
