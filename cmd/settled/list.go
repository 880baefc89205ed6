package main

import (
	"fmt"

	"settled/internal/listing"

	"github.com/spf13/cobra"
)

// paged adds the flags of a list that is shown part by part, and returns how to read them. A limit that is said must be one.
func paged(c *cobra.Command) func() (listing.Range, error) {
	var r listing.Range
	c.Flags().IntVar(&r.Limit, "limit", listing.DefaultLimit, fmt.Sprintf("how many lines at most, %d or fewer", listing.MaxLimit))
	c.Flags().StringVar(&r.After, "after", "", "go on after this key, which the part before ended with")
	return func() (listing.Range, error) {
		if r.Limit < 1 {
			return r, fmt.Errorf("%w: %d is not within 1 and %d", listing.ErrLimit, r.Limit, listing.MaxLimit)
		}
		return r, nil
	}
}

// partLines is a part of a list as programs read it, when they ask for a part.
type partLines struct {
	Rows   any         `json:"rows"`
	Next   string      `json:"next"`             // for --after; empty: these are the last rows
	Totals []totalLine `json:"totals,omitempty"` // of the whole list, not of this part
}

// totalLine is what a list comes to in a currency. Amounts are minor units.
type totalLine struct {
	Of       string `json:"of,omitempty"`
	Currency string `json:"currency"`
	Rows     int64  `json:"rows"`
	Amount   int64  `json:"amount"`
}

// printPart prints a part of a list. As JSON it is the lines alone, as lists have always been, unless a part was asked for.
func (d *desk) printPart(lines any, next string, totals []listing.Total, show func(t *rows)) error {
	shown := lines
	if d.Flags().Changed("limit") || d.Flags().Changed("after") {
		shown = partLines{lines, next, totalLines(totals)}
	}
	return d.print(shown, func(t *rows) {
		show(t)
		showTotalsOf(t, totals)
		if next != "" {
			t.row()
			t.row("more: --after " + next)
		}
	})
}

func totalLines(totals []listing.Total) (lines []totalLine) {
	for _, s := range totals {
		lines = append(lines, totalLine{s.Of, s.Currency.String(), s.Rows, s.Amount})
	}
	return lines
}

func showTotalsOf(t *rows, totals []listing.Total) {
	if len(totals) > 0 {
		t.row()
	}
	for _, s := range totals {
		t.row("total", s.Of, s.Rows, amountOf(s.Amount, s.Currency))
	}
}
