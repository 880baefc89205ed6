package vault

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const card = "4539578763621486"

func TestParsePAN(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"16 digits", "4111111111111111", true},
		{"13 digits", "4222222222222", true},
		{"19 digits", "6304000000000000000", true},
		{"wrong check digit", "4111111111111112", false},
		{"12 digits with a valid check digit", "411111111116", false},
		{"20 digits with a valid check digit", "41111111111111111110", false},
		{"space", "4111 1111 1111 1111", false},
		{"letter", "411111111111111a", false},
		{"empty", "", false},
		{"digits of another script", "٤١١١١١١١", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pan, err := ParsePAN(tt.text)
			if tt.ok != (err == nil) || (err != nil && !errors.Is(err, ErrPAN)) {
				t.Fatalf("got %v, want ok %v", err, tt.ok)
			}
			if tt.ok && pan.Reveal() != tt.text {
				t.Errorf("revealed %q, want %q", pan.Reveal(), tt.text)
			}
			if err != nil && tt.text != "" && strings.Contains(err.Error(), tt.text) {
				t.Error("the error shows the number")
			}
		})
	}
}

func TestLuhnFindsEverySingleWrongDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := []byte(rapid.StringMatching(`[0-9]{12,18}`).Draw(t, "digits"))
		valid, last := 0, byte(0)
		for check := byte('0'); check <= '9'; check++ {
			if Luhn(append(bytes.Clone(digits), check)) {
				valid++
				last = check
			}
		}
		digits = append(digits, last)
		if valid != 1 {
			t.Fatalf("%d check digits are valid, want 1", valid)
		}
		i := rapid.IntRange(0, len(digits)-1).Draw(t, "position")
		digits[i] = '0' + (digits[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "change")))%10
		if Luhn(digits) {
			t.Fatalf("%s is valid with a wrong digit", digits)
		}
	})
}

// printed is what every way to print shows of v: verbs, encoders and the logger, also from inside other values.
func printed(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	inside := struct {
		hidden any
		Shown  any
		List   []any
	}{v, v, []any{v}}
	for _, value := range []any{v, inside, &inside, map[string]any{"k": v}, []any{v}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%o", "%b"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		if text, err := json.Marshal(value); err == nil {
			out.Write(text)
		}
		if text, err := xml.Marshal(value); err == nil {
			out.Write(text)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", slog.Any("v", value))
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", slog.Any("v", value))
	}
	return out.String()
}

// reveals reports whether out shows text in clear, in hexadecimal or as a list of numbers of any base.
func reveals(out, text string) bool {
	forms := []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)}
	for _, verb := range []string{"%d", "%o", "%b", "%c", "%x", "%#x", "%U"} {
		forms = append(forms, strings.Trim(fmt.Sprintf(verb, []byte(text)), "[]"))
	}
	for _, form := range forms {
		if strings.Contains(out, form) {
			return true
		}
	}
	return false
}

func TestPANPrintsAsMask(t *testing.T) {
	pan, err := ParsePAN(card)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct{ pan PAN }
	for _, v := range []any{pan, &pan, holder{pan}, &holder{pan}} {
		if out := printed(t, v); reveals(out, card) {
			t.Errorf("%T shows the number", v)
		}
	}
	if got, want := fmt.Sprintf("%v|%s|%d|%q", pan, pan, pan, pan), strings.Repeat("|453957****1486", 4)[1:]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !reveals(printed(t, []byte(card)), card) {
		t.Error("the check itself does not see a shown number")
	}
}

var address = regexp.MustCompile(`0x[0-9a-f]+`)

func TestSecretPrintsAsStars(t *testing.T) {
	cvv, err := ParseCVV([]byte("9173"))
	if err != nil {
		t.Fatal(err)
	}
	type holder struct{ cvv Secret }
	for _, v := range []any{cvv, &cvv, holder{cvv}, &holder{cvv}} {
		// An address in memory may hold the digits by chance.
		if out := address.ReplaceAllString(printed(t, v), ""); reveals(out, "9173") {
			t.Errorf("%T shows the code", v)
		}
	}
	if got := fmt.Sprint(cvv); got != "***" {
		t.Errorf("got %s, want ***", got)
	}
}

func TestSecretWipesAllCopies(t *testing.T) {
	content := []byte("917")
	cvv, err := ParseCVV(content)
	if err != nil {
		t.Fatal(err)
	}
	other := cvv
	cvv.Wipe()
	if !other.IsZero() || other.Reveal() != nil || !bytes.Equal(content, make([]byte, 3)) {
		t.Errorf("after Wipe: copy %v, memory %v", other.Reveal(), content)
	}
	Secret{}.Wipe()
}

func TestParseCVV(t *testing.T) {
	for text, ok := range map[string]bool{"123": true, "1234": true, "12": false, "12345": false, "12a": false, "": false} {
		if _, err := ParseCVV([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: got %v, want ok %v", text, err, ok)
		}
	}
}
