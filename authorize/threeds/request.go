package threeds

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"settled/internal/money"
)

// Method says what became of the page that the bank wanted to see the browser with.
type Method string

// The outcomes of the method.
const (
	MethodCompleted Method = "Y"
	MethodFailed    Method = "N" // nothing came back in time
	MethodNone      Method = "U" // Enrollment.MethodURL was empty
)

// Purpose is why the cardholder is authenticated.
type Purpose string

// The purposes.
const (
	ForPayment   Purpose = "01"
	ForRecurring Purpose = "02" // the buyer agrees to recurring payments
	ForStoring   Purpose = "04" // the buyer lets the shop keep the card
)

// Request is what Authenticate needs. All is required but what says otherwise.
type Request struct {
	ServerTransID string // of Start
	Version       string // of Start
	Method        Method
	Purpose       Purpose
	Expiry        string // of the card, YYMM
	Cardholder    string // at most 45 characters; optional
	Email         string // at most 254 characters; optional
	Amount        money.Amount
	At            time.Time // of the purchase; sent in UTC, to the second
	Recurring     Recurring // for ForRecurring
	Merchant      Merchant
	Browser       Browser
	// NotificationURL is where the bank's page posts cres to.
	NotificationURL string
	// Window is the size of the challenge page: 01 250x400, 02 390x400, 03 500x600, 04 600x400, 05 full. Optional: 05.
	Window string
}

// Recurring is the schedule that a buyer agrees to.
type Recurring struct {
	Until time.Time // last day
	Days  int       // between payments, 1 to 9999
}

// Merchant is the shop as its acquirer knows it.
type Merchant struct {
	AcquirerBIN string // at most 11 digits
	Acceptor    string // at most 35 characters
	Name        string // at most 40 characters
	MCC         string // 4 digits
	Country     string // ISO 3166 numeric, 3 digits
}

// Browser is what the buyer's browser says about itself.
type Browser struct {
	Accept    string     // Accept header, at most 2048 characters
	UserAgent string     // at most 2048 characters
	IP        netip.Addr // of the buyer
	Language  string     // BCP 47, at most 35 characters
	Java      bool
	// Script says that the page's script ran; without it the rest is unknown.
	Script        bool
	ColorDepth    int // bits, 1 to 48
	Width, Height int // of the screen, in pixels
	ZoneMinutes   int // from local time to UTC, as getTimezoneOffset says: -180 in Minsk
}

// question is a Request as it is sent.
type question struct {
	MessageVersion     string  `json:"messageVersion"`
	CompInd            Method  `json:"threeDSCompInd"`
	Ind                Purpose `json:"threeDSRequestorAuthenticationInd"`
	CardExpiryDate     string  `json:"cardExpiryDate"`
	CardholderName     string  `json:"cardholderName,omitempty"`
	Email              string  `json:"email,omitempty"`
	Amount             string  `json:"purchaseAmount"`
	Exponent           string  `json:"purchaseExponent"`
	Currency           string  `json:"purchaseCurrency"`
	Date               string  `json:"purchaseDate"`
	RecurringExpiry    string  `json:"recurringExpiry,omitempty"`
	RecurringFrequency string  `json:"recurringFrequency,omitempty"`
	AcquirerBIN        string  `json:"acquirerBIN"`
	MerchantID         string  `json:"acquirerMerchantID"`
	MerchantName       string  `json:"merchantName"`
	MCC                string  `json:"mcc"`
	Country            string  `json:"merchantCountryCode"`
	NotificationURL    string  `json:"notificationURL"`
	Accept             string  `json:"browserAcceptHeader"`
	UserAgent          string  `json:"browserUserAgent"`
	IP                 string  `json:"browserIP"`
	JavaScript         bool    `json:"browserJavascriptEnabled"`
	Java               bool    `json:"browserJavaEnabled"`
	Language           string  `json:"browserLanguage"`
	ColorDepth         string  `json:"browserColorDepth,omitempty"`
	ScreenWidth        string  `json:"browserScreenWidth,omitempty"`
	ScreenHeight       string  `json:"browserScreenHeight,omitempty"`
	TZ                 string  `json:"browserTZ,omitempty"`
}

