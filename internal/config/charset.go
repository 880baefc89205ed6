package config

import (
	"fmt"
	"strings"
	"unicode"

	"settled/fileformats/iso8583"
	"settled/settle"
)

// inRecords is the party data of a merchant that stands in the records of the centers that it is routed to.
var inRecords = [...]struct {
	key string
	of  func(*MerchantFile) string
}{
	{"name", func(f *MerchantFile) string { return f.Name }}, {"clearing_name", func(f *MerchantFile) string { return f.ClearingName }},
	{"street", func(f *MerchantFile) string { return f.Street }}, {"city", func(f *MerchantFile) string { return f.City }},
	{"postal", func(f *MerchantFile) string { return f.Postal }}, {"region", func(f *MerchantFile) string { return f.Region }},
}

// writable finds what a merchant's centers could not be told: their files would never be built. Terminal and acceptor go to a
// center in messages too, which are ASCII.
func (c *checker) writable(at place, f *MerchantFile, m *settle.Merchant) {
	before, told := len(c.problems), map[string]bool{}
	for _, r := range f.Routes {
		for _, field := range inRecords {
			if !told[r.Center] && (field.key != "name" || f.ClearingName == "") {
				c.encodable(at.at(field.key), field.of(f), r.Center, c.writes[r.Center]...)
			}
		}
		told[r.Center] = true
	}
	for i, r := range f.Routes {
		if files, cards := c.writes[r.Center]; cards {
			online := append([]func(rune) bool{inMessages}, files...)
			c.encodable(at.at("routes", i, "terminal"), r.Terminal, r.Center, online...)
			c.encodable(at.at("routes", i, "acceptor"), r.Acceptor, r.Center, online...)
		}
	}
	if len(c.problems) == before {
		c.displayed(at.at("name"), m.Name)
	}
}

// inMessages tells that a message of the online host may hold the character.
func inMessages(r rune) bool {
	_, err := iso8583.ASCII.Append(nil, string(r))
	return err == nil && r != '\\'
}

// encodable finds the first character of a text that a center does not take.
func (c *checker) encodable(at place, text, center string, takes ...func(rune) bool) {
	for _, char := range text {
		for _, take := range takes {
			if take(char) {
				continue
			}
			hint := ""
			if at[len(at)-1] == "name" {
				hint = "; give the name for its files as clearing_name"
			}
			c.fail(at, "character %s is not in the character set of center %s%s", shown(char), center, hint)
			return
		}
	}
}

// displayed finds characters of a name that nothing shows.
func (c *checker) displayed(at place, text string) {
	if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }); i >= 0 {
		c.fail(at, "character %s cannot be shown", shown([]rune(text[i:])[0]))
	}
}

// shown names a character, and shows it where it can be.
func shown(r rune) string {
	if unicode.IsGraphic(r) && !unicode.IsSpace(r) {
		return fmt.Sprintf("%c (U+%04X)", r, r)
	}
	return fmt.Sprintf("U+%04X", r)
}
