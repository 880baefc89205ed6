package pcsim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"settled/fileformats/iso8583"
	"settled/internal/money"
)

// position is what the center accepted of one kind of message: one 1644/685.
type position struct {
	credit   bool // processing code 20, else 00
	reversal bool
	currency money.Currency
}

// refusal is one message the center did not take.
type refusal struct {
	code    RejectCode
	element string // overrides the element of the code when set
	number  int64  // DE 71, or the place in the file when it has none
	raw     []byte
}

// replyWriter collects the messages of one reply.
type replyWriter struct {
	physical
	mode    string // PDS 0122: P or T
	records [][]byte
	err     error
}

// message appends a 1644 with its private data and whatever fill sets.
func (w *replyWriter) message(function string, pds *iso8583.PDSList, fill func(*iso8583.Message)) {
	m := w.spec.NewMessage("1644")
	m.Set(24, function)
	m.SetInt(71, int64(len(w.records)+1))
	if fill != nil {
		fill(m)
	}
	if err := m.SetPDS(pds); err != nil && w.err == nil {
		w.err = err
	}
	raw, err := m.AppendTo(nil)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("write message %d of a reply: %w", len(w.records)+1, err)
	}
	w.records = append(w.records, raw)
}

func (w *replyWriter) header(id string) {
	var pds iso8583.PDSList
	pds.Add(105, id)
	pds.Add(122, w.mode)
	w.message("697", &pds, nil)
}

func (w *replyWriter) trailer(id string) {
	var pds iso8583.PDSList
	pds.Add(105, id)
	pds.AddInt(301, 16, 0)
	pds.AddInt(306, 8, uint64(len(w.records)+1))
	w.message("695", &pds, nil)
}

// position says what was accepted of one kind: sales are credits to us, credits to cardholders are debits, reversals the
// other way round. Transaction and reconciliation currency are the same.
func (w *replyWriter) position(source string, p position, line Line) {
	side, code, mark := "C", "00", "O"
	if p.credit {
		code = "20"
	}
	if p.reversal {
		mark = "R"
	}
	if p.credit != p.reversal {
		side = "D"
	}
	var debits, credits Line
	if side == "D" {
		debits = line
	} else {
		credits = line
	}
	var pds iso8583.PDSList
	pds.Add(300, source)
	pds.Add(372, "1240200")
	pds.Add(374, code)
	pds.Add(378, mark)
	for _, tags := range [][3]int{{380, 381, 384}, {390, 391, 394}} {
		pds.Add(tags[0], fmt.Sprintf("D%016d", debits.Amount))
		pds.Add(tags[1], fmt.Sprintf("C%016d", credits.Amount))
		pds.Add(tags[2], fmt.Sprintf("%s%016d", side, line.Amount))
	}
	pds.AddInt(400, 10, uint64(debits.Count))
	pds.AddInt(401, 10, uint64(credits.Count))
	pds.AddInt(402, 10, uint64(line.Count))
	w.message("685", &pds, func(m *iso8583.Message) {
		m.Set(49, p.currency.Numeric())
		m.Set(50, p.currency.Numeric())
	})
}

// refuse writes a file reject (699) or a message exception (691) with a copy of the message.
func (w *replyWriter) refuse(function, source string, r refusal, o Options) {
	var pds iso8583.PDSList
	code := r.code
	code.Element = cmp.Or(r.element, code.Element)
	pds.Add(5, code.indicator())
	pds.AddInt(138, 8, uint64(r.number))
	if source != "" {
		pds.Add(280, source)
	}
	w.message(function, &pds, func(m *iso8583.Message) {
		if len(r.raw) > 0 {
			m.SetBytes(72, r.raw[:min(len(r.raw), 999)])
		}
		member := strings.TrimLeft(o.MemberID, "0")
		m.Set(93, member)
		m.Set(94, o.InstitutionID)
		m.Set(100, member)
	})
}

// positions writes the accepted totals in a fixed order.
func (w *replyWriter) positions(source string, accepted map[position]Line) {
	kinds := make([]position, 0, len(accepted))
	for p := range accepted {
		kinds = append(kinds, p)
	}
	slices.SortFunc(kinds, func(a, b position) int {
		return cmp.Or(cmp.Compare(a.currency, b.currency), compareBool(a.credit, b.credit), compareBool(a.reversal, b.reversal))
	})
	for _, p := range kinds {
		w.position(source, p, accepted[p])
	}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
