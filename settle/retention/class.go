package retention

import (
	"slices"
	"time"

	"settled/internal/settings"
)

// Class is what has a period of its own.
type Class string

// The classes.
const (
	Declined Class = "declined" // card numbers of orders that were never paid
	Paid     Class = "paid"     // card numbers of paid orders, and of their records
	Stored   Class = "stored"   // cards and consents that buyers let a merchant keep
	Files    Class = "files"    // bytes of clearing files
	Replies  Class = "replies"  // bytes of replies
	Personal Class = "personal" // what tells of a person: details of orders, cheques, browsers, numbers of buyers
)

// Classes are all of them, in the order in which a run erases: a card goes before what tells whose it is.
func Classes() []Class { return []Class{Declined, Paid, Stored, Files, Replies, Personal} }

// Settings is the section of a configuration that says for how many days what is kept; 0: it is never erased.
type Settings struct {
	Declined int `yaml:"declined_days,omitempty"`
	Paid     int `yaml:"paid_days,omitempty"`
	Stored   int `yaml:"stored_days,omitempty"`
	Files    int `yaml:"files_days,omitempty"`
	Replies  int `yaml:"replies_days,omitempty"`
	Personal int `yaml:"personal_days,omitempty"`
}

// Key is the setting of a class.
func (c Class) Key() string { return string(c) + "_days" }

// Periods are the days of the classes that have some.
type Periods map[Class]int

// Before is the instant before which a thing of the class was last of use that is due at now; false: the class is never erased.
func (p Periods) Before(c Class, now time.Time) (before time.Time, ok bool) {
	days, ok := p[c]
	return now.AddDate(0, 0, -days), ok
}

// Missing are the classes that are never erased.
func (p Periods) Missing() []Class {
	return slices.DeleteFunc(Classes(), func(c Class) bool { return p[c] > 0 })
}

// Needs are what the rest of a configuration needs what is sealed for.
type Needs struct {
	Hold  time.Duration // the longest that a hold waits for its confirmation
	Reply time.Duration // the longest that a center may take to reply
}

// The shortest periods, in days. A decline is answered again, reversed or paid by another try within hours. A refund is asked for within weeks of its
// sale, or of its refusal; a shop that gives money back later than that needs more than the shortest. A buyer comes back within a month or asks for his
// card again. A file is asked for again, and a reply put right by a person, within a week.
const (
	leastDeclined = 3
	leastRefund   = 30
	leastStored   = 30
	leastResend   = 7
	longest       = 36500
)

// Periods is what the settings come to. With problems it is not to be used.
func (s Settings) Periods(n Needs) (Periods, []settings.Problem) {
	var c settings.Checker
	p := Periods{}
	take := func(class Class, days, least int, why string) {
		switch {
		case days == 0:
			return
		case days < least:
			c.Fail(class.Key(), "%d is less than %d days: %s", days, least, why)
		case days > longest:
			c.Fail(class.Key(), "%d is more than %d days", days, longest)
		}
		p[class] = days
	}
	hold, reply := daysOf(n.Hold), daysOf(n.Reply)
	take(Declined, s.Declined, leastDeclined, "a declined payment may still be asked about, tried again and reversed")
	take(Paid, s.Paid, hold+reply+leastRefund, "holds wait for their confirmation, records for their reply, and then for refunds, which need the card")
	take(Stored, s.Stored, leastStored, "a buyer who comes once a month would not find his card")
	take(Files, s.Files, reply+leastResend, "a file may be asked for again until its reply is there")
	take(Replies, s.Replies, leastResend, "a reply may have to be read again")
	take(Personal, s.Personal, max(leastDeclined, s.Declined, s.Paid), "while a card number is kept, so is what the order says of its buyer: a refund may add to it")
	return p, c.Problems
}

// daysOf rounds up to days.
func daysOf(d time.Duration) int { return int((d + 24*time.Hour - 1) / (24 * time.Hour)) }
