package ipm

import (
	"errors"
	"io"
	"slices"
)

// Sum is a number of presentments and the sum of their amounts in minor units.
type Sum struct {
	Count  int64
	Amount int64
}

// CurrencyTotals are the presentments of one currency.
type CurrencyTotals struct {
	Currency        uint16 // ISO 4217 numeric
	Sales           Sum
	Refunds         Sum
	SaleReversals   Sum
	RefundReversals Sum
}

// Totals is what a built file holds.
type Totals struct {
	File       FileID
	Mode       Mode
	Control    Control          // as counted, equal to the trailer's
	Currencies []CurrencyTotals // ascending by currency
}

// Verify reads the built file in r back, strictly, and totals it from its bytes alone. A file that is not whole, not in
// the straight form of the profile, or whose trailer differs from its content is an [*Error].
func Verify(r io.Reader, p Profile) (Totals, error) {
	reader := NewReader(r, p, Options{Strict: true})
	var t Totals
	for {
		var rec Record
		err := reader.Read(&rec)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Totals{}, err
		}
		t.currency(rec.Currency).sum(&rec).add(rec.Amount)
	}
	t.File, t.Mode = reader.File()
	t.Control = reader.Control()
	return t, nil
}

func (t *Totals) currency(code uint16) *CurrencyTotals {
	i, found := slices.BinarySearchFunc(t.Currencies, code, func(c CurrencyTotals, code uint16) int {
		return int(c.Currency) - int(code)
	})
	if !found {
		t.Currencies = slices.Insert(t.Currencies, i, CurrencyTotals{Currency: code})
	}
	return &t.Currencies[i]
}

func (c *CurrencyTotals) sum(r *Record) *Sum {
	switch {
	case r.Kind == Sale && !r.Reversal:
		return &c.Sales
	case r.Kind == Sale:
		return &c.SaleReversals
	case !r.Reversal:
		return &c.Refunds
	}
	return &c.RefundReversals
}

func (s *Sum) add(amount int64) {
	s.Count++
	s.Amount += amount
}
