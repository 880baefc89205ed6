package checkout

import (
	"bytes"
	"errors"
	"settled/authorize/page"
	"settled/authorize/protocol"
	"settled/internal/vault"
	"settled/settle"
	"strings"
)

// readTypedCard reads what was typed as a card and marks what is wrong. The caller wipes the code.
func (v *visit) readTypedCard(f form, shown *page.Payment) (k protocol.Card, holder string) {
	wrong := shown.Errors
	number := onlyDigits(f[page.FieldNumber])
	var err error
	if k.PAN, err = vault.ParsePAN(number); len(number) == 0 {
		wrong[page.FieldNumber] = page.ProblemRequired
	} else if err != nil {
		wrong[page.FieldNumber] = page.ProblemFormat
	} else if !v.in.vault.Environment().Accepts(k.PAN) || errors.Is(v.in.ways.CheckBrand(v.merchant, v.order.Original, k.PAN.Mask()), settle.ErrBrand) {
		wrong[page.FieldNumber] = page.ProblemScheme
	}
	month, year, ok := page.ParseExpiry(string(f[page.FieldExpiry]))
	switch {
	case len(f[page.FieldExpiry]) == 0:
		wrong[page.FieldExpiry] = page.ProblemRequired
	case !ok:
		wrong[page.FieldExpiry] = page.ProblemFormat
	case protocol.Expired(month, year, v.in.now()):
		wrong[page.FieldExpiry] = page.ProblemExpired
	default:
		k.Expiry = protocol.YYMM(year, month)
	}
	code := protocol.StripCode.Apply(f[page.FieldCVC])
	if len(code) == 0 {
		wrong[page.FieldCVC] = page.ProblemRequired
	} else if k.CVV, err = vault.ParseCVV(bytes.Clone(code)); err != nil {
		wrong[page.FieldCVC] = page.ProblemFormat
	}
	return k, readHolder(f, shown)
}

// readHolder reads the name on the card: Latin letters, as it is embossed.
func readHolder(f form, shown *page.Payment) string {
	holder := strings.TrimSpace(string(protocol.StripGeneral.Apply(bytes.Clone(f[page.FieldHolder]))))
	latin := strings.IndexFunc(holder, func(r rune) bool {
		return !(r == ' ' || r == '-' || r == '.' || r == '\'' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}) < 0
	if digits := strings.ContainsAny(holder, "0123456789"); !digits {
		shown.Holder = holder // a name, whatever its letters: it may be shown again
	}
	switch {
	case holder == "":
		shown.Errors[page.FieldHolder] = page.ProblemRequired
	case !latin || len(holder) > protocol.InCardholder.Max():
		shown.Errors[page.FieldHolder] = page.ProblemFormat
	}
	return holder
}

// onlyDigits removes the spaces and hyphens that people type into card numbers, in place.
func onlyDigits(v []byte) []byte {
	n := 0
	for _, c := range v {
		if c != ' ' && c != '-' {
			v[n] = c
			n++
		}
	}
	clear(v[n:])
	return v[:n]
}
