package pcsim

// RejectCode is one row of the center's list of refusals: what PDS 0005 of a file reject (1644/699) or of a message
// exception (1644/691) says.
type RejectCode struct {
	// Code is the error code, four digits.
	Code string
	// Element is the element found wrong: D and a data element, or P and private data, with four digits.
	Element string
	// Class is what the reason means for automation: file, format, reference, amount, duplicate, account, merchant,
	// technical or timing.
	Class string
	// Means says it in words.
	Means string
}

// The refusals. Codes below 1000 refuse a whole file.
var (
	badFileID       = RejectCode{"0510", "P0105", "file", "file id: not 25 digits of type 002, our member id and a date within 31 days"}
	badSequence     = RejectCode{"0511", "P0105", "file", "sequence number is not the next one; the number stays expected"}
	duplicateFile   = RejectCode{"0512", "P0105", "file", "the identical file was processed already; its first reply stands"}
	reusedFileID    = RejectCode{"0513", "P0105", "file", "file id was used for a file with other content, or for a rejected one"}
	noHeader        = RejectCode{"0520", "D0024", "file", "the first message is no file header (1644/697)"}
	noTrailer       = RejectCode{"0521", "D0024", "file", "the last message is no trailer (1644/695)"}
	badNumber       = RejectCode{"0522", "D0071", "file", "message number is not one more than its predecessor's, from 1"}
	badChecksum     = RejectCode{"0523", "P0301", "file", "amount checksum is not the sum of the amounts"}
	badCount        = RejectCode{"0524", "P0306", "file", "message count is not the number of messages"}
	otherTrailer    = RejectCode{"0525", "P0105", "file", "the trailer names another file"}
	unreadable      = RejectCode{"0530", "D0000", "file", "the file ends early, has bytes after its end, or holds a message that cannot be read"}
	fileFault       = RejectCode{"0599", "D0000", "file", "fault of the center: the file is to be sent again"}
	badMessage      = RejectCode{"1001", "D0024", "format", "not a first presentment (1240/200) of a sale or a credit"}
	badARN          = RejectCode{"1002", "D0031", "format", "reference data missing or check digit wrong"}
	badOriginator   = RejectCode{"1003", "D0094", "format", "originator is not our member id"}
	noAmount        = RejectCode{"1004", "D0004", "format", "amount missing or zero"}
	badReversal     = RejectCode{"1005", "P0025", "format", "reversal mark is not R with an optional date"}
	noReference     = RejectCode{"2001", "D0037", "reference", "no approved authorization, or no accepted sale, with this reference number"}
	wrongApproval   = RejectCode{"2002", "D0038", "reference", "approval code differs from the authorization's"}
	wrongCard       = RejectCode{"2003", "D0002", "reference", "card differs from the authorization's"}
	noOriginal      = RejectCode{"2004", "D0031", "reference", "no accepted record to reverse under this reference data, or its fields differ"}
	wrongLevel      = RejectCode{"2005", "P0052", "reference", "security level differs from the authorization's"}
	wrongLifeCycle  = RejectCode{"2006", "D0063", "reference", "trace id differs from the authorization's network transaction id"}
	tooMuch         = RejectCode{"3001", "D0004", "amount", "more than is left of the authorization, or of the sale for a credit"}
	wrongCurrency   = RejectCode{"3002", "D0049", "amount", "currency unknown, or differs from the authorization's"}
	duplicate       = RejectCode{"4001", "D0031", "duplicate", "this record was accepted or reversed already"}
	badPAN          = RejectCode{"5001", "D0002", "account", "card number missing or check digit wrong"}
	accountClosed   = RejectCode{"5002", "D0002", "account", "account closed: credit not possible"}
	badMerchant     = RejectCode{"6001", "D0042", "merchant", "merchant or terminal not set up for this record"}
	centerFault     = RejectCode{"7001", "D0000", "technical", "fault of the center: present again"}
	latePresentment = RejectCode{"8001", "D0012", "timing", "presented too late for the issuer"}
)

// RejectCodes returns every refusal of the center.
func RejectCodes() []RejectCode {
	return []RejectCode{
		badFileID, badSequence, duplicateFile, reusedFileID, noHeader, noTrailer, badNumber, badChecksum, badCount,
		otherTrailer, unreadable, fileFault,
		badMessage, badARN, badOriginator, noAmount, badReversal,
		noReference, wrongApproval, wrongCard, noOriginal, wrongLevel, wrongLifeCycle,
		tooMuch, wrongCurrency, duplicate, badPAN, accountClosed, badMerchant, centerFault, latePresentment,
	}
}

// seededRejects is the mix of refusals that the center draws for correct records, in shares that sum to 1.
var seededRejects = []struct {
	code  RejectCode
	share float64
}{
	{centerFault, 0.40}, {latePresentment, 0.25}, {badMerchant, 0.20}, {noReference, 0.15},
}

// indicator is PDS 0005 for one refusal: element, severity, code, subfield.
func (r RejectCode) indicator() string { return r.Element + "00" + r.Code + "000" }
