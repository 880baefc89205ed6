package pcsim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"time"

	"settled/fileformats/iso8583"
)

// clearingFile is a file under judgment.
type clearingFile struct {
	physical
	records [][]byte
	layout  error
	id      string // PDS 0105 of the header; empty when it has none
	test    bool   // PDS 0122 of the header is T
	hash    [sha256.Size]byte
}

// verdict is what the center says of a file: why it refuses all of it, or what it refuses and accepts of it.
type verdict struct {
	file     clearingFile
	fault    *refusal
	refusals []refusal
	accepted map[position]Line
}

// answerer is a verdict on a file that can be written as an answer; ending is what its name adds to the file's, empty for a name of replies.
type answerer interface {
	answer(c *Center, now time.Time) (data []byte, ending string, err error)
}

// judgeFile judges a file in the form that the center takes.
func (c *Center) judgeFile(data []byte, hash [sha256.Size]byte, now time.Time) (answerer, FileReport) {
	if c.opt.Delimited != nil {
		return c.judgeLines(data, hash, now)
	}
	v := &verdict{file: clearingFile{hash: hash}}
	f := &v.file
	f.physical, f.records, f.layout = readPhysical(data, c.opt.Charset)
	v.fault = c.refuseFile(f, now)
	report := FileReport{FileID: f.id}
	if v.fault != nil {
		report.Reject = v.fault.code.Code
		return v, report
	}
	v.refusals, v.accepted = c.judgeRecords(f)
	for _, line := range v.accepted {
		report.Accepted += int(line.Count)
	}
	report.Rejected = len(v.refusals)
	if c.replies.UnknownRecord {
		v.refusals = append(v.refusals, refusal{code: centerFault, number: 99_999_998})
	}
	return v, report
}

// answer writes a verdict as a reply with an id of its own.
func (v *verdict) answer(c *Center, now time.Time) (data []byte, ending string, err error) {
	w := &replyWriter{physical: v.file.physical, mode: v.file.mode()}
	id := c.replyID(now)
	w.header(id)
	if v.fault != nil {
		w.refuse("699", v.file.id, *v.fault, c.opt)
	} else {
		for _, r := range v.refusals {
			w.refuse("691", v.file.id, r, c.opt)
		}
		w.positions(v.file.id, v.accepted)
	}
	w.trailer(id)
	return w.join(w.records), "", w.err
}

// mode is the processing mode that a reply answers in: the file's own.
func (f *clearingFile) mode() string {
	if f.test {
		return "T"
	}
	return "P"
}

// replyID is the next file id of the center: type 001, the center's day, our member id, a number within the day.
func (c *Center) replyID(now time.Time) string {
	day := now.In(c.opt.Location).Format("060102")
	c.made[day]++
	return "001" + day + c.opt.MemberID + fmt.Sprintf("%05d", c.made[day])
}

// refuseFile returns why the file as a whole is not taken, nil when it is, and settles the fate of its id and number.
func (c *Center) refuseFile(f *clearingFile, now time.Time) *refusal {
	head := f.spec.NewMessage("")
	if len(f.records) == 0 || head.Decode(f.records[0]) != nil {
		return &refusal{code: unreadable, number: 1}
	}
	first := func(code RejectCode) *refusal { return &refusal{code: code, number: 1, raw: f.records[0]} }
	if head.MTI() != "1644" || head.Text(24) != "697" {
		return first(noHeader)
	}
	id, _ := head.PDS(105)
	f.id = string(id)
	mode, _ := head.PDS(122)
	f.test = string(mode) == "T"
	if !c.knowsID(f.id, now) {
		f.id = fileIDOrNone(f.id)
		return first(badFileID)
	}
	scope, number := c.sequence(f.id)
	var inside *refusal
	code := c.admit(f.id, scope, number, f.hash, func() *RejectCode {
		if inside = f.contents(); inside != nil {
			return &inside.code
		}
		return nil
	})
	switch {
	case code == nil:
		return nil
	case inside != nil:
		return inside
	}
	return first(*code)
}

