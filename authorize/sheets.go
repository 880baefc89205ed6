package authorize

import "slices"

// sheet is the layout of a service's answers: which fields, in which order, in which sections.
type sheet struct {
	root      string // JSON root
	flat      []out  // XML: the order's fields in one row; nil: in the sections of JSON
	order     []out  // JSON: the order's fields
	customer  []out  // JSON: "customer"; nil: none
	operation []out  // fields of each operation; nil: the order's fields say it all
	check     []out  // JSON: "checkdata"; nil: none
	nested    bool   // JSON: the order stands in an "order" of the root
	list      bool   // JSON: orders stand in an "orders" of the root, also a single one
	wrapped   bool   // XML: orders stand in an "orders" of the root
	secure    bool   // orders may have the 3-D Secure that they wait for
	dtd       []byte
	soap      soap

	frames    [2]frame // what stands around answers in SOAP 1.1 and 1.2; made of the above
	documents [2]frame // the same in the document style
}

// soap names what a service is in SOAP.
type soap struct {
	request  string // element in the body of a request
	response string // element in the body of an answer
	inner    string // element in that, around the orders; empty: none
	bare     bool   // the fields of the one order stand there themselves; else in an "order"
	encoded  bool   // RPC style: each field carries its type
	minutes  bool   // packetdate has no seconds
}

// documentRequest ends the name of a request in the document style to a service of the RPC style.
const documentRequest = "RequestParams"

// document names the service in the document style, which current tools of Java and .NET demand.
func (s soap) document() soap {
	if !s.encoded {
		return s
	}
	s.encoded = false
	s.request, s.response = s.request+documentRequest, s.request+"ResponseParams"
	return s
}

// flatFields are the fields of a flat answer, which tells one operation with its order.
var flatFields = []out{outOrderNumber, outResponseCode, outRecommendation, outMessage, outOrderComment, outOrderDate, outAmount, outCurrency,
	outMeansType, outMeansNumber, outLastName, outFirstName, outMiddleName, outIssuer, outEmail, outBankCountry, outRate,
	outApprovalCode, outMeansSubtype, outCardholder, outCardExpiry, outIP, outProtocolType, outTestMode, outCustomerMessage,
	outOrderState, outProcessing, outOperationType, outBillNumber, outOrderAmount, outOrderCurrency, outSlip, outPacketDate,
	outSignature, outPareq, outACS}

var customerFields = []out{outFirstName, outLastName, outMiddleName, outEmail, outIP}

var checkFields = []out{outPacketDate, outSignature, outCheckValue}

// operationFields are the keys of a flat JSON answer: every one of the flat fields but the customer's and 3-D Secure's.
var operationFields = []out{outOrderNumber, outResponseCode, outRecommendation, outMessage, outOrderComment, outOrderDate, outAmount,
	outCurrency, outMeansType, outMeansNumber, outIssuer, outBankCountry, outRate, outApprovalCode, outMeansSubtype, outCardholder,
	outCardExpiry, outProtocolType, outTestMode, outCustomerMessage, outOrderState, outProcessing, outOperationType,
	outBillNumber, outOrderAmount, outOrderCurrency, outSlip, outPacketDate, outSignature}

// flatSheet is the layout of one operation with its order in one row.
func flatSheet(root string, soap soap, more ...out) *sheet {
	return &sheet{root: root, flat: flatFields, order: append(slices.Clone(operationFields), more...), customer: customerFields,
		wrapped: true, dtd: dtd(flatFields, false), soap: soap}
}

// secured lets the orders of a layout tell the 3-D Secure that they wait for.
func (s *sheet) secured() *sheet {
	s.secure, s.dtd = true, dtd(flatFields, true)
	return s
}

// rpc names a flat service of the first generation.
func rpc(request string) soap {
	return soap{request: request, response: request + "Response", inner: "return", bare: true, encoded: true}
}

// periodFields are told of each operation of a period, with its order.
var periodFields = []out{outBillNumber, outOrderNumber, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outFirstName,
	outLastName, outMiddleName, outEmail, outOrderDate, outOrderState, outErrorCode, outPacketDate, outSignature, outOperationType,
	outOperationState, outAmount, outCurrency, outIP, outMeansTypeID, outMeansType, outMeansSubtype, outMeansNumber, outCardholder,
	outCardExpiry, outIssuer, outBankCountry, outRate, outResponseCode, outMessage, outCustomerMessage, outRecommendation,
	outApprovalCode, outProtocolType, outProcessing, outOperationDate, outSlip}

