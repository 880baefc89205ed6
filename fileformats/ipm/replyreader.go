package ipm

import "io"

// ReplyReader reads a center's reply. It is not safe for concurrent use.
type ReplyReader struct {
	f      file
	faults []Fault
}

// NewReplyReader returns a reader of the reply in r, which has the form of the profile. Message numbers are not compared
// unless Options.Strict.
func NewReplyReader(r io.Reader, p Profile, o Options) *ReplyReader {
	return &ReplyReader{f: newFile(r, p, o)}
}

// Read sets reply to the next entry; its slices are valid until the following call. It returns io.EOF after a trailer
// whose totals agree with the file. Every other error is an [*Error]; as with [Reader.Read], one about a single entry
// lets the following ones be read.
func (r *ReplyReader) Read(reply *Reply) error {
	if err := r.f.next(); err != nil {
		return err
	}
	m := r.f.msg
	*reply = Reply{MTI: m.MTI(), Function: m.Text(24)}
	reply.Message, _ = m.Int(71)
	if reply.MTI != mtiFile {
		return nil
	}
	switch reply.Function {
	case functionReject:
		reply.Kind = FileReject
		return r.exception(&reply.Exception)
	case functionMessage:
		reply.Kind = MessageException
		return r.exception(&reply.Exception)
	case functionPosition:
		reply.Kind = PositionDetail
		return r.position(&reply.Position)
	case functionText:
		reply.Kind = NoData
		reply.Text = m.Spec().Charset().Decode(m.Bytes(72))
	}
	return nil
}

// File returns the name and the mode of the reply, known after the first Read.
func (r *ReplyReader) File() (FileID, Mode) { return r.f.id, r.f.mode }

// Raw returns the bytes of the current entry without its length, valid until the following Read.
func (r *ReplyReader) Raw() []byte { return r.f.raw }

func (r *ReplyReader) exception(x *Exception) (err error) {
	v, _ := r.f.msg.PDS(pdsFaults)
	var ok bool
	if r.faults, ok = parseFaults(r.faults[:0], v); !ok {
		return r.f.failPDS(pdsFaults)
	}
	x.Faults = r.faults
	if x.Source, err = r.f.fileID(pdsSourceFile); err != nil {
		return err
	}
	source, err := r.f.digits(pdsSourceMessage, 8)
	if err != nil {
		return err
	}
	x.SourceMessage = int64(source)
	x.Copy = r.f.msg.Bytes(72)
	return nil
}

func (r *ReplyReader) position(p *Position) (err error) {
	if p.Source, err = r.f.fileID(pdsReconciledFile); err != nil {
		return err
	}
	if err := r.positionType(p); err != nil {
		return err
	}
	currency, ok := r.f.msg.Int(50)
	if !ok {
		return r.f.fail(r.f.missing(50))
	}
	p.Currency = uint16(currency)
	debits, err := r.signed(pdsDebits)
	if err != nil {
		return err
	}
	p.Debits.Amount = -debits
	if p.Credits.Amount, err = r.signed(pdsCredits); err != nil {
		return err
	}
	if err := r.counts(p); err != nil {
		return err
	}
	if tag := p.invalid(); tag != 0 {
		return r.f.failPDS(tag)
	}
	net, err := r.signed(pdsNet)
	if err == nil && net != p.Net() {
		return r.f.failPDS(pdsNet)
	}
	return err
}

// positionType reads which messages a position is about.
func (r *ReplyReader) positionType(p *Position) error {
	kind, _ := r.f.msg.PDS(pdsMessageKind)
	if len(kind) != 7 {
		return r.f.failPDS(pdsMessageKind)
	}
	p.MTI, p.Function = string(kind[:4]), string(kind[4:])
	processing, _ := r.f.msg.PDS(pdsProcessing)
	p.ProcessingCode = string(processing)
	original, _ := r.f.msg.PDS(pdsOriginal)
	p.Reversal = string(original) == "R"
	if string(original) != originality(p.Reversal) {
		return r.f.failPDS(pdsOriginal)
	}
	return nil
}

func (r *ReplyReader) counts(p *Position) error {
	debits, err := r.f.digits(pdsDebitCount, countWidth)
	if err != nil {
		return err
	}
	credits, err := r.f.digits(pdsCreditCount, countWidth)
	if err != nil {
		return err
	}
	total, err := r.f.digits(pdsTotalCount, countWidth)
	if err != nil {
		return err
	}
	p.Debits.Count, p.Credits.Count = int64(debits), int64(credits)
	if int64(total) != p.Count() {
		return r.f.failPDS(pdsTotalCount)
	}
	return nil
}

// signed reads D or C and a number: a debit is negative.
func (r *ReplyReader) signed(tag int) (int64, error) {
	v, _ := r.f.msg.PDS(tag)
	n, ok := number(v[min(1, len(v)):])
	if !ok || len(v) != 1+amountWidth || v[0] != 'C' && v[0] != 'D' {
		return 0, r.f.failPDS(tag)
	}
	if v[0] == 'D' {
		return -int64(n), nil
	}
	return int64(n), nil
}
