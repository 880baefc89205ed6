package config

import (
	"time"

	"settled/internal/money"
	"settled/schedules"
	"settled/settle"
)

// rates reads the table of exchange rates. Two entries of a pair that are valid at the same instant are refused: which of
// them a payment got would depend on chance.
func (c *checker) rates(list []RateFile, zone *time.Location) []settle.RateEntry {
	var out []settle.RateEntry
	for i, f := range list {
		at := place{"rates", i}
		entry := c.rate(at, f, zone)
		for j := range out {
			if out[j].Overlaps(&entry) {
				c.fail(at, "%s to %s has a rate for that time already: rates[%d]", entry.From, entry.To, j)
			}
		}
		out = append(out, entry)
	}
	return out
}

func (c *checker) rate(at place, f RateFile, zone *time.Location) settle.RateEntry {
	e := settle.RateEntry{From: c.currency(at.at("from"), f.From), To: c.currency(at.at("to"), f.To),
		Source: c.text(at.at("source"), f.Source, 40), ValidFrom: c.instant(at.at("valid_from"), f.ValidFrom, zone),
		ValidTo: c.instant(at.at("valid_to"), f.ValidTo, zone)}
	if e.From == e.To && e.From.Valid() {
		c.fail(at.at("to"), "a currency has no rate to itself")
	}
	if !e.ValidTo.IsZero() && !e.ValidFrom.Before(e.ValidTo) {
		c.fail(at.at("valid_to"), "is not after valid_from")
	}
	var err error
	if e.Rate, err = money.ParseRate(f.Rate); err != nil {
		c.fail(at.at("rate"), "%q is no positive decimal number with up to 10 digits and 8 decimals", f.Rate)
	}
	return e
}

// instant reads a moment with its offset, or a date, which begins at midnight in zone. Empty is the zero time.
func (c *checker) instant(at place, text string, zone *time.Location) time.Time {
	if text == "" {
		return time.Time{}
	}
	if date, err := schedules.ParseDate(text); err == nil {
		return time.Date(date.Year, date.Month, date.Day, 0, 0, 0, 0, zone)
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		c.fail(at, "%q is neither a date, 2026-12-31, nor an instant, 2026-12-31T09:00:00+03:00", text)
	}
	return t
}
