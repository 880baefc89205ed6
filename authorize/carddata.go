package authorize

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
var cardRules = [inCount]cardRule{
	inCardNumber: cardOwn, inCVC: cardOwn, inPassword: cardOwn, inPaymentToken: cardOwn, inSignature: cardOwn, inCheckvalue: cardOwn,
	inBillNumber: cardOwn, inMerchant: cardOwn, inClientIP: cardOwn,

	inOrderNumber: cardRefused, inCustomerNumber: cardRefused, inLogin: cardRefused, inExternalRefund: cardRefused, inExternalConfirm: cardRefused,
	inURLReturn: cardRefused, inURLReturnOK: cardRefused, inURLReturnNo: cardRefused, inBill: cardRefused, inPNR: cardRefused,
	inOrderAmount: cardRefused, inAmount: cardRefused, inOrderMaxPoints: cardRefused, inPrepayment: cardRefused, inRecurringMinAmount: cardRefused,
	inRecurringMaxAmount: cardRefused, inRecurringIndicator: cardRefused, inListParameters: cardRefused,

	inOrderComment: cardMasked, inBillComment: cardMasked, inComment: cardMasked, inCardholder: cardMasked, inLastName: cardMasked,
	inFirstName: cardMasked, inMiddleName: cardMasked, inAddress: cardMasked, inCity: cardMasked, inUserAgent: cardMasked, inAcceptHeader: cardMasked,
	inChequeItems: cardMaskedIn,

	inEmail: cardLeftOut, inHomePhone: cardLeftOut, inWorkPhone: cardLeftOut, inMobilePhone: cardLeftOut, inFax: cardLeftOut, inZip: cardLeftOut,
	inCountry: cardLeftOut, inState: cardLeftOut, // short, but the page shows again what was typed
	inMobileDevice: cardLeftOut, inBrowserInfo: cardLeftOut,

	inFormat: cardShort, inLanguage: cardShort, inOrderCurrency: cardShort, inDelay: cardShort, inCardType: cardShort, inExpireMonth: cardShort,
	inExpireYear: cardShort, inCurrency: cardShort, inAutoDeposit: cardShort, inCancelReason: cardShort,
	inStartYear: cardShort, inStartMonth: cardShort, inStartDay: cardShort, inStartHour: cardShort, inStartMin: cardShort, inEndYear: cardShort,
	inEndMonth: cardShort, inEndDay: cardShort, inEndHour: cardShort, inEndMin: cardShort, inTestMode: cardShort, inMeansType: cardShort,
	inOperationState: cardShort, inOperationType: cardShort, inDateTimeMode: cardShort, inZipFlag: cardShort, inCardPayment: cardShort,
	inFastPayPayment: cardShort, inDisable3DS: cardShort, inRecurringPeriod: cardShort, inRecurringMaxDate: cardShort, inRecurringCount: cardShort,
	inRecurringPeriodScale: cardShort, inTokenType: cardShort, inIsConvert: cardShort,
}

// cardDone says in logs, metrics and docs what was done.
var cardDone = [...]string{cardRefused: "refused", cardMasked: "masked", cardMaskedIn: "masked", cardLeftOut: "left_out"}

// cardDropped is done with a listed field whose name may mean a code of a card.
const cardDropped = "dropped"

// cardFound is a place where card data was found.
type cardFound struct{ field, done string }

// guard looks for card data in the text of a parameter, and returns what may go on of it: nil when it is left out. It changes text in
// place. Every parameter passes here, before and after characters are stripped from it, because both can make a number.
func (c *call) guard(id in, text []byte) ([]byte, error) {
	rule := cardRules[id]
	if rule == cardOwn || rule == cardShort {
		return text, nil
	}
	left, found := c.scan(id, text)
	if !found {
		return left, nil
	}
	c.cards = append(c.cards, cardFound{params[id].name, cardDone[rule]})
	switch rule {
	case cardRefused:
		return nil, refuse(errProhibitedObject, params[id].second, params[id].name+
			" holds a number that begins, ends and is as long as that of a card: card numbers are not kept there, send another")
	case cardLeftOut:
		return nil, nil
	}
	return left, nil
}

// scan hides card data in a text of a parameter, and tells whether there was any.
func (c *call) scan(id in, text []byte) ([]byte, bool) {
	switch cardRules[id] {
	case cardMaskedIn:
		s := vault.Scanner{Ours: c.isBill}
		left, hidden := s.MaskJSON(text)
		return left, hidden.Any()
	case cardMasked:
		return c.maskText(text)
	}
	if !vault.CanHold(text) {
		return text, false
	}
	s := vault.Scanner{Ours: c.isBill, Phones: params[id].second == onPhone}
	found := s.Holds(text)
	if params[id].strip == stripURL && !found {
		plain, err := url.PathUnescape(string(text))
		found = err == nil && s.Holds([]byte(plain))
	}
	return text, found
}

// maskText hides numbers and codes in plain text.
func (c *call) maskText(text []byte) ([]byte, bool) {
	text, codes := vault.MaskCodes(text)
	if !vault.CanHold(text) {
		return text, codes > 0
	}
	s := vault.Scanner{Ours: c.isBill}
	text, numbers := s.Mask(text)
	return text, numbers+codes > 0
}

// guardListed does what guard does for the value of a field that ListParameters names.
func (c *call) guardListed(text []byte) []byte {
	var found bool
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		text, found = c.scan(inChequeItems, text)
	} else {
		text, found = c.maskText(text)
	}
	if found {
		c.cards = append(c.cards, cardFound{params[inListParameters].name, cardDone[cardMasked]})
	}
	return text
}

// isBill knows numbers of bills, which merchants write into comments and references: one in ten of them looks like a card's. Only those
// that were given out count.
func (c *call) isBill(number string) bool {
	id, err := strconv.ParseInt(number, 10, 64)
	return err == nil && c.bills != nil && c.bills(id)
}

// cardPlaces are all places where card data may be found, with what is done there.
func cardPlaces() (all []cardFound) {
	for id, rule := range cardRules {
		if rule >= cardRefused {
			all = append(all, cardFound{params[id].name, cardDone[rule]})
		}
	}
	return all
}
