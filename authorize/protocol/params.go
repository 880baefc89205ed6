package protocol

import "strconv"

// Parameter is a request parameter that the services know.
type Parameter uint8

// The parameters. Those that a service accepts without using them are not listed here, but in ignoredParams.
const (
	InMerchant Parameter = iota
	InLogin
	InPassword
	InFormat
	InLanguage
	InClientIP
	InOrderNumber
	InOrderAmount
	InOrderCurrency
	InOrderComment
	InDelay
	InCardType
	InCardNumber
	InCardholder
	InExpireMonth
	InExpireYear
	InCVC
	inLastName
	inFirstName
	inMiddleName
	InEmail
	inAddress
	inHomePhone
	inWorkPhone
	inMobilePhone
	inFax
	inCountry
	inState
	inCity
	inZip
	InBillNumber
	InAmount
	InCurrency
	InAutoDeposit
	InCancelReason
	InExternalRefund
	InExternalConfirm
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
	InTestMode
	InMeansType
	InOperationState
	InOperationType
	InDateTimeMode
	InZipFlag
	InSignature
	InCheckvalue
	InURLReturn
	InURLReturnOK
	InURLReturnNo
	InCardPayment
	InFastPayPayment
	InMobileDevice
	InCustomerNumber
	InOrderMaxPoints
	InDisable3DS
	InPrepayment
	InRecurringIndicator
	InRecurringMinAmount
	InRecurringMaxAmount
	InRecurringPeriod
	InRecurringMaxDate
	InRecurringCount
	InRecurringPeriodScale
	InChequeItems
	InListParameters
	inBill
	inBillComment
	inComment
	InTokenType
	InPaymentToken
	inPNR
	inIsConvert
	InUserAgent
	InAcceptHeader
	InBrowserInfo
	InCount
)

// param describes a parameter: its documented spelling, the second code that names it in errors, what is stripped from
// it, and how many characters may remain.
type param struct {
	name   string
	second int
	strip  strip
	max    int
}

// maxBrowser bounds what is kept of what a browser says of itself.
const maxBrowser = 100

var params = [InCount]param{
	InMerchant:        {"Merchant_ID", 100, StripGeneral, 15},
	InLogin:           {"Login", 101, StripGeneral, 20},
	InPassword:        {"Password", 102, StripGeneral, 64},
	InFormat:          {"Format", 103, StripGeneral, 1},
	InLanguage:        {"Language", 127, StripGeneral, 2},
	InClientIP:        {"ClientIP", 116, StripGeneral, 45},
	InOrderNumber:     {"OrderNumber", 107, stripOrderNumber, 128},
	InOrderAmount:     {"OrderAmount", 108, StripGeneral, 18},
	InOrderCurrency:   {"OrderCurrency", 105, StripGeneral, 3},
	InOrderComment:    {"OrderComment", 110, stripText, 4000},
	InDelay:           {"Delay", 109, StripGeneral, 1},
	InCardType:        {"Cardtype", 111, StripGeneral, 1},
	InCardNumber:      {"Cardnumber", 106, StripGeneral, 19},
	InCardholder:      {"Cardholder", 114, StripGeneral, 70},
	InExpireMonth:     {"Expiremonth", 112, StripGeneral, 2},
	InExpireYear:      {"Expireyear", 113, StripGeneral, 4},
	InCVC:             {"Cvc2", 115, StripCode, 4},
	inLastName:        {"Lastname", 117, StripGeneral, 70},
	inFirstName:       {"Firstname", 118, StripGeneral, 70},
	inMiddleName:      {"Middlename", 119, StripGeneral, 70},
	InEmail:           {"Email", 120, StripGeneral, 128},
	inAddress:         {"Address", 121, stripText, 256},
	inHomePhone:       {"HomePhone", 122, StripGeneral, 64},
	inWorkPhone:       {"WorkPhone", 122, StripGeneral, 20},
	inMobilePhone:     {"MobilePhone", 122, StripGeneral, 20},
	inFax:             {"Fax", 122, StripGeneral, 20},
	inCountry:         {"Country", 128, StripGeneral, 3},
	inState:           {"State", 124, StripGeneral, 3},
	inCity:            {"City", 123, StripGeneral, 70},
	inZip:             {"Zip", 125, StripGeneral, 25},
	InBillNumber:      {"Billnumber", 143, StripGeneral, 20},
	InAmount:          {"Amount", 108, StripGeneral, 18},
	InCurrency:        {"Currency", 105, StripGeneral, 3},
	InAutoDeposit:     {"AutoDeposit", 0, StripGeneral, 1},
	InCancelReason:    {"CancelReason", 0, StripGeneral, 1},
	InExternalRefund:  {"Externalrefundid", 0, StripGeneral, 100},
	InExternalConfirm: {"ExternalConfirmId", 0, StripGeneral, 100},
	inStartYear:       {"StartYear", 129, StripGeneral, 4},
	inStartMonth:      {"StartMonth", 129, StripGeneral, 2},
	inStartDay:        {"StartDay", 129, StripGeneral, 2},
	inStartHour:       {"StartHour", 129, StripGeneral, 2},
	inStartMin:        {"StartMin", 129, StripGeneral, 2},
	inEndYear:         {"EndYear", 130, StripGeneral, 4},
	inEndMonth:        {"EndMonth", 130, StripGeneral, 2},
	inEndDay:          {"EndDay", 130, StripGeneral, 2},
	inEndHour:         {"EndHour", 130, StripGeneral, 2},
	inEndMin:          {"EndMin", 130, StripGeneral, 2},

	InTestMode:       {"TestMode", 212, StripGeneral, 1},
	InMeansType:      {"MeanType_ID", 111, StripGeneral, 5},
	InOperationState: {"Operationstate", 146, StripGeneral, 1},
	InOperationType:  {"Operationtype", 145, StripGeneral, 1},
	InDateTimeMode:   {"DateTimeMode", 104, StripGeneral, 1},
	InZipFlag:        {"ZipFlag", 132, StripGeneral, 1},

	InSignature:            {"Signature", 0, stripControl, 2048},
	InCheckvalue:           {"Checkvalue", 0, StripGeneral, 32},
	InURLReturn:            {"URL_RETURN", 154, stripURL, 256},
	InURLReturnOK:          {"URL_RETURN_OK", 154, stripURL, 256},
	InURLReturnNo:          {"URL_RETURN_NO", 154, stripURL, 256},
	InCardPayment:          {"CardPayment", 218, StripGeneral, 1},
	InFastPayPayment:       {"FastPayPayment", 218, StripGeneral, 1},
	InMobileDevice:         {"MobileDevice", 0, StripGeneral, 64},
	InCustomerNumber:       {"CustomerNumber", 202, StripGeneral, 32},
	InOrderMaxPoints:       {"OrderMaxPoints", 108, StripGeneral, 18},
	InDisable3DS:           {"Disable3DS", 0, StripGeneral, 1},
	InPrepayment:           {"Prepayment", 0, StripGeneral, 18},
	InRecurringIndicator:   {"RecurringIndicator", 320, StripGeneral, 15},
	InRecurringMinAmount:   {"RecurringMinAmount", 108, StripGeneral, 18},
	InRecurringMaxAmount:   {"RecurringMaxAmount", 108, StripGeneral, 18},
	InRecurringPeriod:      {"RecurringPeriod", 320, StripGeneral, 5},
	InRecurringMaxDate:     {"RecurringMaxDate", 104, StripGeneral, 10},
	InRecurringCount:       {"RecurringCount", 320, StripGeneral, 5},
	InRecurringPeriodScale: {"RecurringPeriodScale", 320, StripGeneral, 5},
	InChequeItems:          {"ChequeItems", 179, stripControl, 32 << 10},
	InListParameters:       {"ListParameters", 0, StripGeneral, 1024},
	inBill:                 {"Bill", 187, stripOrderNumber, 128},
	inBillComment:          {"Bill_comment", 110, stripText, 4000},
	inComment:              {"Comment", 110, stripText, 4000},
	InTokenType:            {"TokenType", 111, StripGeneral, 1},
	InPaymentToken:         {"PaymentToken", 106, stripControl, 1024},
	inPNR:                  {"PNR", 176, StripGeneral, 15},
	inIsConvert:            {"isConvert", 0, StripGeneral, 1},

	InUserAgent:    {"UserAgent", 0, stripControl, 2048},
	InAcceptHeader: {"AcceptHeader", 0, stripControl, 2048},
	InBrowserInfo:  {"BrowserInfo", 0, stripControl, maxBrowser},
}

