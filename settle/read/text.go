package read

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"settled/settle/order"
)

// WriteText writes the order for a terminal: the order first, then its operations, exchanges, records and journals
// as aligned columns. Instants are shown in the zone.
func (e *Order) WriteText(out io.Writer, zone *time.Location) error {
	p := &printer{w: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), zone: zone}
	p.head(e)
	p.operations(e.Operations)
	p.means(e)
	p.transactions(e.Transactions, e.Owed)
	p.records(e.Records)
	p.journals(e.Journals)
	if p.err != nil {
		return p.err
	}
	return p.w.Flush()
}

// printer keeps the first error.
type printer struct {
	w    *tabwriter.Writer
	zone *time.Location
	err  error
}

func (p *printer) row(cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = fmt.Sprint(c)
	}
	if _, err := fmt.Fprintln(p.w, strings.TrimRight(strings.Join(text, "\t"), "\t ")); p.err == nil {
		p.err = err
	}
}

// title starts a section with columns of its own.
func (p *printer) title(text string) {
	if err := p.w.Flush(); p.err == nil {
		p.err = err
	}
	p.row()
	p.row(text)
	if err := p.w.Flush(); p.err == nil {
		p.err = err
	}
}

func (p *printer) at(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04:05 MST") }

func (p *printer) maybe(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return p.at(*t)
}

func (p *printer) head(e *Order) {
	p.row("order", e.Bill)
	p.row("number", fmt.Sprintf("%s (attempt %d)", e.Number, e.Attempt))
	p.row("merchant", strings.TrimSpace(fmt.Sprintf("%d %s", e.Merchant, e.MerchantName)))
	p.row("center", e.Center)
	p.row("created", p.at(e.CreatedAt))
	p.row("means", strings.TrimSpace(e.Means+" "+e.Card+" "+e.CardExpires))
	p.row("amount", e.Amount+" "+e.Currency+convertedFrom(e))
	if e.PayBefore != nil && e.State == order.StateInProcess {
		p.row("to be paid", fmt.Sprintf("until %s, %d tries left", p.at(*e.PayBefore), e.TriesLeft))
	}
	p.row("state", string(e.State)+": "+e.Why)
	a := e.Amounts
	p.row("authorized", a.Authorized)
	p.row("confirmed", a.Confirmed)
	p.row("held", a.Held+p.until(e.HoldExpiresAt))
	p.row("released", fmt.Sprintf("%s by cancel, %s by AutoDeposit, %s by expiry", a.ReleasedCancel, a.ReleasedDeposit, a.ReleasedExpiry))
	p.row("refunded", fmt.Sprintf("%s, of it pending %s", a.Refunded, a.RefundPending))
	p.row("cancellable", a.Cancellable)
}

func convertedFrom(e *Order) string {
	if e.Original == "" {
		return ""
	}
	return fmt.Sprintf(" for %s at %s", e.Original, e.Rate)
}

// means are the 3-D Secure and the instant payments of an order that had any.
func (p *printer) means(e *Order) {
	if len(e.Authenticated) > 0 {
		p.title("3-D Secure")
	}
	for _, a := range e.Authenticated {
		p.row(fmt.Sprintf("  .%d", a.Operation), a.State, "status "+a.Status, "ECI "+a.ECI, a.Version, p.at(a.StartedAt))
	}
	if len(e.Instant) > 0 {
		p.title("instant payments")
	}
	for _, i := range e.Instant {
		p.row(fmt.Sprintf("  .%d", i.Operation), i.State, i.Amount, "until "+p.at(i.ExpiresAt), i.Paid, i.LastError)
	}
}

func (p *printer) until(t *time.Time) string {
	if t == nil {
		return ""
	}
	return " until " + p.at(*t)
}

func (p *printer) operations(all []Operation) {
	p.title("operations")
	for _, op := range all {
		p.row("  "+op.Number, op.Kind, op.Amount, op.State, "by "+op.Actor, p.at(op.RequestedAt), op.Response, op.External)
		for _, note := range strings.Split(op.Note, "; ") {
			if note != "" {
				p.row("    " + note)
			}
		}
	}
}

func (p *printer) transactions(all []Transaction, owed []Owed) {
	p.title("exchanges with the center")
	for _, t := range all {
		p.row(fmt.Sprintf("  %d", t.Number), t.Kind, t.Amount, t.State, "RRN "+t.RRN, "STAN "+t.STAN, p.at(t.TransmittedAt),
			"answered "+p.maybe(t.AnsweredAt), t.ActionCode, t.ApprovalCode)
	}
	for _, w := range owed {
		p.row(fmt.Sprintf("  %d", w.Transaction), w.Kind, "owed", fmt.Sprintf("%d attempts", w.Attempts), "next "+p.at(w.DueAt), w.LastError)
	}
}

func (p *printer) records(all []OrderRecord) {
	p.title("clearing records")
	for _, r := range all {
		p.row(fmt.Sprintf("  %d", r.ID), r.Kind, r.Counts+" of "+r.Amount, r.State, r.Reject, fmt.Sprintf("window %d of %s", r.Window, r.BusinessDate),
			"cut-off "+p.at(r.CutoffAt))
	}
}

func (p *printer) journals(all []Journal) {
	p.title("journals")
	for _, j := range all {
		for _, l := range j.Lines {
			p.row(fmt.Sprintf("  .%d %s", j.Operation, j.Event), l.Rule, fmt.Sprintf("%d / %d", l.Debit, l.Credit), l.Amount, l.What, p.at(j.At))
		}
	}
}
