package protocol

import (
	"slices"
	"strings"
)

// suspect notes a name that the service does not have if it seems to mean a parameter whose absence has a meaning.
func (c *Call) suspect(name []byte) {
	if c.accepts == nil || len(c.standIns) == maxUnknown {
		return
	}
	if id, found := meant(name, c.accepts); found {
		c.standIns = append(c.standIns, standIn{strings.TrimRight(string(name), "\x00"), id})
	}
}

// checkStandIns refuses a name that seems to mean a parameter which is not given: what was asked for would be passed over, and
// everything be done instead. Names that ListParameters lists are the merchant's own.
func (c *Call) checkStandIns() error {
	for _, s := range c.standIns {
		listed := slices.ContainsFunc(c.listed, func(f unknownField) bool { return f.is(s.name) })
		if !c.named[s.meant] && !listed {
			return Unreadable(s.meant, "is not given, but "+printable(s.name)+" is, which this service does not have")
		}
	}
	return nil
}

// meant returns the parameter that a name seems to mean, of those whose absence has a meaning: one that is spelled almost alike,
// or, to a service that moves a part of a payment, one that speaks of money. Only letters count.
func meant(name []byte, accepts *[InCount]Taking) (Parameter, bool) {
	plain, words := lettersOf(name)
	for id, use := range accepts {
		if use >= guarded && alike(plain, Parameter(id)) {
			return Parameter(id), true
		}
	}
	switch {
	case accepts[InOrderCurrency] >= guarded:
		return InOrderCurrency, plain == lowerASCII(params[InCurrency].name)
	case accepts[InAmount] < guarded:
		return 0, false
	case strings.Contains(plain, "currency"):
		return InCurrency, true
	}
	part := func(p string) bool { return strings.Contains(plain, p) }
	return InAmount, slices.ContainsFunc(moneyParts, part) || slices.ContainsFunc(words, func(w string) bool { return slices.Contains(moneyWords, w) })
}

// moneyParts make a name speak of an amount wherever they stand in it, moneyWords when they are a word of it.
var (
	moneyParts = []string{"amount", "amnt", "summa", "price", "quantity", "prepay", "points"}
	moneyWords = []string{"sum", "summ", "total", "cost", "qty", "part", "partial", "money", "refund", "amt"}
)

// lettersOf returns the letters of a name in lower case, and its words: they end where another kind of character stands, or a capital
// behind a small letter.
func lettersOf(name []byte) (plain string, words []string) {
	var b strings.Builder
	begin, small := 0, false
	end := func() {
		if b.Len() > begin {
			words = append(words, b.String()[begin:])
		}
		begin = b.Len()
	}
	for _, c := range name {
		low := lowerByte(c)
		if low < 'a' || low > 'z' || small && c != low {
			end()
		}
		if small = c == low; 'a' <= low && low <= 'z' {
			b.WriteByte(low)
		}
	}
	end()
	return b.String(), words
}

// alike tells whether letters spell the name of a parameter, but for one mistake, or two in a long name.
func alike(plain string, id Parameter) bool {
	want, _ := lettersOf([]byte(params[id].name))
	most := 1
	if len(want) > 6 {
		most = 2
	}
	if len(plain) < len(want)-most || len(plain) > len(want)+most {
		return false
	}
	return mistakes(plain, want) <= most
}

// mistakes counts letters that are missing, too many, others, or exchanged with their neighbor (optimal string alignment).
func mistakes(a, b string) int {
	var before, last, row []int
	for i := range len(a) + 1 {
		before, last, row = last, row, make([]int, len(b)+1)
		for j := range row {
			switch {
			case i == 0 || j == 0:
				row[j] = i + j
				continue
			case a[i-1] == b[j-1]:
				row[j] = last[j-1]
			default:
				row[j] = 1 + min(last[j-1], last[j], row[j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
