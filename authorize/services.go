package authorize

import (
	"settled/authorize/protocol"
	"slices"
)

// services are the routes of the merchant API. All take POST.
var services = prepared([]service{
	{path: "/pay/silentpay.cfm", sheet: protocol.PaymentLayout, format: protocol.FormatCSV, second: protocol.OnNothing, handle: (*Gateway).pay,
		needs: []protocol.Parameter{protocol.InOrderNumber, protocol.InOrderAmount, protocol.InCardNumber, protocol.InExpireMonth,
			protocol.InExpireYear, protocol.InCVC},
		takes: slices.Concat([]protocol.Parameter{protocol.InOrderCurrency, protocol.InOrderComment, protocol.InDelay,
			protocol.InLanguage, protocol.InClientIP, protocol.InCardType, protocol.InCardholder,
			protocol.InChequeItems, protocol.InListParameters, protocol.InCustomerNumber}, protocol.RecurringParams, protocol.BuyerParams, protocol.BrowserParams),
		exact: []protocol.Parameter{protocol.InDelay, protocol.InRecurringIndicator}, guards: append([]protocol.Parameter{protocol.InOrderCurrency}, protocol.TermParams...)},
	{path: "/get3dsecver2/get3dsecver2.cfm", sheet: protocol.SecureLayout, format: protocol.FormatCSV, second: protocol.OnPayment, handle: (*Gateway).continuePayment,
		needs: []protocol.Parameter{protocol.InBillNumber}, takes: append([]protocol.Parameter{protocol.InLanguage, protocol.InClientIP}, protocol.BrowserParams...)},
	{path: "/pay/tokenpay.cfm", sheet: protocol.TokenLayout, format: protocol.FormatSOAP, second: protocol.OnPayment, handle: (*Gateway).payToken,
		needs: []protocol.Parameter{protocol.InOrderNumber, protocol.InOrderAmount, protocol.InPaymentToken},
		takes: slices.Concat([]protocol.Parameter{protocol.InTokenType, protocol.InOrderCurrency, protocol.InOrderComment,
			protocol.InDelay, protocol.InLanguage, protocol.InClientIP, protocol.InCVC, protocol.InChequeItems,
			protocol.InListParameters, protocol.InTestMode}, protocol.BuyerParams),
		exact: []protocol.Parameter{protocol.InDelay}, guards: []protocol.Parameter{protocol.InOrderCurrency}},
	{path: "/recurrent/rp.cfm", sheet: protocol.LaterLayout, format: protocol.FormatCSV, second: protocol.OnRecurring, handle: (*Gateway).later,
		needs: []protocol.Parameter{protocol.InBillNumber, protocol.InOrderNumber},
		takes: []protocol.Parameter{protocol.InAmount, protocol.InCurrency, protocol.InOrderComment, protocol.InLanguage,
			protocol.InClientIP, protocol.InTestMode, protocol.InChequeItems, protocol.InListParameters},
		exact: []protocol.Parameter{protocol.InAmount, protocol.InCurrency}},
	{path: "/charge/charge.cfm", sheet: protocol.ChargeLayout, format: protocol.FormatCSV, second: protocol.OnConfirmation, handle: (*Gateway).charge,
		needs: []protocol.Parameter{protocol.InBillNumber},
		takes: []protocol.Parameter{protocol.InAmount, protocol.InCurrency, protocol.InLanguage, protocol.InClientIP,
			protocol.InAutoDeposit, protocol.InExternalConfirm, protocol.InChequeItems},
		exact: []protocol.Parameter{protocol.InAmount, protocol.InCurrency, protocol.InAutoDeposit, protocol.InExternalConfirm}},
	{path: "/cancel/cancel.cfm", sheet: protocol.CancelLayout, format: protocol.FormatSOAP, second: protocol.OnCancel, handle: (*Gateway).cancel,
		needs: []protocol.Parameter{protocol.InBillNumber}, takes: cancelParams,
		exact: cancelExact},
	{path: "/cancel/wscancel.cfm", sheet: protocol.WSCancelLayout, format: protocol.FormatSOAP, second: protocol.OnCancel, handle: (*Gateway).cancel,
		needs: []protocol.Parameter{protocol.InBillNumber}, takes: cancelParams,
		exact: cancelExact},
	{path: "/orderstate/orderstate.cfm", sheet: protocol.OrderStateLayout, format: protocol.FormatSOAP, second: protocol.OnOrder, reads: true, handle: (*Gateway).orderState,
		needs: []protocol.Parameter{protocol.InOrderNumber}, takes: periodParams},
	{path: "/orderresult/orderresult.cfm", sheet: protocol.OrderResultLayout, format: protocol.FormatXML, second: protocol.OnOrder, reads: true, handle: (*Gateway).orderResult,
		takes: slices.Concat([]protocol.Parameter{protocol.InOrderNumber, protocol.InBillNumber}, periodParams)},
	{path: "/resultbydate/resultbydate.cfm", sheet: protocol.ResultByDateLayout, format: protocol.FormatCSV, second: protocol.OnService, reads: true, handle: (*Gateway).resultByDate,
		takes: slices.Concat(periodParams, protocol.FilterParams, []protocol.Parameter{protocol.InZipFlag}),
		exact: protocol.FilterParams},
})

// Parameters that several services have.
var (
	credentialParams = []protocol.Parameter{protocol.InMerchant, protocol.InLogin, protocol.InPassword}
	cancelParams     = []protocol.Parameter{protocol.InAmount, protocol.InCurrency, protocol.InCancelReason, protocol.InLanguage,
		protocol.InClientIP, protocol.InExternalRefund, protocol.InChequeItems}
	cancelExact  = []protocol.Parameter{protocol.InAmount, protocol.InCurrency, protocol.InExternalRefund}
	periodParams = slices.Concat(protocol.FromParts[:], protocol.ToParts[:], []protocol.Parameter{protocol.InLanguage})
)

// prepared completes the table.
func prepared(table []service) []service {
	for i := range table {
		s := &table[i]
		s.needs = append(slices.Clone(credentialParams), s.needs...)
		s.takes = append(slices.Clone(s.takes), protocol.InFormat)
		s.accepts = protocol.Takings(s.needs, s.takes, s.exact, s.guards)
	}
	return table
}
