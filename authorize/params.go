package authorize

// in is a request parameter that the services know.
type in uint8

// The parameters. Those that a service accepts without using them are not listed here, but in ignoredParams.
const (
	inMerchant in = iota
	inLogin
	inPassword
	inFormat
	inLanguage
	inClientIP
	inOrderNumber
	inOrderAmount
	inOrderCurrency
	inOrderComment
	inDelay
	inCardType
	inCardNumber
	inCardholder
	inExpireMonth
	inExpireYear
	inCVC
	inLastName
	inFirstName
	inMiddleName
	inEmail
	inAddress
	inHomePhone
	inWorkPhone
	inMobilePhone
	inFax
	inCountry
	inState
	inCity
	inZip
	inBillNumber
	inAmount
	inCurrency
	inAutoDeposit
	inCancelReason
	inExternalRefund
	inExternalConfirm
	inStartYear
	inStartMonth
	inStartDay
	inStartHour
	inStartMin
	inEndYear
	inEndMonth
	inEndDay
	inEndHour
	inEndMin
	inCount
)

// param describes a parameter: its documented spelling, the second code that names it in errors, what is stripped from
// it, and how many characters may remain.
type param struct {
	name   string
	second int
	strip  strip
	max    int
}

var params = [inCount]param{
	inMerchant:        {"Merchant_ID", 100, stripGeneral, 15},
	inLogin:           {"Login", 101, stripGeneral, 20},
	inPassword:        {"Password", 102, stripGeneral, 64},
	inFormat:          {"Format", 103, stripGeneral, 1},
	inLanguage:        {"Language", 127, stripGeneral, 2},
	inClientIP:        {"ClientIP", 116, stripGeneral, 45},
	inOrderNumber:     {"OrderNumber", 107, stripOrderNumber, 128},
	inOrderAmount:     {"OrderAmount", 108, stripGeneral, 18},
	inOrderCurrency:   {"OrderCurrency", 105, stripGeneral, 3},
	inOrderComment:    {"OrderComment", 110, stripText, 4000},
	inDelay:           {"Delay", 109, stripGeneral, 1},
	inCardType:        {"Cardtype", 111, stripGeneral, 1},
	inCardNumber:      {"Cardnumber", 106, stripGeneral, 19},
	inCardholder:      {"Cardholder", 114, stripGeneral, 70},
	inExpireMonth:     {"Expiremonth", 112, stripGeneral, 2},
	inExpireYear:      {"Expireyear", 113, stripGeneral, 4},
	inCVC:             {"Cvc2", 115, stripCode, 4},
	inLastName:        {"Lastname", 117, stripGeneral, 70},
	inFirstName:       {"Firstname", 118, stripGeneral, 70},
	inMiddleName:      {"Middlename", 119, stripGeneral, 70},
	inEmail:           {"Email", 120, stripGeneral, 128},
	inAddress:         {"Address", 121, stripText, 256},
	inHomePhone:       {"HomePhone", 122, stripGeneral, 64},
	inWorkPhone:       {"WorkPhone", 122, stripGeneral, 20},
	inMobilePhone:     {"MobilePhone", 122, stripGeneral, 20},
	inFax:             {"Fax", 122, stripGeneral, 20},
	inCountry:         {"Country", 128, stripGeneral, 3},
	inState:           {"State", 124, stripGeneral, 3},
	inCity:            {"City", 123, stripGeneral, 70},
	inZip:             {"Zip", 125, stripGeneral, 25},
	inBillNumber:      {"Billnumber", 143, stripGeneral, 20},
	inAmount:          {"Amount", 108, stripGeneral, 18},
	inCurrency:        {"Currency", 105, stripGeneral, 3},
	inAutoDeposit:     {"AutoDeposit", 0, stripGeneral, 1},
	inCancelReason:    {"CancelReason", 0, stripGeneral, 1},
	inExternalRefund:  {"Externalrefundid", 0, stripGeneral, 100},
	inExternalConfirm: {"ExternalConfirmId", 0, stripGeneral, 100},
	inStartYear:       {"StartYear", 129, stripGeneral, 4},
	inStartMonth:      {"StartMonth", 129, stripGeneral, 2},
	inStartDay:        {"StartDay", 129, stripGeneral, 2},
	inStartHour:       {"StartHour", 129, stripGeneral, 2},
	inStartMin:        {"StartMin", 129, stripGeneral, 2},
	inEndYear:         {"EndYear", 130, stripGeneral, 4},
	inEndMonth:        {"EndMonth", 130, stripGeneral, 2},
	inEndDay:          {"EndDay", 130, stripGeneral, 2},
	inEndHour:         {"EndHour", 130, stripGeneral, 2},
	inEndMin:          {"EndMin", 130, stripGeneral, 2},
}

