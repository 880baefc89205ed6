package page

import (
	"strings"

	"settled/internal/money"
)

const (
	noBreak = "\u00a0"
	ruble   = "₽"
)

// formatMoney writes an amount as people of the language read it: number and unit on one line.
func formatMoney(a money.Amount, language int) string {
	return formatNumber(a, language) + noBreak + unitOf(a.Currency, language)
}

// formatNumber is the amount without its unit. The digits are grouped in threes; spaces do not break.
func formatNumber(a money.Amount, language int) string {
	group, point := ",", "."
	if language == russian {
		group, point = noBreak, ","
	}
	whole, fraction, _ := strings.Cut(a.Decimal(), ".")
	if fraction != "" {
		fraction = point + fraction
	}
	return grouped(whole, group) + fraction
}

func unitOf(c money.Currency, language int) string {
	if language == russian && c == money.RUB {
		return ruble
	}
	return c.String()
}

func grouped(whole, separator string) string {
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + separator + whole[i:]
	}
	return sign + whole
}
