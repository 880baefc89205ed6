package page

import (
	"regexp"
	"strconv"
	"strings"
)

// Names of form fields.
const (
	FieldSession   = "Session"    // View.Token
	FieldDo        = "Do"         // what is asked for: one of the Do constants
	FieldMeans     = "Means"      // a Means
	FieldNumber    = "Cardnumber" // digits, spaces possible
	FieldExpiry    = "Expiry"     // see ParseExpiry
	FieldCVC       = "Cvc2"
	FieldHolder    = "Cardholder"
	FieldSave      = "SaveCard"    // "1" when ticked, else absent; means nothing for a stored card
	FieldSavedCard = "SavedCard"   // Saved.ID, empty for another card. When given, of the card's fields only FieldCVC counts
	FieldDelete    = "DeleteCard"  // Saved.ID
	FieldBrowser   = "BrowserInfo" // see ParseBrowser; empty without JavaScript
)

// Values of FieldDo.
const (
	DoPay      = "pay"
	DoDelete   = "delete"
	DoContinue = "continue" // the 3-D Secure method has ended, or never answered
	DoMeans    = "means"    // from the QR page to the choice of means
	DoRetry    = "retry"    // ask for a QR code again
)

// Problem is what is wrong with a field.
type Problem string

// The problems of fields.
const (
	ProblemRequired Problem = "required" // nothing was typed
	ProblemFormat   Problem = "format"   // cannot be what it should be
	ProblemExpired  Problem = "expired"  // FieldExpiry only: the date has passed
	ProblemScheme   Problem = "scheme"   // FieldNumber only: cards of this kind are not taken
)

// detail describes a field of the buyer's data to browsers. Sizes are those of the payment request.
type detail struct {
	Max      int
	Auto     string // token of autocomplete
	Mode     string // inputmode, as far as it is not text
	Half     bool   // two of them stand side by side
	Problems []Problem
}

var details = map[string]detail{
	"Lastname":    {70, "family-name", "", true, nil},
	"Firstname":   {70, "given-name", "", true, nil},
	"Middlename":  {70, "additional-name", "", false, nil},
	"Email":       {128, "email", "email", false, []Problem{ProblemFormat}},
	"Address":     {256, "street-address", "", false, nil},
	"HomePhone":   {64, "tel", "tel", false, []Problem{ProblemFormat}},
	"WorkPhone":   {20, "tel", "tel", false, []Problem{ProblemFormat}},
	"MobilePhone": {20, "tel", "tel", false, []Problem{ProblemFormat}},
	"Country":     {3, "off", "", true, nil},
	"State":       {3, "off", "", true, nil},
	"City":        {70, "address-level2", "", true, nil},
	"Zip":         {25, "postal-code", "", true, nil},
}

// CustomerFields are the names that Field.Name may have, in a good order to ask.
var CustomerFields = []string{
	"Lastname", "Firstname", "Middlename", "Email", "MobilePhone", "HomePhone", "WorkPhone", "Country", "State", "City", "Zip", "Address",
}

// ParseExpiry reads what was typed as an expiry: a month and a year of two or four digits, with or without a slash or
// spaces, such as "4/29", "12 / 29" or "122029". The year is of four digits, in this century. ok is false for anything else.
func ParseExpiry(text string) (month, year int, ok bool) {
	text = strings.ReplaceAll(text, " ", "")
	m, y, slash := strings.Cut(text, "/")
	if !slash && len(text) >= 4 {
		m, y = text[:2], text[2:]
	}
	if !digits(m, 1, 2) || !digits(y, 2, 2) && !digits(y, 4, 4) {
		return 0, 0, false
	}
	month, _ = strconv.Atoi(m)
	year, _ = strconv.Atoi(y)
	if year < 100 {
		year += 2000
	}
	return month, year, month >= 1 && month <= 12 && year/100 == 20
}

func digits(s string, least, most int) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}

// Browser is what the script tells of the browser, for 3-D Secure.
type Browser struct {
	Width, Height int    // of the screen, in pixels
	ColorDepth    int    // bits, 1 to 48
	ZoneMinutes   int    // from local time to UTC: -180 in Minsk
	Language      string // BCP 47, at most 35 characters
}

var browserText = regexp.MustCompile(`^([0-9]{1,6});([0-9]{1,6});([0-9]{1,2});(-?[0-9]{1,3});([A-Za-z0-9-]{1,35})$`)

// ParseBrowser reads FieldBrowser. ok is false when the script did not run, or the text is none of its.
func ParseBrowser(text string) (b Browser, ok bool) {
	found := browserText.FindStringSubmatch(text)
	if found == nil {
		return b, false
	}
	for i, n := range []*int{&b.Width, &b.Height, &b.ColorDepth, &b.ZoneMinutes} {
		*n, _ = strconv.Atoi(found[i+1])
	}
	b.Language = found[5]
	return b, b.ColorDepth >= 1 && b.ColorDepth <= 48 && max(b.ZoneMinutes, -b.ZoneMinutes) <= 14*60
}
