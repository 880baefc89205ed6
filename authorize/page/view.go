package page

import (
	"time"

	"settled/internal/money"
)

// Language of a page's texts, as the parameter Language of the protocol writes it.
type Language string

// The languages. Any other value is shown in English.
const (
	English Language = "EN"
	Russian Language = "RU"
)

// View is everything that a page shows.
type View struct {
	Language  Language
	Languages []LanguageLink // the switch; none is shown when empty
	Order     Order          // empty when no order is known
	Test      *Test          // the merchant is in test mode
	Token     string         // posted back as FieldSession

	Action     string // path that forms post to
	SessionURL string // GET shows the page that the order is at now
	StatusURL  string // GET answers with ServeStatus
	ShopURL    string // "return to the shop", complete with its parameters; http or https; no link when empty

	Secure bool           // the page came over https, all the way to the buyer
	Zone   *time.Location // of the times that it shows; UTC when nil

	Now      time.Time // when the page is made
	Deadline time.Time // when the order times out; not shown when zero or a day away

	FrameAncestors []string // origins of shops that may show the page in a frame; nobody when empty
	RedirectTo     []string // URLs that the answer to a form may redirect to, beside our own: browsers check them too

	Body Body
}

// LanguageLink leads to the same page in another language.
type LanguageLink struct {
	Language Language
	URL      string
}

// Order is what is paid for.
type Order struct {
	Merchant string // name of the shop
	Number   string // OrderNumber of the merchant
	Comment  string
	Amount   money.Amount // to be paid, in the currency of the payment
	Original money.Amount // as the shop asked; shown with the rate when its currency differs from Amount's
	Rate     string       // decimal: how much of Amount's currency one unit of Original's costs
	Source   string       // who published the rate, and for which day
}

// Test is shown as a banner: no money moves.
type Test struct {
	Cards []TestCard
}

// TestCard is a card to try payments with.
type TestCard struct {
	Number string
	Expiry string // MM/YY
	CVC    string
	Effect string // what happens, in the language of the page
}

// Body is the part of a page that makes it one page or another: [Payment], [Wait], [QR], [Method], [MethodDone],
// [Challenge], [Result] or [Failure].
type Body interface{ Name() string }

// Payment is the page where the buyer chooses the means and gives the card.
type Payment struct {
	Means     []Means // in the order to offer them; at least one
	Chosen    Means   // ticked; the first of Means when empty
	Notice    Notice
	Decline   *Decline           // of the attempt before
	TriesLeft int                // after Decline; not shown when 0
	Fields    []Field            // buyer data that the request did not give
	Schemes   []string           // names of the card schemes that are taken, such as "Visa"
	Holder    string             // what was typed as the cardholder
	Errors    map[string]Problem // by the name of the field
	Saved     []Saved            // stored cards of the buyer; "another card" is offered beside
	SavedID   string             // ticked; see Another. The first that is not expired when empty
	Another   bool               // "another card" is ticked
	OfferSave bool               // offer to store the card
	Save      bool               // that offer is ticked
	Recurring *Recurring
}

// Means is a way to pay; the value of FieldMeans.
type Means string

// The means.
const (
	MeansCard Means = "card"
	MeansQR   Means = "qr" // instant payment by QR code (SBP)
)

// Notice is a message above the form.
type Notice string

// Notices.
const (
	NoticeNone         Notice = ""
	NoticeCardDeleted  Notice = "card-deleted"  // the stored card is gone
	NoticeUnconfirmed  Notice = "unconfirmed"   // 3-D Secure: the buyer was not confirmed, nothing was taken
	NoticeExpired      Notice = "expired"       // an instant payment: its time ran out, nothing was taken
	NoticeUnsent       Notice = "unsent"        // nothing left for the bank; nothing was taken; try again
	NoticeOtherChannel Notice = "other-channel" // another tab already pays this order
)

// Decline is what the buyer is told of a declined attempt, in the language of the page.
type Decline struct {
	Reason string // "Insufficient funds"
	Advice string // "Use another card"; may be empty
}

