package ledger

// Code identifies an account of the chart.
type Code int16

// The chart of accounts.
const (
	Bank               Code = 1010
	Captured           Code = 1100
	Submitted          Code = 1110
	Accepted           Code = 1120
	Rejected           Code = 1130
	MerchantReceivable Code = 1150
	SuspenseDebits     Code = 1190
	FeesReceivable     Code = 1200
	Pending            Code = 2010
	Available          Code = 2020
	PayoutsInTransit   Code = 2030
	Reserve            Code = 2040
	RefundsInFlight    Code = 2050
	DisputedFunds      Code = 2060
	FeesPayable        Code = 2070
	TaxPayable         Code = 2080
	SuspenseReceipts   Code = 2090
	FXPosition         Code = 3900
	MDRIncome          Code = 4010
	FeeIncome          Code = 4020
	DisputeFeeIncome   Code = 4030
	FXGains            Code = 4040
	ReconGains         Code = 4050
	Interchange        Code = 5010
	SchemeFees         Code = 5020
	ProcessingFees     Code = 5030
	BadDebt            Code = 5040
	WriteOffs          Code = 5050
	FXLosses           Code = 5060
	Holds              Code = 9010
	HoldsContra        Code = 9019
	Unknown            Code = 9020
	UnknownContra      Code = 9029
)

// Side is the side on which an account normally has its balance.
type Side string

// The sides.
const (
	Debit  Side = "debit"
	Credit Side = "credit"
)

// Account describes one account of the chart.
type Account struct {
	Code Code
	Name string
	Side Side
	Zero string // when an item on it must be gone
}

// Memo tells that the account belongs to the memo ledger, which is not money.
func (c Code) Memo() bool { return c >= 9000 }

// Chart lists the accounts in order of their codes.
var Chart = []Account{
	{Bank, "Settlement bank account", Debit, "equals the statement"},
	{Captured, "Center receivable: captured, not submitted", Debit, "next cut-off"},
	{Submitted, "Center receivable: submitted, no verdict", Debit, "reply timeout"},
	{Accepted, "Center receivable: accepted, awaiting settlement", Debit, "settlement date"},
	{Rejected, "Rejected clearing items", Debit, "5 business days"},
	{MerchantReceivable, "Merchant receivable", Debit, "policy"},
	{SuspenseDebits, "Suspense: unidentified debits", Debit, "2 business days"},
	{FeesReceivable, "Fees receivable", Debit, "invoice due date"},
	{Pending, "Merchant payable: pending", Credit, "funding"},
	{Available, "Merchant payable: available", Credit, "payout"},
	{PayoutsInTransit, "Payouts in transit", Credit, "bank debit"},
	{Reserve, "Merchant reserve", Credit, "release date"},
	{RefundsInFlight, "Online refunds in flight", Credit, "hours"},
	{DisputedFunds, "Disputed funds held", Credit, "dispute end"},
	{FeesPayable, "Scheme and processing fees payable", Credit, "invoice"},
	{TaxPayable, "Tax on fees payable", Credit, "tax return"},
	{SuspenseReceipts, "Suspense: unidentified receipts", Credit, "2 business days"},
	{FXPosition, "FX position", Debit, "revalued daily"},
	{MDRIncome, "MDR income", Credit, "profit and loss"},
	{FeeIncome, "Gateway and per-item fee income", Credit, "profit and loss"},
	{DisputeFeeIncome, "Dispute fee income", Credit, "profit and loss"},
	{FXGains, "FX gains", Credit, "profit and loss"},
	{ReconGains, "Reconciliation gains", Credit, "profit and loss"},
	{Interchange, "Interchange", Debit, "profit and loss"},
	{SchemeFees, "Scheme fees", Debit, "profit and loss"},
	{ProcessingFees, "Processing-center fees", Debit, "profit and loss"},
	{BadDebt, "Merchant bad debt and dispute losses", Debit, "profit and loss"},
	{WriteOffs, "Reconciliation write-offs", Debit, "profit and loss"},
	{FXLosses, "FX losses", Debit, "profit and loss"},
	{Holds, "Memo: authorized holds", Debit, "equals the holds of all orders"},
	{HoldsContra, "Memo: holds contra", Credit, "mirrors 9010"},
	{Unknown, "Memo: unknown-outcome exposure", Debit, "24 hours"},
	{UnknownContra, "Memo: unknown contra", Credit, "mirrors 9020"},
}
