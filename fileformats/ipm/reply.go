package ipm

import (
	"strconv"

	"settled/fileformats/iso8583"
)

// Fault is one group of a message error indicator (PDS 0005). Severities and codes have no public list: keep them as
// they are and map them per center.
type Fault struct {
	PDS      bool   // the element is private data, not a data element
	Element  uint16 // its number, at most 4 digits
	Severity uint8  // two digits
	Code     uint16 // four digits
	Subfield uint16 // three digits, 0 for the whole element
}

// String renders the element as on the wire, and the code: "P0105 0510".
func (f Fault) String() string {
	code := strconv.Itoa(int(f.Code))
	return string(f.element(nil)) + " " + "0000"[min(len(code), 4):] + code
}

func (f Fault) element(dst []byte) []byte {
	kind := byte('D')
	if f.PDS {
		kind = 'P'
	}
	return appendDigits(append(dst, kind), uint64(f.Element), 4)
}

func (f Fault) valid() bool {
	return f.Element <= 9999 && f.Severity <= 99 && f.Code <= 9999 && f.Subfield <= 999
}

const (
	faultSize = 14
	maxFaults = 10
)

func (f Fault) append(dst []byte) []byte {
	dst = f.element(dst)
	dst = appendDigits(dst, uint64(f.Severity), 2)
	dst = appendDigits(dst, uint64(f.Code), 4)
	return appendDigits(dst, uint64(f.Subfield), 3)
}

// parseFaults appends the 1-10 groups of v to dst. A data element may be marked D or, as one document has it, C.
func parseFaults(dst []Fault, v []byte) ([]Fault, bool) {
	if len(v) == 0 || len(v)%faultSize != 0 || len(v) > maxFaults*faultSize {
		return dst, false
	}
	for ; len(v) > 0; v = v[faultSize:] {
		element, ok1 := number(v[1:5])
		severity, ok2 := number(v[5:7])
		code, ok3 := number(v[7:11])
		subfield, ok4 := number(v[11:faultSize])
		if !ok1 || !ok2 || !ok3 || !ok4 || v[0] != 'D' && v[0] != 'C' && v[0] != 'P' {
			return dst, false
		}
		dst = append(dst, Fault{
			PDS: v[0] == 'P', Element: uint16(element), Severity: uint8(severity), Code: uint16(code), Subfield: uint16(subfield),
		})
	}
	return dst, true
}

// Exception is the refusal of one message (1644/691) or, of the whole file, because of one message (1644/699).
type Exception struct {
	Faults []Fault // 1-10
	Source FileID  // PDS 0280: our file
	// SourceMessage is the number of the faulty message (PDS 0138). Centers get it wrong on malformed input: when it is
	// not a message of the file, go by the ARN of the copy.
	SourceMessage int64
	// Copy is the refused message as the center saw it (DE 72), at most 999 bytes; nil when the center sent none.
	Copy []byte
}

// Original returns the presentment inside the copy. Copies come with a stray byte or two in front, and from files that
// somebody converted from EBCDIC as if they were text, which spoils bitmaps: both are undone. The slices of the record
// are its own. ok is false when there is no presentment to be found, for instance because the copy is of a header or
// was cut.
func (x *Exception) Original(p Profile) (rec Record, ok bool) {
	if rec, ok = original(x.Copy, p); ok {
		return rec, true
	}
	p.Charset = iso8583.CP037
	return original(iso8583.CP037.Untranslate(x.Copy), p)
}

// strayBytes is how many bytes may stand before the message in a copy.
const strayBytes = 2

func original(data []byte, p Profile) (rec Record, ok bool) {
	f := file{msg: p.spec().NewMessage(""), vbs: &vbs{}, profile: p}
	for skip := 0; skip <= strayBytes && skip < len(data); skip++ {
		if f.msg.Decode(data[skip:]) == nil && f.is(mtiPresentment, functionFirst) {
			return rec, f.presentment(&rec) == nil
		}
	}
	return rec, false
}

// Position is the center's account of one type of message of our file (1644/685): the positive side, from which
// acceptance is concluded. A credit is in our favor.
type Position struct {
	Source         FileID // PDS 0300: our file
	MTI            string // PDS 0372, with Function: "1240" and "200" are presentments
	Function       string
	ProcessingCode string // PDS 0374: two digits, "00" sale, "20" refund
	Reversal       bool   // PDS 0378: R rather than O
	Currency       uint16 // DE 50: ISO 4217 numeric, of the amounts
	Debits         Sum    // PDS 0390 and 0400
	Credits        Sum    // PDS 0391 and 0401
}

// Net returns what the position is worth to us (PDS 0394): credits less debits.
func (p *Position) Net() int64 { return p.Credits.Amount - p.Debits.Amount }

// Count returns the number of messages (PDS 0402).
func (p *Position) Count() int64 { return p.Credits.Count + p.Debits.Count }

// The private data of replies.
const (
	pdsFaults         = 5
	pdsSourceMessage  = 138
	pdsSourceFile     = 280
	pdsReconciledFile = 300
	pdsMessageKind    = 372
	pdsProcessing     = 374
	pdsOriginal       = 378
	pdsDebits         = 390
	pdsCredits        = 391
	pdsNet            = 394
	pdsDebitCount     = 400
	pdsCreditCount    = 401
	pdsTotalCount     = 402
)

const (
	amountWidth = 16
	countWidth  = 10
)

// reasonNoData is the message reason (DE 25) of a text that says that there is no data.
const reasonNoData = "6802"

// ReplyKind is what an entry of a reply says.
type ReplyKind uint8

// The kinds of reply.
const (
	// OtherMessage is any message that is none of the others: look at MTI and Function.
	OtherMessage ReplyKind = iota
	// FileReject: nothing of our file was processed. Correct it and send it under a new file id.
	FileReject
	// MessageException: one message of our file was refused, the others were processed.
	MessageException
	// PositionDetail: the center's count and sums of one type of message.
	PositionDetail
	// NoData: an empty cycle, which is no error.
	NoData
)

// Reply is one entry of a reply file.
type Reply struct {
	Kind      ReplyKind
	Message   int64  // number in the reply file (DE 71), as sent: centers repeat and skip numbers
	MTI       string // message type
	Function  string // DE 24
	Exception Exception
	Position  Position
	Text      string // NoData: what the center wrote
}