// question checks the request and returns it as it is sent.
func (r *Request) question() (question, error) {
	for _, fault := range []string{r.fault(), r.Merchant.fault(), r.Browser.fault()} {
		if fault != "" {
			return question{}, invalid("%s is missing or wrong", fault)
		}
	}
	q := question{
		MessageVersion: r.Version, CompInd: r.Method, Ind: r.Purpose, CardExpiryDate: r.Expiry, CardholderName: r.Cardholder, Email: r.Email,
		Amount: strconv.FormatInt(r.Amount.Minor, 10), Exponent: strconv.Itoa(r.Amount.Currency.Exponent()), Currency: r.Amount.Currency.Numeric(),
		Date: r.At.UTC().Format("20060102150405"), AcquirerBIN: r.Merchant.AcquirerBIN, MerchantID: r.Merchant.Acceptor,
		MerchantName: r.Merchant.Name, MCC: r.Merchant.MCC, Country: r.Merchant.Country, NotificationURL: r.NotificationURL,
	}
	if r.Purpose == ForRecurring {
		q.RecurringExpiry, q.RecurringFrequency = r.Recurring.Until.Format("20060102"), strconv.Itoa(r.Recurring.Days)
	}
	r.Browser.describe(&q)
	return q, nil
}

// fault names what of the request is wrong.
func (r *Request) fault() string {
	address, err := url.Parse(r.NotificationURL)
	switch {
	case !validUUID(r.ServerTransID) || !supported(r.Version):
		return "transaction"
	case r.Method != MethodCompleted && r.Method != MethodFailed && r.Method != MethodNone:
		return "outcome of the method"
	case r.Purpose != ForPayment && r.Purpose != ForRecurring && r.Purpose != ForStoring:
		return "purpose"
	case r.Purpose == ForRecurring && (r.Recurring.Until.IsZero() || r.Recurring.Days < 1 || r.Recurring.Days > 9999):
		return "schedule"
	case !digits(r.Expiry, 4, 4):
		return "expiry"
	case !text(r.Cardholder, 0, 45) || !text(r.Email, 0, 254):
		return "name or email"
	case r.Amount.Minor <= 0 || !r.Amount.Currency.Valid():
		return "amount"
	case r.At.IsZero():
		return "time"
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" || len(r.NotificationURL) > 256:
		return "notification URL"
	case r.Window != "" && (len(r.Window) != 2 || r.Window < "01" || r.Window > "05"):
		return "window"
	}
	return ""
}

func (m *Merchant) fault() string {
	if !digits(m.AcquirerBIN, 1, 11) || !text(m.Acceptor, 1, 35) || !text(m.Name, 1, 40) || !digits(m.MCC, 4, 4) || !digits(m.Country, 3, 3) {
		return "merchant"
	}
	return ""
}

var colorDepths = []int{1, 4, 8, 15, 16, 24, 32, 48}

func (b *Browser) fault() string {
	const maxPixels, maxZone = 999_999, 14 * 60
	switch {
	case !text(b.Accept, 1, 2048) || !text(b.UserAgent, 1, 2048) || !text(b.Language, 1, 35):
		return "browser's headers"
	case !b.IP.IsValid() || b.IP.Zone() != "":
		return "browser's address"
	case !b.Script:
		return ""
	case b.ColorDepth < 1 || b.Width < 0 || b.Width > maxPixels || b.Height < 0 || b.Height > maxPixels:
		return "browser's screen"
	case b.ZoneMinutes < -maxZone || b.ZoneMinutes > maxZone:
		return "browser's time zone"
	}
	return ""
}

// describe sets what is known of the browser. A color depth that the protocol does not have becomes the next smaller one.
func (b *Browser) describe(q *question) {
	q.Accept, q.UserAgent, q.IP, q.Language, q.JavaScript = b.Accept, b.UserAgent, b.IP.Unmap().String(), b.Language, b.Script
	if !b.Script {
		return
	}
	depth, found := slices.BinarySearch(colorDepths, b.ColorDepth)
	if !found {
		depth--
	}
	q.Java, q.ColorDepth = b.Java, strconv.Itoa(colorDepths[depth])
	q.ScreenWidth, q.ScreenHeight, q.TZ = strconv.Itoa(b.Width), strconv.Itoa(b.Height), strconv.Itoa(b.ZoneMinutes)
}

// text reports whether s is valid UTF-8 of that many characters without control characters.
func text(s string, least, most int) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= least && n <= most
}

func digits(s string, least, most int) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}
