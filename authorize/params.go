package authorize

import "strconv"

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
	inTestMode
	inMeansType
	inOperationState
	inOperationType
	inDateTimeMode
	inZipFlag
	inSignature
	inCheckvalue
	inURLReturn
	inURLReturnOK
	inURLReturnNo
	inCardPayment
	inFastPayPayment
	inMobileDevice
	inCustomerNumber
	inOrderMaxPoints
	inDisable3DS
	inPrepayment
	inRecurringIndicator
	inRecurringMinAmount
	inRecurringMaxAmount
	inRecurringPeriod
	inRecurringMaxDate
	inRecurringCount
	inRecurringPeriodScale
	inChequeItems
	inListParameters
	inBill
	inBillComment
	inComment
	inTokenType
	inPaymentToken
	inPNR
	inIsConvert
	inUserAgent
	inAcceptHeader
	inBrowserInfo
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

	inTestMode:       {"TestMode", 212, stripGeneral, 1},
	inMeansType:      {"MeanType_ID", 111, stripGeneral, 5},
	inOperationState: {"Operationstate", 146, stripGeneral, 1},
	inOperationType:  {"Operationtype", 145, stripGeneral, 1},
	inDateTimeMode:   {"DateTimeMode", 104, stripGeneral, 1},
	inZipFlag:        {"ZipFlag", 132, stripGeneral, 1},

	inSignature:            {"Signature", 0, stripControl, 2048},
	inCheckvalue:           {"Checkvalue", 0, stripGeneral, 32},
	inURLReturn:            {"URL_RETURN", 154, stripURL, 256},
	inURLReturnOK:          {"URL_RETURN_OK", 154, stripURL, 256},
	inURLReturnNo:          {"URL_RETURN_NO", 154, stripURL, 256},
	inCardPayment:          {"CardPayment", 218, stripGeneral, 1},
	inFastPayPayment:       {"FastPayPayment", 218, stripGeneral, 1},
	inMobileDevice:         {"MobileDevice", 0, stripGeneral, 64},
	inCustomerNumber:       {"CustomerNumber", 202, stripGeneral, 32},
	inOrderMaxPoints:       {"OrderMaxPoints", 108, stripGeneral, 18},
	inDisable3DS:           {"Disable3DS", 0, stripGeneral, 1},
	inPrepayment:           {"Prepayment", 0, stripGeneral, 18},
	inRecurringIndicator:   {"RecurringIndicator", 320, stripGeneral, 15},
	inRecurringMinAmount:   {"RecurringMinAmount", 108, stripGeneral, 18},
	inRecurringMaxAmount:   {"RecurringMaxAmount", 108, stripGeneral, 18},
	inRecurringPeriod:      {"RecurringPeriod", 320, stripGeneral, 5},
	inRecurringMaxDate:     {"RecurringMaxDate", 104, stripGeneral, 10},
	inRecurringCount:       {"RecurringCount", 320, stripGeneral, 5},
	inRecurringPeriodScale: {"RecurringPeriodScale", 320, stripGeneral, 5},
	inChequeItems:          {"ChequeItems", 179, stripControl, 32 << 10},
	inListParameters:       {"ListParameters", 0, stripGeneral, 1024},
	inBill:                 {"Bill", 187, stripOrderNumber, 128},
	inBillComment:          {"Bill_comment", 110, stripText, 4000},
	inComment:              {"Comment", 110, stripText, 4000},
	inTokenType:            {"TokenType", 111, stripGeneral, 1},
	inPaymentToken:         {"PaymentToken", 106, stripControl, 1024},
	inPNR:                  {"PNR", 176, stripGeneral, 15},
	inIsConvert:            {"isConvert", 0, stripGeneral, 1},

	inUserAgent:    {"UserAgent", 0, stripControl, 2048},
	inAcceptHeader: {"AcceptHeader", 0, stripControl, 2048},
	inBrowserInfo:  {"BrowserInfo", 0, stripControl, maxBrowser},
}

// recurringParams are the set that only comes whole.
var recurringParams = [...]in{inRecurringMinAmount, inRecurringMaxAmount, inRecurringPeriod, inRecurringMaxDate}

// maxInteger and maxSmall are the largest values of the protocol's whole numbers.
const (
	maxInteger = 2147483647
	maxSmall   = 32767
)

// highest bounds the parameters that must be whole numbers, whichever service they are sent to. Their digits are counted
// by params. 0: as many as fit.
var highest = map[in]int64{
	inMerchant: maxInteger, inMeansType: maxInteger, inRecurringIndicator: maxInteger,
	inRecurringPeriod: maxSmall, inRecurringCount: maxSmall, inRecurringPeriodScale: maxSmall,
	inPNR: 0, inIsConvert: 4,
}

// checkNumber refuses text where a whole number belongs, and one that is too large.
func (id in) checkNumber(v []byte) error {
	limit, whole := highest[id]
	if !whole || len(v) == 0 {
		return nil
	}
	if !digits(v) {
		return refuse(errFormat, params[id].second, params[id].name+" is not a number")
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err != nil || limit > 0 && n > limit {
		return refuse(errFormat, params[id].second, params[id].name+" is not a number up to "+strconv.FormatInt(limit, 10))
	}
	return nil
}

// ignoredParams are taken and not used: they belong to services or options that this installation does not have.
var ignoredParams = []string{
	"Customer", "GenerateReceipt", "ReceiptLine", "Tax", "FPMode", "TaxationSystem", "paymentAgentMode", "transferOperatorName",
	"transferOperatorAddress", "transferOperatorINN", "transferOperatorPhone", "supplierPhone", "cashier", "cashierINN",
	"paymentAddress", "paymentPlace", "paymentTerminal", "taxpayerID", "customerDocID", "documentRequisite", "userRequisites",
	"YMPayment", "WMPayment", "QIWIPayment", "QIWIMtsPayment", "QIWIMegafonPayment", "QIWIBeelinePayment", "AssistIDPayment",
	"ApplePayPayment", "GooglePayPayment", "SamsungPayPayment", "MirPayPayment",
	"Success", "Header", "Header1", "Delimiter", "OpenDelimiter", "CloseDelimiter", "RowDelimiter", "Fields", // of older resultbydate
}

// alsoSpelled are spellings of parameters that some services' documents have beside those of the others.
var alsoSpelled = map[string]in{"Ordernumber": inOrderNumber, "BillNumber": inBillNumber}

// criticalParams must never travel in a URL, where proxies and logs keep them. The number is the second code.
var criticalParams = map[string]int{
	"password": 102, "cardnumber": 106, "cardholder": 114, "expiremonth": 112, "expireyear": 113, "cvc2": 115, "paymenttoken": 106,
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
	for name, id := range alsoSpelled {
		add(name, id)
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
