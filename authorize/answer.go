package authorize

import (
	"slices"
)

// Format is the format of an answer, numbered as on the wire.
type Format uint8

// The formats that are served. CSV (1) and SOAP (4) of the protocol are not.
const (
	FormatXML  Format = 3
	FormatJSON Format = 5
)

// out is a field of an answer.
type out uint8

// The fields of all answers, in the order of the flat answer first.
const (
	outOrderNumber out = iota
	outResponseCode
	outRecommendation
	outMessage
	outOrderComment
	outOrderDate
	outAmount
	outCurrency
	outMeansType
	outMeansNumber
	outLastName
	outFirstName
	outMiddleName
	outIssuer
	outEmail
	outBankCountry
	outRate
	outApprovalCode
	outMeansSubtype
	outCardholder
	outCardExpiry
	outIP
	outProtocolType
	outTestMode
	outCustomerMessage
	outOrderState
	outProcessing
	outOperationType
	outBillNumber
	outOrderAmount
	outOrderCurrency
	outSlip
	outPacketDate
	outSignature
	outPareq
	outACS
	outCheckValue
	outOperationState
	outOperationDate
	outMeansTypeID
	outOrderBill
	outTransactionType
	outNote
	outErrorCode
	outClientIP
	outAuthResult
	outAuthRequired
	outCheque
	outCount
)

// outNames spells the fields as on the wire; outOrderBill is the bill number of the order, without an operation.
var outNames = [outCount]string{
	"ordernumber", "responsecode", "recommendation", "message", "ordercomment", "orderdate", "amount", "currency",
	"meantypename", "meannumber", "lastname", "firstname", "middlename", "issuebank", "email", "bankcountry", "rate",
	"approvalcode", "meansubtype", "cardholder", "cardexpirationdate", "ipaddress", "protocoltypename", "testmode",
	"customermessage", "orderstate", "processingname", "operationtype", "billnumber", "orderamount", "ordercurrency", "slipno",
	"packetdate", "signature", "pareq", "acsurl", "checkvalue", "operationstate", "operationdate", "meantype_id", "billnumber",
	"transactiontype", "note", "errorcode", "clientip", "authresult", "authrequired", "chequeitems",
}

// numeric fields are numbers in JSON.
var numeric = [outCount]bool{outAmount: true, outRate: true, outTestMode: true, outOperationType: true, outOrderAmount: true,
	outMeansTypeID: true}

// record holds the values of an order's answer as text. An empty value is an empty element, not an absent one.
type record [outCount]string

// told is an order in an answer. Most services tell one operation of it, in the order's own record.
type told struct {
	record
	operations []record // of a service that tells all of them; nil: the record is the operation's, too
}

// answer is what a service says, before it has a format.
type answer struct {
	fault  *fault
	orders []told // oldest first; when there is no fault, at least one
}

// one answers with a single operation of a single order.
func one(r record) *answer { return &answer{orders: []told{{record: r}}} }

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
	dtd       []byte
}

var flatFields = fields(outOrderNumber, outACS)

// fields returns the fields from first to last.
func fields(first, last out) []out {
	var f []out
	for n := first; n <= last; n++ {
		f = append(f, n)
	}
	return f
}

var customerFields = []out{outFirstName, outLastName, outMiddleName, outEmail, outIP}

var checkFields = []out{outPacketDate, outSignature, outCheckValue}

// operationFields are the keys of a flat JSON answer: every one of the flat fields but the customer's and 3-D Secure's.
var operationFields = slices.DeleteFunc(fields(outOrderNumber, outSignature), func(f out) bool { return slices.Contains(customerFields, f) })

func flatSheet(root string, more ...out) *sheet {
	return &sheet{root: root, flat: flatFields, order: append(slices.Clone(operationFields), more...), customer: customerFields,
		wrapped: true, dtd: dtd(flatFields)}
}

// The layouts of the services.
var (
	paymentSheet  = flatSheet("silentpay")
	chargeSheet   = flatSheet("charge")
	cancelSheet   = flatSheet("cancel", outTransactionType, outNote)
	wsCancelSheet = &sheet{root: "wscancel", nested: true,
		order: []out{outOrderBill, outOrderNumber, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outRate,
			outOrderDate, outOrderState},
		customer: []out{outFirstName, outLastName, outMiddleName, outEmail},
		operation: []out{outBillNumber, outOperationType, outOperationState, outAmount, outCurrency, outIP, outMeansTypeID,
			outMeansSubtype, outMeansNumber, outCardholder, outCardExpiry, outIssuer, outBankCountry, outResponseCode, outMessage,
			outCustomerMessage, outRecommendation, outApprovalCode, outProtocolType, outProcessing, outOperationDate, outSlip,
			outTransactionType, outNote},
		check: checkFields}
	orderStateSheet = &sheet{root: "orderstate",
		flat: []out{outOrderNumber, outOrderBill, outOrderAmount, outOrderCurrency, outOrderState, outPacketDate, outSignature,
			outCheckValue},
		order: []out{outOrderNumber, outOrderBill, outOrderAmount, outOrderCurrency, outOrderState},
		check: checkFields}
	orderResultSheet = &sheet{root: "orderresult", list: true,
		flat: []out{outOrderBill, outOrderNumber, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outFirstName,
			outLastName, outMiddleName, outEmail, outOrderDate, outOrderState, outErrorCode, outPacketDate, outSignature, outCheckValue},
		order: []out{outOrderBill, outOrderNumber, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outOrderDate,
			outOrderState, outErrorCode},
		customer: []out{outFirstName, outLastName, outMiddleName, outEmail},
		operation: []out{outBillNumber, outOperationType, outOperationState, outAmount, outCurrency, outIP, outClientIP,
			outMeansTypeID, outMeansType, outMeansSubtype, outMeansNumber, outCardholder, outCardExpiry, outIssuer, outBankCountry,
			outResponseCode, outMessage, outCustomerMessage, outRecommendation, outApprovalCode, outProtocolType, outProcessing,
			outOperationDate, outAuthResult, outAuthRequired, outSlip, outCheque, outTransactionType, outNote},
		check: checkFields}
)
