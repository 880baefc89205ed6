package authorize

import (
	"context"
	"slices"
)

// service answers one route. A new service is one more entry of services and one sheet: formats, languages, service
// descriptions (WSDL) and the reading of requests follow from them.
type service struct {
	path   string
	sheet  *sheet
	format Format // of the answer to a form that names none
	needs  []in   // parameters that must be given, besides the credentials
	takes  []in   // parameters that may be given, besides Format
	exact  []in   // those of takes that must have a value when they are given, because their absence means something
	guards []in   // those of takes whose absence means something, though an empty one may pass for an absent one
	second int    // names the service's operation in errors
	reads  bool   // it changes nothing
	handle func(*Gateway, context.Context, *caller) (*reply, error)

	accepts [inCount]taking // what becomes of each parameter
}

// services are the routes of the merchant API. All take POST.
var services = prepared([]service{
	{path: "/pay/silentpay.cfm", sheet: paymentSheet, format: FormatCSV, second: onNothing, handle: (*Gateway).pay,
		needs: []in{inOrderNumber, inOrderAmount, inCardNumber, inExpireMonth, inExpireYear, inCVC},
		takes: slices.Concat([]in{inOrderCurrency, inOrderComment, inDelay, inLanguage, inClientIP, inCardType, inCardholder,
			inChequeItems, inListParameters, inCustomerNumber}, recurringTaken, buyerParams, browserParams),
		exact: []in{inDelay, inRecurringIndicator}, guards: append([]in{inOrderCurrency}, recurringParams[:]...)},
	{path: "/get3dsecver2/get3dsecver2.cfm", sheet: secureSheet, format: FormatCSV, second: onPayment, handle: (*Gateway).continuePayment,
		needs: []in{inBillNumber}, takes: append([]in{inLanguage, inClientIP}, browserParams...)},
	{path: "/pay/tokenpay.cfm", sheet: tokenSheet, format: FormatSOAP, second: onPayment, handle: (*Gateway).payToken,
		needs: []in{inOrderNumber, inOrderAmount, inPaymentToken},
		takes: slices.Concat([]in{inTokenType, inOrderCurrency, inOrderComment, inDelay, inLanguage, inClientIP, inCVC, inChequeItems,
			inListParameters, inTestMode}, buyerParams),
		exact: []in{inDelay}, guards: []in{inOrderCurrency}},
	{path: "/recurrent/rp.cfm", sheet: laterSheet, format: FormatCSV, second: onRecurring, handle: (*Gateway).later,
		needs: []in{inBillNumber, inOrderNumber},
		takes: []in{inAmount, inCurrency, inOrderComment, inLanguage, inClientIP, inTestMode, inChequeItems, inListParameters},
		exact: []in{inAmount, inCurrency}},
	{path: "/charge/charge.cfm", sheet: chargeSheet, format: FormatCSV, second: onConfirmation, handle: (*Gateway).charge,
		needs: []in{inBillNumber},
		takes: []in{inAmount, inCurrency, inLanguage, inClientIP, inAutoDeposit, inExternalConfirm, inChequeItems},
		exact: []in{inAmount, inCurrency, inAutoDeposit, inExternalConfirm}},
	{path: "/cancel/cancel.cfm", sheet: cancelSheet, format: FormatSOAP, second: onCancel, handle: (*Gateway).cancel,
		needs: []in{inBillNumber}, takes: cancelParams,
		exact: cancelExact},
	{path: "/cancel/wscancel.cfm", sheet: wsCancelSheet, format: FormatSOAP, second: onCancel, handle: (*Gateway).cancel,
		needs: []in{inBillNumber}, takes: cancelParams,
		exact: cancelExact},
	{path: "/orderstate/orderstate.cfm", sheet: orderStateSheet, format: FormatSOAP, second: onOrder, reads: true, handle: (*Gateway).orderState,
		needs: []in{inOrderNumber}, takes: periodParams},
	{path: "/orderresult/orderresult.cfm", sheet: orderResultSheet, format: FormatXML, second: onOrder, reads: true, handle: (*Gateway).orderResult,
		takes: slices.Concat([]in{inOrderNumber, inBillNumber}, periodParams)},
	{path: "/resultbydate/resultbydate.cfm", sheet: resultByDateSheet, format: FormatCSV, second: onService, reads: true, handle: (*Gateway).resultByDate,
		takes: slices.Concat(periodParams, filterParams, []in{inZipFlag}),
		exact: filterParams},
})

// Parameters that several services have.
var (
	credentialParams = []in{inMerchant, inLogin, inPassword}
	browserParams    = []in{inUserAgent, inAcceptHeader, inBrowserInfo}
	buyerParams      = []in{inLastName, inFirstName, inMiddleName, inEmail, inAddress, inHomePhone, inWorkPhone, inMobilePhone, inFax,
		inCountry, inState, inCity, inZip}
	recurringTaken = append([]in{inRecurringIndicator}, recurringParams[:]...)
	filterParams   = []in{inTestMode, inMeansType, inOperationState, inOperationType, inDateTimeMode}
	cancelParams   = []in{inAmount, inCurrency, inCancelReason, inLanguage, inClientIP, inExternalRefund, inChequeItems}
	cancelExact    = []in{inAmount, inCurrency, inExternalRefund}
	periodParams   = slices.Concat(fromParts[:], toParts[:], []in{inLanguage})

	// orderParams are those of an order for the payment page, besides Merchant_ID, OrderNumber and OrderAmount. Which of
	// them a service has no use for it takes without a word.
	orderParams = slices.Concat([]in{inOrderCurrency, inOrderComment, inDelay, inLanguage, inTestMode}, buyerParams,
		pageOrderParams, recurringTaken, []in{inRecurringCount, inRecurringPeriodScale, inChequeItems, inListParameters})
	pageOrderParams = []in{inSignature, inCheckvalue, inURLReturn, inURLReturnOK, inURLReturnNo, inCardPayment, inFastPayPayment,
		inMobileDevice, inCustomerNumber, inOrderMaxPoints, inDisable3DS, inPrepayment}
)

// prepared completes the table.
func prepared(table []service) []service {
	for i := range table {
		s := &table[i]
		s.needs = append(slices.Clone(credentialParams), s.needs...)
		s.takes = append(slices.Clone(s.takes), inFormat)
		s.accepts = takings(s.needs, s.takes, s.exact, s.guards)
		s.sheet.frames, s.sheet.documents = framesOf(s.sheet.soap), framesOf(s.sheet.soap.document())
	}
	return table
}
