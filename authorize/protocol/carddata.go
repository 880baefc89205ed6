package protocol

import (
	"bytes"
	"net/url"
	"strconv"

	"settled/internal/vault"
)

// cardRule is what becomes of a parameter in which a card number is found that does not belong there.
type cardRule uint8

const (
	_            cardRule = iota
	cardOwn               // it belongs there, or nothing of the parameter is kept or told
	cardShort             // it has no room for a card number
	cardRefused           // the request is refused: the value identifies something, and a masked one would be another
	cardMasked            // its middle becomes stars
	cardMaskedIn          // the same, within JSON
	cardLeftOut           // the parameter counts as missing, because a masked value says nothing
)

// cardRules say it of every parameter. docs/card-data.md is made of them.
var cardRules = [InCount]cardRule{
	InCardNumber: cardOwn, InCVC: cardOwn, InPassword: cardOwn, InPaymentToken: cardOwn, InSignature: cardOwn, InCheckvalue: cardOwn,
	InBillNumber: cardOwn, InMerchant: cardOwn, InClientIP: cardOwn,

	InOrderNumber: cardRefused, InCustomerNumber: cardRefused, InLogin: cardRefused, InExternalRefund: cardRefused, InExternalConfirm: cardRefused,
	InURLReturn: cardRefused, InURLReturnOK: cardRefused, InURLReturnNo: cardRefused, inBill: cardRefused, inPNR: cardRefused,
	InOrderAmount: cardRefused, InAmount: cardRefused, InOrderMaxPoints: cardRefused, InPrepayment: cardRefused, InRecurringMinAmount: cardRefused,
	InRecurringMaxAmount: cardRefused, InRecurringIndicator: cardRefused, InListParameters: cardRefused,

	InOrderComment: cardMasked, inBillComment: cardMasked, inComment: cardMasked, InCardholder: cardMasked, inLastName: cardMasked,
	inFirstName: cardMasked, inMiddleName: cardMasked, inAddress: cardMasked, inCity: cardMasked, InUserAgent: cardMasked, InAcceptHeader: cardMasked,
	InChequeItems: cardMaskedIn,

	InEmail: cardLeftOut, inHomePhone: cardLeftOut, inWorkPhone: cardLeftOut, inMobilePhone: cardLeftOut, inFax: cardLeftOut, inZip: cardLeftOut,
	inCountry: cardLeftOut, inState: cardLeftOut, // short, but the page shows again what was typed
	InMobileDevice: cardLeftOut, InBrowserInfo: cardLeftOut,

	InFormat: cardShort, InLanguage: cardShort, InOrderCurrency: cardShort, InDelay: cardShort, InCardType: cardShort, InExpireMonth: cardShort,
	InExpireYear: cardShort, InCurrency: cardShort, InAutoDeposit: cardShort, InCancelReason: cardShort,
	inStartYear: cardShort, inStartMonth: cardShort, inStartDay: cardShort, inStartHour: cardShort, inStartMin: cardShort, inEndYear: cardShort,
	inEndMonth: cardShort, inEndDay: cardShort, inEndHour: cardShort, inEndMin: cardShort, InTestMode: cardShort, InMeansType: cardShort,
	InOperationState: cardShort, InOperationType: cardShort, InDateTimeMode: cardShort, InZipFlag: cardShort, InCardPayment: cardShort,
	InFastPayPayment: cardShort, InDisable3DS: cardShort, InRecurringPeriod: cardShort, InRecurringMaxDate: cardShort, InRecurringCount: cardShort,
	InRecurringPeriodScale: cardShort, InTokenType: cardShort, inIsConvert: cardShort,
}

// cardDone says in logs, metrics and docs what was done.
var cardDone = [...]string{cardRefused: "refused", cardMasked: "masked", cardMaskedIn: "masked", cardLeftOut: "left_out"}

// cardDropped is done with a listed field whose name may mean a code of a card.
const cardDropped = "dropped"

// CardFound is a place where card data was found.
type CardFound struct{ Field, Done string }

// Guard looks for card data in the text of a parameter, and returns what may go on of it: nil when it is left out. It changes text in
// place. Every parameter passes here, before and after characters are stripped from it, because both can make a number.
func (c *Call) Guard(id Parameter, text []byte) ([]byte, error) {
	rule := cardRules[id]
	if rule == cardOwn || rule == cardShort {
		return text, nil
	}
	left, found := c.scan(id, text)
	if !found {
		return left, nil
	}
	c.Cards = append(c.Cards, CardFound{params[id].name, cardDone[rule]})
	switch rule {
	case cardRefused:
		return nil, Refuse(FirstProhibitedObject, params[id].second, params[id].name+
			" holds a number that begins, ends and is as long as that of a card: card numbers are not kept there, send another")
	case cardLeftOut:
		return nil, nil
	default:
		return left, nil
	}
}

// scan hides card data in a text of a parameter, and tells whether there was any.
func (c *Call) scan(id Parameter, text []byte) ([]byte, bool) {
	switch cardRules[id] {
	case cardMaskedIn:
		s := vault.Scanner{Ours: c.isBill}
		left, hidden := s.MaskJSON(text)
		return left, hidden.Any()
	case cardMasked:
		return c.maskText(text)
	case cardOwn, cardShort, cardRefused, cardLeftOut: // all of the value is judged
	}
	if !vault.CanHold(text) {
		return text, false
	}
	s := vault.Scanner{Ours: c.isBill, Phones: params[id].second == OnPhone}
	found := s.Holds(text)
	if params[id].strip == stripURL && !found {
		plain, err := url.PathUnescape(string(text))
		found = err == nil && s.Holds([]byte(plain))
	}
	return text, found
}

// maskText hides numbers and codes in plain text.
func (c *Call) maskText(text []byte) ([]byte, bool) {
	text, codes := vault.MaskCodes(text)
	if !vault.CanHold(text) {
		return text, codes > 0
	}
	s := vault.Scanner{Ours: c.isBill}
	text, numbers := s.Mask(text)
	return text, numbers+codes > 0
}

// guardListed does what Guard does for the value of a field that ListParameters names.
func (c *Call) guardListed(text []byte) []byte {
	var found bool
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		text, found = c.scan(InChequeItems, text)
	} else {
		text, found = c.maskText(text)
	}
	if found {
		c.Cards = append(c.Cards, CardFound{params[InListParameters].name, cardDone[cardMasked]})
	}
	return text
}

// isBill knows numbers of bills, which merchants write into comments and references: one in ten of them looks like a card's. Only those
// that were given out count.
func (c *Call) isBill(number string) bool {
	id, err := strconv.ParseInt(number, 10, 64)
	return err == nil && c.bills != nil && c.bills(id)
}

// CardPlaces are all places where card data may be found, with what is done there.
func CardPlaces() (all []CardFound) {
	for id, rule := range cardRules {
		if rule >= cardRefused {
			all = append(all, CardFound{params[id].name, cardDone[rule]})
		}
	}
	return all
}
