package vault

// issuers are the numbers that issuers of cards give out, by how they begin and how long they are (ISO/IEC 7812-1 gives the first digits;
// the schemes publish their ranges). Numbers of 13 digits that begin with 4 are those that Visa gave out long ago. UATP's, of 15 digits that
// begin with 1, are left out: shops make such numbers of the time, and do not take those cards.
var issuers = []struct {
	first, last       string // of the beginning, of one length
	shortest, longest int    // digits
}{
	{"2200", "2204", 16, 19}, // Mir
	{"2221", "2720", 16, 16}, // Mastercard
	{"300", "305", 14, 19},   // Diners Club
	{"3095", "3095", 14, 19}, // Diners Club
	{"34", "34", 15, 15},     // American Express
	{"3528", "3589", 16, 19}, // JCB
	{"36", "36", 14, 19},     // Diners Club
	{"37", "37", 15, 15},     // American Express
	{"38", "39", 14, 19},     // Diners Club
	{"4", "4", 13, 13},       // Visa, of old
	{"4", "4", 16, 16},       // Visa
	{"4", "4", 18, 19},       // Visa, Maestro of some banks
	{"50", "50", 13, 19},     // Maestro, Verve, Elo
	{"51", "55", 16, 16},     // Mastercard
	{"56", "58", 13, 19},     // Maestro
	{"60", "60", 16, 19},     // Discover, RuPay
	{"62", "62", 16, 19},     // UnionPay
	{"63", "63", 13, 19},     // Maestro, InstaPayment, InterPayment
	{"64", "65", 16, 19},     // Discover
	{"67", "67", 13, 19},     // Maestro
	{"81", "82", 16, 19},     // UnionPay, RuPay
	{"8600", "8600", 16, 16}, // Uzcard
	{"9051", "9051", 16, 16}, // ArCa
	{"9112", "9112", 16, 16}, // Belkart
	{"9417", "9417", 16, 16}, // Elkart
	{"9704", "9704", 16, 19}, // NAPAS
	{"9792", "9792", 16, 16}, // Troy
	{"9860", "9860", 16, 16}, // Humo
}

// Issued reports whether ASCII digits are a number that an issuer may have given to a card: of a known range, as long as its numbers
// are, with a right check digit. One in ten of the other numbers of those ranges passes too.
func Issued[T string | []byte](number T) bool {
	return len(number) >= minPAN && inRange(string(number)) && Luhn(number)
}

func inRange(number string) bool {
	for i := range issuers {
		r := &issuers[i]
		begin := number[:len(r.first)]
		if r.shortest <= len(number) && len(number) <= r.longest && r.first <= begin && begin <= r.last {
			return true
		}
	}
	return false
}

// isArticle reports whether a number of 13 digits is that of an article of trade (EAN, GS1 General Specifications 7.9): those of many
// countries begin as Visa's cards do.
func isArticle(number string) bool {
	sum := 0
	for i := range len(number) {
		sum += int(number[i]-'0') * (1 + 2*(i%2))
	}
	return len(number) == 13 && sum%10 == 0
}
