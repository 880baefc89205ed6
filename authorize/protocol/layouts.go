package protocol

import "slices"

// Layout is the layout of a service's answers: which fields, in which order, in which sections.
type Layout struct {
	root      string  // JSON root
	flat      []Field // XML: the order's fields in one row; nil: in the sections of JSON
	order     []Field // JSON: the order's fields
	customer  []Field // JSON: "customer"; nil: none
	operation []Field // fields of each operation; nil: the order's fields say it all
	check     []Field // JSON: "checkdata"; nil: none
	nested    bool    // JSON: the order stands in an "order" of the root
	list      bool    // JSON: orders stand in an "orders" of the root, also a single one
	wrapped   bool    // XML: orders stand in an "orders" of the root
	secure    bool    // orders may have the 3-D Secure that they wait for
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
var flatFields = []Field{OutOrderNumber, OutResponseCode, OutRecommendation, OutMessage, OutOrderComment, OutOrderDate, OutAmount, OutCurrency,
	OutMeansType, OutMeansNumber, OutLastName, OutFirstName, OutMiddleName, OutIssuer, OutEmail, OutBankCountry, OutRate,
	OutApprovalCode, OutMeansSubtype, OutCardholder, OutCardExpiry, OutIP, OutProtocolType, OutTestMode, OutCustomerMessage,
	OutOrderState, OutProcessing, OutOperationType, OutBillNumber, OutOrderAmount, OutOrderCurrency, OutSlip, OutPacketDate,
	OutSignature, outPareq, outACS}

var customerFields = []Field{OutFirstName, OutLastName, OutMiddleName, OutEmail, OutIP}

var checkFields = []Field{OutPacketDate, OutSignature, OutCheckValue}

// operationFields are the keys of a flat JSON answer: all flat fields but those of customerFields and of 3-D Secure.
var operationFields = []Field{OutOrderNumber, OutResponseCode, OutRecommendation, OutMessage, OutOrderComment, OutOrderDate, OutAmount,
	OutCurrency, OutMeansType, OutMeansNumber, OutIssuer, OutBankCountry, OutRate, OutApprovalCode, OutMeansSubtype, OutCardholder,
	OutCardExpiry, OutProtocolType, OutTestMode, OutCustomerMessage, OutOrderState, OutProcessing, OutOperationType,
	OutBillNumber, OutOrderAmount, OutOrderCurrency, OutSlip, OutPacketDate, OutSignature}

// framed makes what stands around the answers of a layout in SOAP.
func framed(s *Layout) *Layout {
	s.frames, s.documents = framesOf(s.soap), framesOf(s.soap.document())
	return s
}

// flatLayout is the layout of one operation with its order in one row.
func flatLayout(root string, soap soap, more ...Field) *Layout {
	return framed(&Layout{root: root, flat: flatFields, order: append(slices.Clone(operationFields), more...), customer: customerFields,
		wrapped: true, dtd: dtd(flatFields, false), soap: soap})
}

// secured lets the orders of a layout tell the 3-D Secure that they wait for.
func (s *Layout) secured() *Layout {
	s.secure, s.dtd = true, dtd(flatFields, true)
	return s
}

// rpc names a flat service of the first generation.
func rpc(request string) soap {
	return soap{request: request, response: request + "Response", inner: "return", bare: true, encoded: true}
}

// periodFields are told of each operation of a period, with its order.
var periodFields = []Field{OutBillNumber, OutOrderNumber, OutTestMode, OutOrderComment, OutOrderAmount, OutOrderCurrency, OutFirstName,
	OutLastName, OutMiddleName, OutEmail, OutOrderDate, OutOrderState, OutErrorCode, OutPacketDate, OutSignature, OutOperationType,
	OutOperationState, OutAmount, OutCurrency, OutIP, OutMeansTypeID, OutMeansType, OutMeansSubtype, OutMeansNumber, OutCardholder,
	OutCardExpiry, OutIssuer, OutBankCountry, OutRate, OutResponseCode, OutMessage, OutCustomerMessage, OutRecommendation,
	OutApprovalCode, OutProtocolType, OutProcessing, OutOperationDate, OutSlip}

// The layouts of the services.
var (
	PaymentLayout = flatLayout("silentpay", soap{request: "SilentPay", response: "SilentPayResponse", inner: "return", bare: true},
		OutCustomerNumber, OutToken).secured()
	SecureLayout = flatLayout("get3dsecver2", soap{request: "Get3DSecVer2", response: "Get3DSecVer2Response", inner: "return", bare: true},
		OutCustomerNumber, OutToken).secured()
	LaterLayout = flatLayout("rp", rpc("RecurrentPayment"))
	TokenLayout = framed(&Layout{root: "tokenpay", nested: true,
		soap: soap{request: "PaymentTokenRequestParams", response: "PaymentTokenResponseParams"},
		flat: []Field{OutOrderNumber, OutOrderBill, OutTestMode, OutOrderComment, OutOrderAmount, OutOrderCurrency, OutFirstName,
			OutLastName, OutMiddleName, OutEmail, OutOrderState, OutOrderDate, outFraudState, outFraudReason, OutCheckValue, OutOrderID,
			OutCustomerNumber, OutToken},
		order: []Field{OutOrderNumber, OutOrderBill, OutTestMode, OutOrderComment, OutOrderAmount, OutOrderCurrency, OutOrderState,
			OutOrderDate, outFraudState, outFraudReason, OutCheckValue, OutOrderID, OutCustomerNumber, OutToken},
		customer: []Field{OutFirstName, OutLastName, OutMiddleName, OutEmail},
		operation: []Field{OutBillNumber, OutOperationType, OutOperationState, OutAmount, OutCurrency, OutClientIP, OutIP, OutMeansTypeID,
			OutMeansType, OutMeansSubtype, OutMeansNumber, OutCardholder, OutCardExpiry, OutIssuer, OutBankCountry, OutResponseCode,
			OutMessage, OutCustomerMessage, OutRecommendation, OutApprovalCode, OutProtocolType, OutProcessing, OutOperationDate,
			OutAuthResult, OutAuthRequired, OutSlip},
		check: []Field{OutPacketDate, OutSignature}})
	ChargeLayout   = flatLayout("charge", rpc("MakeCharge"))
	CancelLayout   = flatLayout("cancel", rpc("MakeCancel"), OutTransactionType, OutNote)
	WSCancelLayout = framed(&Layout{root: "wscancel", nested: true,
		soap: soap{request: "WSCancelRequestParams", response: "WSCancelResponseParams"},
		order: []Field{OutOrderBill, OutOrderNumber, OutTestMode, OutOrderComment, OutOrderAmount, OutOrderCurrency, OutRate,
			OutOrderDate, OutOrderState},
		customer: []Field{OutFirstName, OutLastName, OutMiddleName, OutEmail},
		operation: []Field{OutBillNumber, OutOperationType, OutOperationState, OutAmount, OutCurrency, OutIP, OutMeansTypeID,
			OutMeansSubtype, OutMeansNumber, OutCardholder, OutCardExpiry, OutIssuer, OutBankCountry, OutResponseCode, OutMessage,
			OutCustomerMessage, OutRecommendation, OutApprovalCode, OutProtocolType, OutProcessing, OutOperationDate, OutSlip,
			OutTransactionType, OutNote},
		check: checkFields})
	OrderStateLayout = framed(&Layout{root: "orderstate",
		soap: soap{request: "orderstate", response: "orderstateResponse", inner: "orderstate", minutes: true},
		flat: []Field{OutOrderNumber, OutOrderBill, OutOrderAmount, OutOrderCurrency, OutOrderState, OutPacketDate, OutSignature,
			OutCheckValue},
		order: []Field{OutOrderNumber, OutOrderBill, OutOrderAmount, OutOrderCurrency, OutOrderState},
		check: checkFields})
	OrderResultLayout = framed(&Layout{root: "orderresult", list: true,
		soap: soap{request: "orderresult", response: "orderresultResponse", inner: "orderresult", minutes: true},
		flat: []Field{OutOrderBill, OutOrderNumber, OutTestMode, OutOrderComment, OutOrderAmount, OutOrderCurrency, OutFirstName,
			OutLastName, OutMiddleName, OutEmail, OutOrderDate, OutOrderState, OutErrorCode, outErrorCategory, outAdvice,
			OutPacketDate, OutSignature, OutCheckValue},
		order: []Field{OutOrderBill, OutOrderNumber, OutTestMode, OutOrderComment, OutOrderAmount, OutOrderCurrency, OutOrderDate,
			OutOrderState, OutErrorCode, outErrorCategory, outAdvice, OutCustomerNumber, OutToken},
		customer: []Field{OutFirstName, OutLastName, OutMiddleName, OutEmail},
		operation: []Field{OutBillNumber, OutOperationType, OutOperationState, OutAmount, OutCurrency, OutIP, OutClientIP,
			OutMeansTypeID, OutMeansType, OutMeansSubtype, OutMeansNumber, OutCardholder, OutCardExpiry, OutIssuer, OutBankCountry,
			OutResponseCode, OutMessage, OutCustomerMessage, OutRecommendation, OutApprovalCode, OutProtocolType, OutProcessing,
			OutOperationDate, OutAuthResult, OutAuthRequired, OutSlip, OutCheque, OutTransactionType, OutNote},
		check: checkFields})
	ResultByDateLayout = framed(&Layout{root: "resultbydate", list: true, wrapped: true,
		soap: soap{request: "resultbydate", response: "resultbydateResponse", inner: "resultbydate"},
		flat: periodFields, order: periodFields})
)