// Name is the documented spelling.
func (id Parameter) Name() string { return params[id].name }

// Second is the second code that names the parameter in errors.
func (id Parameter) Second() int { return params[id].second }

// Detail is the name under which orders keep the parameter.
func (id Parameter) Detail() string { return lowerASCII(params[id].name) }

// Max bounds the characters of the parameter.
func (id Parameter) Max() int { return params[id].max }

// MaxInteger and MaxSmall are the largest values of the protocol's whole numbers.
const (
	MaxInteger = 2147483647
	MaxSmall   = 32767
)

// highest bounds the parameters that must be whole numbers, whichever service they are sent to. Their digits are counted
// by params. 0: as many as fit.
var highest = map[Parameter]int64{
	InMerchant: MaxInteger, InMeansType: MaxInteger, InRecurringIndicator: MaxInteger,
	InRecurringPeriod: MaxSmall, InRecurringCount: MaxSmall, InRecurringPeriodScale: MaxSmall,
	inPNR: 0, inIsConvert: 4,
}

// checkNumber refuses text where a whole number belongs, and one that is too large.
func (id Parameter) checkNumber(v []byte) error {
	limit, whole := highest[id]
	if !whole || len(v) == 0 {
		return nil
	}
	if !digits(v) {
		return Refuse(FirstFormat, params[id].second, params[id].name+" is not a number")
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err != nil || limit > 0 && n > limit {
		return Refuse(FirstFormat, params[id].second, params[id].name+" is not a number up to "+strconv.FormatInt(limit, 10))
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
var alsoSpelled = map[string]Parameter{"Ordernumber": InOrderNumber, "BillNumber": InBillNumber}

// criticalParams must never travel in a URL, where proxies and logs keep them. The number is the second code.
var criticalParams = map[string]int{
	"password": 102, "cardnumber": 106, "cardholder": 114, "expiremonth": 112, "expireyear": 113, "cvc2": 115, "paymenttoken": 106,
}

const Ignored = InCount // of lookup: the parameter is known and not used

// lowerNames finds a form parameter by its name in lower case; exactNames a JSON member, which may be spelled as
// documented or in lower case and not otherwise.
var lowerNames, exactNames = func() (map[string]Parameter, map[string]Parameter) {
	lower, exact := map[string]Parameter{}, map[string]Parameter{}
	add := func(name string, id Parameter) {
		lower[lowerASCII(name)], exact[lowerASCII(name)], exact[name] = id, id, id
	}
	for id, p := range params {
		add(p.name, Parameter(id))
	}
	for name, id := range alsoSpelled {
		add(name, id)
	}
	for _, name := range ignoredParams {
		add(name, Ignored)
	}
	return lower, exact
}()
