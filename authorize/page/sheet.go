package page

import (
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"settled/internal/money"
)

// sheet is a View as the templates see it. Its methods are the words of the templates.
type sheet struct {
	*View
	language int
	Style    asset
	Script   asset
}

func newSheet(v *View) *sheet {
	s := &sheet{View: v, Style: style, Script: script}
	if v.Language == Russian {
		s.language = russian
	}
	return s
}

// Lang is the value of lang attributes.
func (s *sheet) Lang() string { return [...]string{"en", "ru"}[s.language] }

// T is a text of the table.
func (s *sheet) T(key string, args ...any) (string, error) {
	text, ok := texts[key]
	if !ok {
		return "", fmt.Errorf("no text %q", key)
	}
	if len(args) == 0 {
		return text[s.language], nil
	}
	return fmt.Sprintf(text[s.language], args...), nil
}

// Money is an amount with grouped digits: "1,234.50 USD", "1 234,50 ₽".
func (s *sheet) Money(a money.Amount) string { return formatMoney(a, s.language) }

// Number is an amount without its unit.
func (s *sheet) Number(a money.Amount) string { return formatNumber(a, s.language) }

// Unit is the unit of an amount: the code of its currency, or its sign.
func (s *sheet) Unit(a money.Amount) string { return unitOf(a.Currency, s.language) }

// Date is a date without a time.
func (s *sheet) Date(t time.Time) string { return t.Format("02.01.2006") }

// Moment is a date and time in the zone of the page, which it names.
func (s *sheet) Moment(t time.Time) string {
	if s.Zone == nil || s.Zone == time.UTC {
		return t.UTC().Format("02.01.2006 15:04") + " UTC"
	}
	t = t.In(s.Zone)
	offset := strings.TrimSuffix(t.Format("-07:00"), ":00")
	offset = strings.NewReplacer("+0", "+", "-0", "-").Replace(offset[:2]) + offset[2:]
	return t.Format("02.01.2006 15:04") + " (UTC" + offset + ", " + s.Zone.String() + ")"
}

// Days is a number of days in words: "1 day", "2 дня", "5 дней".
func (s *sheet) Days(n int) (string, error) {
	form := "many"
	switch ones, tens := n%10, n%100; {
	case s.language != russian && n == 1, s.language == russian && ones == 1 && tens != 11:
		form = "one"
	case s.language == russian && ones >= 2 && ones <= 4 && (tens < 12 || tens > 14):
		form = "few"
	}
	return s.T("days."+form, n)
}

// Converted reports whether the payment is in another currency than the shop asked for.
func (o Order) Converted() bool {
	return o.Original.Currency != 0 && o.Original.Currency != o.Amount.Currency
}

// Long reports whether the comment has to be folded.
func (o Order) Long() bool { return utf8.RuneCountInString(o.Comment) > 140 }

// Total is the text beside the amount.
func (s *sheet) Total() string {
	result, ok := s.Body.(Result)
	switch {
	case !ok:
		return "order.total"
	case result.Outcome == OutcomePaid:
		return "order.paid"
	}
	return "order.amount"
}

// Refresh is how often, in seconds, a page without a script asks for its successor; 0 for never.
func (s *sheet) Refresh() int {
	switch b := s.Body.(type) {
	case Wait:
		return 5
	case Result:
		if b.Outcome == OutcomeInProcess {
			return 15
		}
	case QR:
		if b.Payload != "" {
			return 10
		}
	}
	return 0
}

// Polls reports whether the script asks for the state.
func (s *sheet) Polls() bool { return s.Refresh() > 0 && s.StatusURL != "" }

// Timer is the seconds that are left, 0 when none are to be shown.
func (s *sheet) Timer() int {
	end := s.Deadline
	switch b := s.Body.(type) {
	case Payment:
	case QR:
		if !b.Until.IsZero() {
			end = b.Until
		}
	default:
		return 0
	}
	left := end.Sub(s.Now)
	if end.IsZero() || s.Now.IsZero() || left <= 0 || left >= 24*time.Hour {
		return 0
	}
	return int(left / time.Second)
}