// ignoredParams are taken and not used: they belong to services or options that this installation does not have.
var ignoredParams = []string{
	"TestMode", "Signature", "Checkvalue", "CardPayment", "FastPayPayment", "MobileDevice", "URL_RETURN", "URL_RETURN_OK",
	"URL_RETURN_NO", "ChequeItems", "Customer", "GenerateReceipt", "ReceiptLine", "Tax", "FPMode", "TaxationSystem",
	"Prepayment", "CustomerNumber", "Disable3DS", "isConvert", "Bill", "Bill_comment", "Comment",
}

// criticalParams must never travel in a URL, where proxies and logs keep them. The number is the second code.
var criticalParams = map[string]int{
	"password": 102, "cardnumber": 106, "cardholder": 114, "expiremonth": 112, "expireyear": 113, "cvc2": 115, "paymenttoken": 0,
}

const ignored = inCount // of lookup: the parameter is known and not used

// lowerNames finds a form parameter by its name in lower case; exactNames a JSON member, which may be spelled as
// documented or in lower case and not otherwise.
var lowerNames, exactNames = func() (map[string]in, map[string]in) {
	lower, exact := map[string]in{}, map[string]in{}
	add := func(name string, id in) {
		lower[lowerASCII(name)], exact[lowerASCII(name)], exact[name] = id, id, id
	}
	for id, p := range params {
		add(p.name, in(id))
	}
	for _, name := range ignoredParams {
		add(name, ignored)
	}
	return lower, exact
}()

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lowerByte(c)
	}
	return string(b)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// strip names the characters that are silently removed from a value: the protocol strips, it does not reject.
type strip uint8

const (
	stripGeneral     strip = iota // < > " = ' / \ ( ) ; #
	stripOrderNumber              // < > ' " ; and space
	stripText                     // < > = \
	stripCode                     // + - . _ \ / and space; the letter O is a zero
	stripKinds
)

// stripped tells for each kind which bytes go. Control characters always go: XML and the database cannot carry them.
var stripped = func() (t [stripKinds][256]bool) {
	for kind, chars := range [stripKinds]string{`<>"='/\();#`, `<>'"; `, `<>=\`, `+-._\/ `} {
		for c := range 0x20 {
			t[kind][c] = true
		}
		t[kind][0x7f] = true
		for _, c := range []byte(chars) {
			t[kind][c] = true
		}
	}
	return t
}()

// apply strips v in place and returns what is left. What is cut off is overwritten.
func (s strip) apply(v []byte) []byte {
	table := &stripped[s]
	n := 0
	for _, c := range v {
		if !table[c] {
			v[n] = c
			n++
		}
	}
	clear(v[n:])
	if s == stripCode {
		return zeroLetters(v[:n])
	}
	return v[:n]
}

// zeroLetters turns the letter O, Latin or Cyrillic, into a zero, in place.
func zeroLetters(v []byte) []byte {
	n := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == 'o' || c == 'O':
			c = '0'
		case i+1 < len(v) && c == 0xd0 && (v[i+1] == 0x9e || v[i+1] == 0xbe): // О о
			c = '0'
			i++
		}
		v[n] = c
		n++
	}
	clear(v[n:])
	return v[:n]
}