// admit settles the fate of a file's id and number: it returns why the file is not taken, nil when it is. contents is asked for a file
// whose id and number are right.
func (c *Center) admit(id, scope string, number int, hash [sha256.Size]byte, contents func() *RejectCode) *RejectCode {
	if before, used := c.files[id]; used {
		if before.accepted && before.hash == hash {
			return &duplicateFile
		}
		return &reusedFileID
	}
	if number != c.next[scope]%c.opt.LastSequence+1 {
		return &badSequence
	}
	fault := contents()
	if fault == nil && c.refused < c.opt.Behavior.RefuseFiles {
		c.refused++
		fault = &fileFault
	}
	if fault == nil || !c.opt.ReuseRejected {
		c.files[id] = fate{hash, fault == nil}
		c.next[scope] = number
	}
	return fault
}

// fileIDOrNone keeps an id that a reply can repeat.
func fileIDOrNone(id string) string {
	if len(id) != 25 || !digits(id) {
		return ""
	}
	return id
}

// knowsID checks the form of a file id: type 002, a date within 31 days of the center's, our member id, a sequence.
func (c *Center) knowsID(id string, now time.Time) bool {
	if fileIDOrNone(id) == "" || id[:3] != "002" || id[9:20] != c.opt.MemberID {
		return false
	}
	date, err := time.ParseInLocation("060102", id[3:9], c.opt.Location)
	return err == nil && now.Sub(date).Abs() <= 31*24*time.Hour
}

// sequence returns the scope that a file id counts in, and its number.
func (c *Center) sequence(id string) (scope string, number int) {
	if c.opt.Sequence == SequencePerDate {
		scope = id[3:9]
	}
	number, _ = strconv.Atoi(id[20:])
	return scope, number
}

// contents checks what can be checked without the books: every message readable and numbered, trailer, totals.
func (f *clearingFile) contents() *refusal {
	m := f.spec.NewMessage("")
	var sum int64
	for i, raw := range f.records {
		place := i + 1
		if err := m.Decode(raw); err != nil {
			return &refusal{code: unreadable, element: brokenElement(err), number: int64(place), raw: raw}
		}
		if n, ok := m.Int(71); !ok || n != int64(place) {
			return &refusal{code: badNumber, number: numberOf(m, place), raw: raw}
		}
		amount, _ := m.Int(4)
		sum += amount
	}
	last := len(f.records)
	at := func(code RejectCode) *refusal {
		return &refusal{code: code, number: int64(last), raw: f.records[last-1]}
	}
	switch {
	case f.layout != nil && !isTrailer(m):
		return at(noTrailer)
	case f.layout != nil:
		return at(unreadable)
	case !isTrailer(m):
		return at(noTrailer)
	case pds(m, 105) != f.id:
		return at(otherTrailer)
	case pds(m, 301) != fmt.Sprintf("%016d", sum):
		return at(badChecksum)
	case pds(m, 306) != fmt.Sprintf("%08d", last):
		return at(badCount)
	}
	return nil
}

func isTrailer(m *iso8583.Message) bool { return m.MTI() == "1644" && m.Text(24) == "695" }

func pds(m *iso8583.Message, tag int) string {
	v, _ := m.PDS(tag)
	return string(v)
}

// brokenElement names the data element that could not be read, D0000 for the message as a whole.
func brokenElement(err error) string {
	var e *iso8583.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("D%04d", e.Field)
	}
	return ""
}

// judgeRecords judges every record between header and trailer in order.
func (c *Center) judgeRecords(f *clearingFile) ([]refusal, map[position]Line) {
	var refusals []refusal
	accepted := map[position]Line{}
	m := f.spec.NewMessage("")
	for _, raw := range f.records[1 : len(f.records)-1] {
		if m.Decode(raw) != nil { // contents has read it before
			continue
		}
		p, fault := c.readPresentment(m)
		if fault = c.judge(p, fault); fault != nil {
			refusals = append(refusals, refusal{code: *fault, number: p.number, raw: raw})
			continue
		}
		line := accepted[p.position()]
		line.add(p.amount)
		accepted[p.position()] = line
	}
	return refusals, accepted
}