// The layouts of the services.
var (
	paymentSheet = flatSheet("silentpay", soap{request: "SilentPay", response: "SilentPayResponse", inner: "return", bare: true},
		outCustomerNumber, outToken).secured()
	secureSheet = flatSheet("get3dsecver2", soap{request: "Get3DSecVer2", response: "Get3DSecVer2Response", inner: "return", bare: true},
		outCustomerNumber, outToken).secured()
	laterSheet = flatSheet("rp", rpc("RecurrentPayment"))
	tokenSheet = &sheet{root: "tokenpay", nested: true,
		soap: soap{request: "PaymentTokenRequestParams", response: "PaymentTokenResponseParams"},
		flat: []out{outOrderNumber, outOrderBill, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outFirstName,
			outLastName, outMiddleName, outEmail, outOrderState, outOrderDate, outFraudState, outFraudReason, outCheckValue, outOrderID,
			outCustomerNumber, outToken},
		order: []out{outOrderNumber, outOrderBill, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outOrderState,
			outOrderDate, outFraudState, outFraudReason, outCheckValue, outOrderID, outCustomerNumber, outToken},
		customer: []out{outFirstName, outLastName, outMiddleName, outEmail},
		operation: []out{outBillNumber, outOperationType, outOperationState, outAmount, outCurrency, outClientIP, outIP, outMeansTypeID,
			outMeansType, outMeansSubtype, outMeansNumber, outCardholder, outCardExpiry, outIssuer, outBankCountry, outResponseCode,
			outMessage, outCustomerMessage, outRecommendation, outApprovalCode, outProtocolType, outProcessing, outOperationDate,
			outAuthResult, outAuthRequired, outSlip},
		check: []out{outPacketDate, outSignature}}
	chargeSheet   = flatSheet("charge", rpc("MakeCharge"))
	cancelSheet   = flatSheet("cancel", rpc("MakeCancel"), outTransactionType, outNote)
	wsCancelSheet = &sheet{root: "wscancel", nested: true,
		soap: soap{request: "WSCancelRequestParams", response: "WSCancelResponseParams"},
		order: []out{outOrderBill, outOrderNumber, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outRate,
			outOrderDate, outOrderState},
		customer: []out{outFirstName, outLastName, outMiddleName, outEmail},
		operation: []out{outBillNumber, outOperationType, outOperationState, outAmount, outCurrency, outIP, outMeansTypeID,
			outMeansSubtype, outMeansNumber, outCardholder, outCardExpiry, outIssuer, outBankCountry, outResponseCode, outMessage,
			outCustomerMessage, outRecommendation, outApprovalCode, outProtocolType, outProcessing, outOperationDate, outSlip,
			outTransactionType, outNote},
		check: checkFields}
	orderStateSheet = &sheet{root: "orderstate",
		soap: soap{request: "orderstate", response: "orderstateResponse", inner: "orderstate", minutes: true},
		flat: []out{outOrderNumber, outOrderBill, outOrderAmount, outOrderCurrency, outOrderState, outPacketDate, outSignature,
			outCheckValue},
		order: []out{outOrderNumber, outOrderBill, outOrderAmount, outOrderCurrency, outOrderState},
		check: checkFields}
	orderResultSheet = &sheet{root: "orderresult", list: true,
		soap: soap{request: "orderresult", response: "orderresultResponse", inner: "orderresult", minutes: true},
		flat: []out{outOrderBill, outOrderNumber, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outFirstName,
			outLastName, outMiddleName, outEmail, outOrderDate, outOrderState, outErrorCode, outErrorCategory, outAdvice,
			outPacketDate, outSignature, outCheckValue},
		order: []out{outOrderBill, outOrderNumber, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outOrderDate,
			outOrderState, outErrorCode, outErrorCategory, outAdvice, outCustomerNumber, outToken},
		customer: []out{outFirstName, outLastName, outMiddleName, outEmail},
		operation: []out{outBillNumber, outOperationType, outOperationState, outAmount, outCurrency, outIP, outClientIP,
			outMeansTypeID, outMeansType, outMeansSubtype, outMeansNumber, outCardholder, outCardExpiry, outIssuer, outBankCountry,
			outResponseCode, outMessage, outCustomerMessage, outRecommendation, outApprovalCode, outProtocolType, outProcessing,
			outOperationDate, outAuthResult, outAuthRequired, outSlip, outCheque, outTransactionType, outNote},
		check: checkFields}
	resultByDateSheet = &sheet{root: "resultbydate", list: true, wrapped: true,
		soap: soap{request: "resultbydate", response: "resultbydateResponse", inner: "resultbydate"},
		flat: periodFields, order: periodFields}
)
