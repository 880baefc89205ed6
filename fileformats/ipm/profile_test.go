package ipm

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFileIDs(t *testing.T) {
	id := FileID{Type: FromCenter, Date: 210514, Member: 23379, Sequence: 6601}
	const text = "0012105140000002337906601"
	if id.String() != text {
		t.Errorf("got %s, want %s", id, text)
	}
	if got, err := ParseFileID(text); err != nil || got != id {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", text[1:], text + "0", "00121051400000023379066 1", "0012102300000002337906601", "0012113010000002337906601"} {
		if _, err := ParseFileID(bad); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []FileID{{}, {Type: 1000, Date: 210514}, {Date: 210514, Member: 1e11}, {Date: 210514, Sequence: 1e5}} {
		if !strings.HasPrefix(bad.String(), "invalid") {
			t.Errorf("%+v renders as %s", bad, bad)
		}
	}
}

func TestDates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 36524).Draw(t, "day"))
		if got := DateOf(day).Time(time.UTC); !got.Equal(day) {
			t.Fatalf("got %v, want %v", got, day)
		}
	})
	if d := DateOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)); d != 0 {
		t.Errorf("a date of the next century became %d", d)
	}
	if !Date(270229).Time(time.UTC).IsZero() {
		t.Error("29 February 2027 is a date")
	}
}

func TestLocations(t *testing.T) {
	l := Location{Name: "ACME BOOKS", Street: "1 HIGH STREET", City: "VILNIUS", PostalCode: "01100", Country: "LTU"}
	const packed = `ACME BOOKS\1 HIGH STREET\VILNIUS\01100        LTU`
	b, err := l.Append(nil)
	if err != nil || string(b) != packed {
		t.Errorf("got %q, %v", b, err)
	}
	for _, s := range []string{packed, strings.ReplaceAll(packed, `\`, "/")} {
		if got, err := parseLocation([]byte(s), SmartVista); err != nil || got != l {
			t.Errorf("%q: got %+v, %v", s, got, err)
		}
	}
	if _, err := parseLocation([]byte(strings.ReplaceAll(packed, `\`, "/")), Standard); !errors.Is(err, ErrValue) {
		t.Errorf("slashes in the standard dialect: %v", err)
	}
	for _, bad := range []string{"", `A\B\C`, `\B\C\0110000000   LTU`, `A\B\C\01100LTU`} {
		if _, err := parseLocation([]byte(bad), Standard); !errors.Is(err, ErrValue) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestLocationsAreNeverCut(t *testing.T) {
	good := Location{Name: "Café", Street: "s", City: "c", PostalCode: "p", Region: "r", Country: "LTU"}
	if _, err := good.Append(nil); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Location){
		"no name": func(l *Location) { l.Name = "" }, "long name": func(l *Location) { l.Name = strings.Repeat("é", 23) },
		"long street": func(l *Location) { l.Street = strings.Repeat("x", 46) }, "long city": func(l *Location) { l.City = strings.Repeat("x", 14) },
		"long postal code": func(l *Location) { l.PostalCode = "12345678901" }, "long region": func(l *Location) { l.Region = "abcd" },
		"short country": func(l *Location) { l.Country = "LT" }, "delimiter in the name": func(l *Location) { l.Name = `A\B` },
	} {
		l := good
		change(&l)
		if b, err := l.Append([]byte("keep")); !errors.Is(err, ErrValue) || string(b) != "keep" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	good.Name = strings.Repeat("é", 22)
	if b, err := good.Append(nil); err != nil {
		t.Errorf("22 characters: %q, %v", b, err)
	}
}

// parseLocation splits the packed form; the SmartVista dialect also delimits with slashes. Fixed parts are returned
// without their trailing spaces. The error is [ErrValue].
func parseLocation(b []byte, d Dialect) (Location, error) {
	parts := bytes.SplitN(b, []byte{'\\'}, 4)
	if len(parts) != 4 && d == SmartVista {
		parts = bytes.SplitN(b, []byte{'/'}, 4)
	}
	if len(parts) != 4 || len(parts[0]) == 0 {
		return Location{}, ErrValue
	}
	tail := []rune(string(parts[3]))
	if len(tail) != 16 {
		return Location{}, ErrValue
	}
	return Location{
		Name: string(parts[0]), Street: string(parts[1]), City: string(parts[2]),
		PostalCode: trim(tail[:10]), Region: trim(tail[10:13]), Country: trim(tail[13:]),
	}, nil
}

func trim(r []rune) string {
	for len(r) > 0 && r[len(r)-1] == ' ' {
		r = r[:len(r)-1]
	}
	return string(r)
}