// Field is one of the buyer's data: its name is a parameter of the payment request, such as "Email".
type Field struct {
	Name     string // one of CustomerFields
	Value    string // what was typed before
	Required bool
}

// Saved is a stored card.
type Saved struct {
	ID       string // value of FieldSavedCard and FieldDelete; tells nothing of the card
	Scheme   string // "Visa"
	Mask     string // "•••• 1111"
	Expiry   string // MM/YY
	Expired  bool   // cannot be chosen
	NeedsCVC bool
}

// Recurring says what the buyer agrees to beside this payment.
type Recurring struct {
	Subscription bool         // an instant payment: the agreement is given in the bank's app
	Min, Max     money.Amount // bounds of the later payments; not shown when zero
	Days         int          // between payments; not shown when 0
	Until        time.Time    // last date; not shown when zero
}

// Wait is the page of a payment in process.
type Wait struct{}

// QR is the page of an instant payment.
type QR struct {
	Payload   string // what the code says: a URL of the payment system. Empty: no code could be had
	Banks     []Bank // apps to jump to, on a phone; a hundred keep the page below 50 kB
	Until     time.Time
	Asked     bool // the bank asks the buyer in its app, who agreed to that before: there is nothing to scan
	Means     bool // other means can be chosen instead
	Recurring *Recurring
}

// Bank is a bank whose app takes the payment.
type Bank struct {
	Name string
	URL  string // http(s), or the scheme of a bank's app, such as bank100000000901:
}

// Method runs the 3-D Secure method of the card's bank in a hidden frame, then posts "continue".
type Method struct {
	URL  string // of the access control server
	Data string // threeDSMethodData
}

// MethodDone is the answer to the access control server's notification within the hidden frame. It tells the page around
// it to go on.
type MethodDone struct{}

// Challenge sends the buyer to the bank's challenge.
type Challenge struct {
	URL         string // of the access control server
	Request     string // creq
	SessionData string // threeDSSessionData; may be empty
}

// Result is the page of an outcome.
type Result struct {
	Outcome  Outcome
	Decline  *Decline  // of OutcomeDeclined
	Bill     string    // billnumber
	Means    string    // "Visa •••• 1111"; may be empty
	Approval string    // the bank's code; may be empty
	At       time.Time // of the payment
	RetryURL string    // GET starts another attempt; no link when empty
}

// Outcome of an order, as its buyer sees it.
type Outcome string

// The outcomes.
const (
	OutcomePaid      Outcome = "paid"
	OutcomeReserved  Outcome = "reserved" // two stages: the shop has yet to confirm
	OutcomeDeclined  Outcome = "declined"
	OutcomeCanceled  Outcome = "canceled"
	OutcomeWithdrawn Outcome = "withdrawn" // canceled by the shop before it was paid
	OutcomeTimeout   Outcome = "timeout"
	OutcomeInProcess Outcome = "in-process"
)

// Failure is the page of an error.
type Failure struct {
	Reason Reason
	ID     int    // ErrorID; not shown when 0
	Detail string // for whoever mends the shop; may be empty
}

// Reason of a Failure.
type Reason string

// The reasons.
const (
	ReasonUnknown Reason = "unknown" // no such order or session
	ReasonRequest Reason = "request" // the shop's request was refused
	ReasonBusy    Reason = "busy"    // too many requests
	ReasonSystem  Reason = "system"  // our own
)

// Name is the page's name, as ServeStatus tells it.
func (Payment) Name() string { return "payment" }

// Name is the page's name, as ServeStatus tells it.
func (Wait) Name() string { return "wait" }

// Name is the page's name, as ServeStatus tells it.
func (QR) Name() string { return "qr" }

// Name is the page's name, as ServeStatus tells it.
func (Method) Name() string { return "method" }

// Name is the page's name, as ServeStatus tells it.
func (MethodDone) Name() string { return "method-done" }

// Name is the page's name, as ServeStatus tells it.
func (Challenge) Name() string { return "challenge" }

// Name is the page's name, as ServeStatus tells it.
func (Result) Name() string { return "result" }

// Name is the page's name, as ServeStatus tells it.
func (Failure) Name() string { return "failure" }
