package protocol

// Field is a field of an answer.
type Field uint8

// The fields of all answers.
const (
	OutOrderNumber Field = iota
	OutResponseCode
	OutRecommendation
	OutMessage
	OutOrderComment
	OutOrderDate
	OutAmount
	OutCurrency
	OutMeansType
	OutMeansNumber
	OutLastName
	OutFirstName
	OutMiddleName
	OutIssuer
	OutEmail
	OutBankCountry
	OutRate
	OutApprovalCode
	OutMeansSubtype
	OutCardholder
	OutCardExpiry
	OutIP
	OutProtocolType
	OutTestMode
	OutCustomerMessage
	OutOrderState
	OutProcessing
	OutOperationType
	OutBillNumber
	OutOrderAmount
	OutOrderCurrency
	OutSlip
	OutPacketDate
	OutSignature
	outPareq
	outACS
	OutCheckValue
	OutOperationState
	OutOperationDate
	OutMeansTypeID
	OutOrderBill
	OutTransactionType
	OutNote
	OutErrorCode
	OutClientIP
	OutAuthResult
	OutAuthRequired
	OutCheque
	outErrorCategory
	outAdvice
	outFraudState
	outFraudReason
	OutOrderID
	OutCustomerNumber
	OutToken
	outCount
)

// outNames spells the fields as on the wire; OutOrderBill is the bill number of the order, without an operation.
var outNames = [outCount]string{
	OutOrderNumber:     "ordernumber",
	OutResponseCode:    "responsecode",
	OutRecommendation:  "recommendation",
	OutMessage:         "message",
	OutOrderComment:    "ordercomment",
	OutOrderDate:       "orderdate",
	OutAmount:          "amount",
	OutCurrency:        "currency",
	OutMeansType:       "meantypename",
	OutMeansNumber:     "meannumber",
	OutLastName:        "lastname",
	OutFirstName:       "firstname",
	OutMiddleName:      "middlename",
	OutIssuer:          "issuebank",
	OutEmail:           "email",
	OutBankCountry:     "bankcountry",
	OutRate:            "rate",
	OutApprovalCode:    "approvalcode",
	OutMeansSubtype:    "meansubtype",
	OutCardholder:      "cardholder",
	OutCardExpiry:      "cardexpirationdate",
	OutIP:              "ipaddress",
	OutProtocolType:    "protocoltypename",
	OutTestMode:        "testmode",
	OutCustomerMessage: "customermessage",
	OutOrderState:      "orderstate",
	OutProcessing:      "processingname",
	OutOperationType:   "operationtype",
	OutBillNumber:      "billnumber",
	OutOrderAmount:     "orderamount",
	OutOrderCurrency:   "ordercurrency",
	OutSlip:            "slipno",
	OutPacketDate:      "packetdate",
	OutSignature:       "signature",
	outPareq:           "pareq",
	outACS:             "acsurl",
	OutCheckValue:      "checkvalue",
	OutOperationState:  "operationstate",
	OutOperationDate:   "operationdate",
	OutMeansTypeID:     "meantype_id",
	OutOrderBill:       "billnumber",
	OutTransactionType: "transactiontype",
	OutNote:            "note",
	OutErrorCode:       "errorcode",
	OutClientIP:        "clientip",
	OutAuthResult:      "authresult",
	OutAuthRequired:    "authrequired",
	OutCheque:          "chequeitems",
	outErrorCategory:   "errorcategory",
	outAdvice:          "merchantadvicecode",
	outFraudState:      "fraud_state",
	outFraudReason:     "fraud_reason",
	OutOrderID:         "order_id",
	OutCustomerNumber:  "customernumber",
	OutToken:           "token",
}

// Name spells the field as on the wire.
func (f Field) Name() string { return outNames[f] }

// numeric fields are numbers in JSON.
var numeric = [outCount]bool{OutAmount: true, OutRate: true, OutTestMode: true, OutOperationType: true, OutOrderAmount: true,
	OutMeansTypeID: true}

// Row holds the values of an order's answer as text. An empty value is an empty element, not an absent one.
type Row [outCount]string

// Entry is an order in an answer. Most services tell one operation of it, in the order's own row.
type Entry struct {
	Row
	Operations []Row       // of a service that tells all of them; nil: the row is the operation's, too
	Secure     *SecureData // 3-D Secure of a payment that waits for it; nil: it does not
}

// Answer is what a service says, before it has a format.
type Answer struct {
	Fault  *Fault
	Orders []Entry // oldest first
	// Document tells that the request was one of the document style: a service of the RPC style then answers in that style, too.
	Document bool
	File     *File // it is to be stored under this name; nil: as every answer
}
