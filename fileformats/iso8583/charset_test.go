package iso8583

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEBCDICPagesDifferInSevenBytes(t *testing.T) {
	want := map[byte][2]rune{
		0x4a: {'¢', '['}, 0x4f: {'|', '!'}, 0x5a: {'!', ']'}, 0x5f: {'¬', '^'}, 0xb0: {'^', '¢'}, 0xba: {'[', '¬'},
		0xbb: {']', '|'},
	}
	for i := range 256 {
		b := byte(i)
		got := [2]rune{rune(CP037.dec[b]), rune(CP500.dec[b])}
		if pair, differs := want[b]; differs && got != pair || !differs && got[0] != got[1] {
			t.Errorf("%02x is %q in cp037 and %q in cp500", b, got[0], got[1])
		}
	}
}

func TestCharsetsAreBijections(t *testing.T) {
	for _, c := range []*Charset{ASCII, Latin1, CP037, CP500} {
		for i := range 256 {
			if c.enc[c.dec[i]] != byte(i) {
				t.Errorf("%s: byte %02x does not survive", c.Name(), i)
			}
		}
		if CharsetByName(c.Name()) != c {
			t.Errorf("%s is not found by its name", c.Name())
		}
	}
	if CharsetByName("utf-8") != nil {
		t.Error("utf-8 is not a charset of these files")
	}
}

func TestEncodingCountsCharactersAndRefusesWhatTheSetLacks(t *testing.T) {
	tests := []struct {
		name    string
		charset *Charset
		text    string
		want    string
		err     error
	}{
		{"ascii as is", ASCII, "A b!", "A b!", nil},
		{"accent is one byte in latin1", Latin1, "Café", "Caf\xe9", nil},
		{"accent is one byte in ebcdic", CP500, "é", "\x51", nil},
		{"exclamation mark in cp500", CP500, "!", "\x4f", nil},
		{"exclamation mark in cp037", CP037, "!", "\x5a", nil},
		{"backslash is the same in both pages", CP037, `\`, "\xe0", nil},
		{"accent in ascii", ASCII, "Café", "", ErrUnencodable},
		{"cyrillic", CP500, "Мінск", "", ErrUnencodable},
		{"line feed", Latin1, "a\nb", "", ErrUnencodable},
		{"invalid UTF-8", Latin1, "a\xffb", "", ErrUnencodable},
	}
	for _, tt := range tests {
		got, err := tt.charset.Append(nil, tt.text)
		if !errors.Is(err, tt.err) || err == nil && string(got) != tt.want {
			t.Errorf("%s: got %x, %v, want %x, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestWordsAgreeWithBytes compares the translation of eight characters at once with the classes.
func TestWordsAgreeWithBytes(t *testing.T) {
	for _, c := range []*Charset{ASCII, Latin1, CP037, CP500} {
		for _, k := range []class{classDigit, classAlnum, classText} {
			for at := range 11 {
				for b := range 256 {
					text := []rune(strings.Repeat("7", 11))
					text[at] = rune(b)
					checkWord(t, c, k, string(text), k.has(rune(b)) && c.has[b])
				}
			}
		}
	}
}

func checkWord(t *testing.T, c *Charset, k class, text string, allowed bool) {
	t.Helper()
	wire, err := encode(c, nil, []byte(text), k)
	if (err == nil) != allowed {
		t.Fatalf("%s class %d: %q encodes: %v, want %v", c.Name(), k, text, err, allowed)
	}
	if !allowed {
		wire = nil
		for _, r := range text {
			wire = append(wire, c.enc[r])
		}
	}
	got, err := decode(c, nil, wire, k)
	if (err == nil) != allowed || err == nil && string(got) != text {
		t.Fatalf("%s class %d: %x decodes to %q, %v, want %q, %v", c.Name(), k, wire, got, err, text, allowed)
	}
}

func TestUntranslateRestoresBitmaps(t *testing.T) {
	// Bitmap bytes of an EBCDIC message after somebody converted the message to Latin-1.
	spoiled := []byte{0xdc, 0xb0, 0x7f, 0x43, 0x64, 0x2f, 0x53, 0xd8}
	want := []byte{0xfc, 0x90, 0x07, 0xc3, 0x84, 0x61, 0xe2, 0x80}
	if got := CP037.Untranslate(spoiled); string(got) != string(want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 19).Draw(t, "width")
		v := rapid.Uint64().Draw(t, "value") >> rapid.IntRange(0, 63).Draw(t, "shift")
		want := fmt.Sprintf("%0*d", width, v)
		got, ok := ASCII.digits([]byte("x"), v, width)
		if ok != (len(want) == width) || ok && string(got) != "x"+want {
			t.Fatalf("%d in %d digits: %s, %v", v, width, got, ok)
		}
		ebcdic, _ := CP500.digits(nil, v, width)
		if CP500.Decode(ebcdic) != string(got[1:]) {
			t.Fatalf("%d in %d digits: %x", v, width, ebcdic)
		}
	})
	for v := range uint64(10_000) {
		if got, _ := ASCII.digits(nil, v*10_000+v, 8); string(got) != fmt.Sprintf("%04d%04d", v, v) {
			t.Fatalf("%d twice: %s", v, got)
		}
	}
}
