package fees

import (
	"errors"

	"settled/internal/money"
	"settled/settle/ledger"
)

// Prices are the prices of a contract: shares of a record in basis points, and Processing in minor units per record.
type Prices struct {
	InterchangeBPS int64 `json:"interchange_bps"`
	SchemeBPS      int64 `json:"scheme_bps"`
	Processing     int64 `json:"processing"`
	MDRBPS         int64 `json:"mdr_bps"`
}

// Fees are the costs and the price of accepted records: minor units, each rounded half up per record. Those of credits are
// what the credits give back, and their processing.
type Fees struct{ Interchange, Scheme, Processing, MDR int64 }

// Plus adds fees up.
func (f Fees) Plus(g Fees) Fees {
	return Fees{f.Interchange + g.Interchange, f.Scheme + g.Scheme, f.Processing + g.Processing, f.MDR + g.MDR}
}

// Minus is what is left of f without g.
func (f Fees) Minus(g Fees) Fees {
	return Fees{f.Interchange - g.Interchange, f.Scheme - g.Scheme, f.Processing - g.Processing, f.MDR - g.MDR}
}

// Back is what refunds give back of the fees of a sale: minor units.
type Back struct{ Interchange, MDR int64 }

// OfSale computes the fees of one accepted sale. The error is an overflow.
func (p Prices) OfSale(amount int64) (Fees, error) {
	f, err := p.shares(amount)
	var overflow error
	f.Scheme, overflow = money.BasisPoints(amount, p.SchemeBPS)
	return f, errors.Join(err, overflow)
}

// OfCredit computes the fees of one accepted credit: what it gives back of its sale's, as it was decided when the credit was
// asked for (ADR 21), and no scheme fee. A credit of an older version has none decided (nil) and gives back its own share.
func (p Prices) OfCredit(amount int64, back *Back) (Fees, error) {
	if back != nil {
		return Fees{Interchange: back.Interchange, Processing: p.Processing, MDR: back.MDR}, nil
	}
	return p.shares(amount)
}

// shares are the fees that sales and credits have in common.
func (p Prices) shares(amount int64) (Fees, error) {
	f := Fees{Processing: p.Processing}
	var err [2]error
	f.Interchange, err[0] = money.BasisPoints(amount, p.InterchangeBPS)
	f.MDR, err[1] = money.BasisPoints(amount, p.MDRBPS)
	return f, errors.Join(err[:]...)
}

// GiveBack is what one more refund gives back of a fee, when the refunds that stand have given back given of it and come to upTo of
// the sale's amount with this one. The sum follows the exact share as closely as whole units allow, so refunds of all of the
// sale give back all of the fee and no sum of them gives back more, whatever their amounts and their order; where a refund failed
// after a later one, the next ones give less until the sum fits again.
func GiveBack(fee, amount, upTo, given int64) (int64, error) {
	if fee == 0 || amount == 0 {
		return 0, nil
	}
	due, err := money.MulDiv(fee, min(upTo, amount), amount)
	return max(0, due-given), err
}

// Terms are the prices of a contract and how they are paid.
type Terms struct {
	Prices        Prices
	CostsInvoiced bool // the center bills its costs later instead of netting them from the settlement
	MDRInvoiced   bool // the merchant is billed instead of its payable being reduced
	ReturnMDR     bool // a refund gives its share of the MDR back
}

// OfSale returns the accrual of the fees of accepted sales as postings like the given one: its key, currency, center and instant.
func (t Terms) OfSale(like ledger.Posting, f Fees) []ledger.Posting {
	rules := [4]ledger.Rule{ledger.InterchangeNetted, ledger.SchemeFeeNetted, ledger.ProcessingFeeNetted, ledger.MDRDeducted}
	if t.CostsInvoiced {
		rules[0], rules[1], rules[2] = ledger.InterchangeInvoiced, ledger.SchemeFeeInvoiced, ledger.ProcessingFeeInvoiced
	}
	if t.MDRInvoiced {
		rules[3] = ledger.MDRInvoiced
	}
	out := make([]ledger.Posting, 0, 4)
	for i, amount := range [4]int64{f.Interchange, f.Scheme, f.Processing, f.MDR} {
		if amount > 0 {
			out = append(out, like.With(rules[i], amount))
		}
	}
	return out
}

// OfSaleAtOnce is OfSale of a sale that is accepted when it is approved, of the amount of the posting.
func (t Terms) OfSaleAtOnce(like ledger.Posting) ([]ledger.Posting, error) {
	f, err := t.Prices.OfSale(like.Amount)
	return t.OfSale(like, f), err
}

// OfCredit returns what accepted credits cost and give back, as postings like the given one: their processing, the interchange of
// their sales, and where the contract says so their share of the MDR (PR-21), which is then available to the merchant.
func (t Terms) OfCredit(like ledger.Posting, f Fees) []ledger.Posting {
	out := t.OfSale(like, Fees{Processing: f.Processing})
	back := like.With(ledger.InterchangeReturned, f.Interchange)
	if t.CostsInvoiced {
		back = like.With(ledger.InterchangeInvoiced, f.Interchange)
		back.Undo = true
	}
	out = append(out, back)
	if t.ReturnMDR {
		out = append(out, like.With(ledger.MDRReturned, f.MDR))
	}
	return out
}
