package authorize

// Format is the format of an answer, numbered as on the wire.
type Format uint8

// The formats.
const (
	FormatCSV  Format = 1
	FormatXML  Format = 3
	FormatSOAP Format = 4
	FormatJSON Format = 5

	// formatSOAP12 answers requests in SOAP 1.2. It cannot be asked for by Format.
	formatSOAP12 Format = 12
)

// out is a field of an answer.
type out uint8

// The fields of all answers.
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
	outErrorCategory
	outAdvice
	outFraudState
	outFraudReason
	outOrderID
	outCustomerNumber
	outToken
	outCount
)

// outNames spells the fields as on the wire; outOrderBill is the bill number of the order, without an operation.
var outNames = [outCount]string{
	outOrderNumber:     "ordernumber",
	outResponseCode:    "responsecode",
	outRecommendation:  "recommendation",
	outMessage:         "message",
	outOrderComment:    "ordercomment",
	outOrderDate:       "orderdate",
	outAmount:          "amount",
	outCurrency:        "currency",
	outMeansType:       "meantypename",
	outMeansNumber:     "meannumber",
	outLastName:        "lastname",
	outFirstName:       "firstname",
	outMiddleName:      "middlename",
	outIssuer:          "issuebank",
	outEmail:           "email",
	outBankCountry:     "bankcountry",
	outRate:            "rate",
	outApprovalCode:    "approvalcode",
	outMeansSubtype:    "meansubtype",
	outCardholder:      "cardholder",
	outCardExpiry:      "cardexpirationdate",
	outIP:              "ipaddress",
	outProtocolType:    "protocoltypename",
	outTestMode:        "testmode",
	outCustomerMessage: "customermessage",
	outOrderState:      "orderstate",
	outProcessing:      "processingname",
	outOperationType:   "operationtype",
	outBillNumber:      "billnumber",
	outOrderAmount:     "orderamount",
	outOrderCurrency:   "ordercurrency",
	outSlip:            "slipno",
	outPacketDate:      "packetdate",
	outSignature:       "signature",
	outPareq:           "pareq",
	outACS:             "acsurl",
	outCheckValue:      "checkvalue",
	outOperationState:  "operationstate",
	outOperationDate:   "operationdate",
	outMeansTypeID:     "meantype_id",
	outOrderBill:       "billnumber",
	outTransactionType: "transactiontype",
	outNote:            "note",
	outErrorCode:       "errorcode",
	outClientIP:        "clientip",
	outAuthResult:      "authresult",
	outAuthRequired:    "authrequired",
	outCheque:          "chequeitems",
	outErrorCategory:   "errorcategory",
	outAdvice:          "merchantadvicecode",
	outFraudState:      "fraud_state",
	outFraudReason:     "fraud_reason",
	outOrderID:         "order_id",
	outCustomerNumber:  "customernumber",
	outToken:           "token",
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
	secure     []pair   // 3-D Secure of a payment that waits for it; nil: it does not
}

// pair is a value with its name on the wire.
type pair struct{ name, value string }

// answer is what a service says, before it has a format.
type answer struct {
	fault  *fault
	orders []told // oldest first
	// document tells that the request was one of the document style: a service that answers in the RPC style does not then.
	document bool
	file     *file // it is to be stored under this name; nil: as every answer
}