// Clock writes seconds as a clock does: "9:59", "1:00:00".
func (s *sheet) Clock(seconds int) string {
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// SVG draws a QR code.
func (s *sheet) SVG(payload string) (template.HTML, error) { return SVG(payload) }

// bankAddress is where a page may send a phone: the web, or the app of a bank.
var bankAddress = regexp.MustCompile(`^(https?|bank[0-9a-z.+-]{1,60})://[^\s<>"'` + "`" + `]+$`)

// App is the address of a bank's app, which check has looked at.
func (s *sheet) App(address string) template.URL { return template.URL(address) } //nolint:gosec // addresses of the partner bank, checked where they come in

// Input is what a template needs to show one field.
type input struct {
	*sheet
	Name, Label, Value, Hint string
	Auto, Mode, Class        string
	Max                      int
	Required                 bool
	Problem                  Problem
	Problems                 []Problem
	Focus                    bool
}

// inputs are the buyer's fields.
func (s *sheet) Inputs(p Payment) []input {
	var list []input
	for _, f := range p.Fields {
		c := details[f.Name]
		in := input{sheet: s, Name: f.Name, Value: f.Value, Auto: c.Auto, Mode: c.Mode, Max: c.Max, Required: f.Required,
			Problems: c.Problems}
		if c.Half {
			in.Class = "half"
		}
		list = append(list, s.finish(in, p))
	}
	return list
}

// CardInput is one of the fields of the card.
func (s *sheet) CardInput(p Payment, name string) (input, error) {
	in, ok := cardInputs[name]
	if !ok {
		return in, fmt.Errorf("no field %q of a card", name)
	}
	in.sheet, in.Name = s, name
	if name == FieldHolder {
		in.Value = p.Holder
	}
	return s.finish(in, p), nil
}

var cardInputs = map[string]input{
	FieldNumber: {Auto: "cc-number", Mode: "numeric", Max: 27, Required: true, Class: "new",
		Problems: []Problem{ProblemFormat, ProblemScheme}},
	FieldExpiry: {Auto: "cc-exp", Mode: "numeric", Max: 9, Required: true, Class: "new half", Hint: "hint.expiry",
		Problems: []Problem{ProblemFormat, ProblemExpired}},
	FieldCVC: {Auto: "cc-csc", Mode: "numeric", Max: 4, Required: true, Class: "code half", Hint: "hint.cvc",
		Problems: []Problem{ProblemFormat}},
	FieldHolder: {Auto: "cc-name", Max: 70, Required: true, Class: "new", Problems: []Problem{ProblemFormat}},
}

// finish adds the label, and the problem.
func (s *sheet) finish(in input, p Payment) input {
	in.Label = texts["field."+in.Name][s.language]
	in.Problem = p.Errors[in.Name]
	in.Focus = in.Problem != "" && p.first() == in.Name
	if in.Required {
		in.Problems = append([]Problem{ProblemRequired}, in.Problems...)
	}
	return in
}

// Complaint is the text of a problem of the field: its own, or the one of every field.
func (in input) Complaint(problem Problem) (string, error) {
	if text, ok := texts["problem."+in.Name+"."+string(problem)]; ok {
		return text[in.language], nil
	}
	return in.T("problem." + string(problem))
}

// first is the field that the buyer should mend first: the first wrong one in the order of the page.
func (p Payment) first() string {
	for _, f := range p.Fields {
		if p.Errors[f.Name] != "" {
			return f.Name
		}
	}
	for _, name := range []string{FieldNumber, FieldExpiry, FieldCVC, FieldHolder} {
		if p.Errors[name] != "" {
			return name
		}
	}
	return ""
}

// Ticked is the means to begin with.
func (p Payment) Ticked() Means {
	if slices.Contains(p.Means, p.Chosen) {
		return p.Chosen
	}
	return p.Means[0]
}

// Offers reports whether m is among the means.
func (p Payment) Offers(m string) bool { return slices.Contains(p.Means, Means(m)) }

// TickedCard is the ID of the stored card to begin with, empty for another card.
func (p Payment) TickedCard() string {
	first := ""
	for _, c := range p.Saved {
		switch {
		case p.Another || c.Expired:
		case c.ID == p.SavedID:
			return c.ID
		case first == "":
			first = c.ID
		}
	}
	return first
}
