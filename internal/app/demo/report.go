package demo

import (
	"encoding/json"
	"os"
	"time"

	"settled/internal/app/doctor"
	"settled/settle/order"
)

// Report is what the demo found, as --report writes it. docs/demo-report.md explains every key. Amounts are minor units.
type Report struct {
	Seed        uint64 `json:"seed"`
	Orders      int    `json:"orders"` // asked for; a declined buyer may make two attempts of one
	From        string `json:"from"`   // first and last instant of the virtual days
	To          string `json:"to"`
	APIURL      string `json:"api_url"`
	MetricsURL  string `json:"metrics_url"`
	DatabaseURL string `json:"database_url"`
	ConfigFile  string `json:"config_file"`
	KeyFile     string `json:"key_file"`
	ShopURL     string `json:"shop_url"`
	BankURL     string `json:"bank_url"`

	StatusURLs map[string]string `json:"status_urls"`

	SFTP      []SFTPDoor     `json:"sftp"`
	Merchants []MerchantDoor `json:"merchants"`
	Cards     []TestCard     `json:"cards"`

	Channels      []ChannelLine       `json:"channels"`
	OrdersByState map[order.State]int `json:"orders_by_state"`
	Operations    []OperationCount    `json:"operations"`
	Answers       map[string]int      `json:"answers"` // of the API, by what was asked and how it was answered
	Doubles       doubles             `json:"doubles"` // requests that merchants sent twice
	Told          Told                `json:"notifications"`

	Files     []FileLine     `json:"files"`
	Replies   []ReplyLine    `json:"replies"`
	Rejects   []RejectLine   `json:"rejects"`
	Refunds   []MoneyLine    `json:"refunds"`
	Reversals []MoneyLine    `json:"reversals"`
	Expiries  []MoneyLine    `json:"expiries"`
	Breaks    map[string]int `json:"breaks"` // differences that wait for a person, by category

	Ties         []Tie         `json:"ties"`
	Counts       []Count       `json:"counts"`
	TrialBalance []BalanceLine `json:"trial_balance"`
	Audit        []AuditLine   `json:"audit"`

	Doctor map[string]doctor.State `json:"doctor"` // by check
	OK     bool                    `json:"ok"`
}

// SFTPDoor is the file server of a center.
type SFTPDoor struct {
	Center  string `json:"center"`
	Address string `json:"address"`
	User    string `json:"user"`
	KeyFile string `json:"key_file"`
	HostKey string `json:"host_key"`
}

// MerchantDoor is what a merchant uses to call the API.
type MerchantDoor struct {
	Merchant   int32  `json:"merchant_id"`
	Name       string `json:"name"`
	Login      string `json:"login"`
	Password   string `json:"password"`
	SecretWord string `json:"secret_word"`
	Center     string `json:"center"` // that takes its own currency
}

// TestCard is a card of the centers, with its one outcome.
type TestCard struct {
	Number  string `json:"number"`
	Outcome string `json:"outcome"`
}

// OperationCount counts operations of orders.
type OperationCount struct {
	Type   string `json:"type"`
	Result string `json:"result"`
	Count  int    `json:"count"`
}

// FileLine is a clearing file.
type FileLine struct {
	Center       string `json:"center"`
	BusinessDate string `json:"business_date"`
	Sequence     int32  `json:"sequence"`
	Name         string `json:"name"`
	Format       string `json:"format"`
	Currency     string `json:"currency"`
	Records      int32  `json:"records"`
	Debit        int64  `json:"debit"`  // sales: what cardholders are charged
	Credit       int64  `json:"credit"` // refunds: what cardholders get back
	SHA256       string `json:"sha256"`
	Taken        string `json:"taken_sha256"` // of the bytes in the center's directory
	State        string `json:"state"`
	DeliveredAt  string `json:"delivered_at"`
}

// ReplyLine is a reply of a center.
type ReplyLine struct {
	Center    string `json:"center"`
	Name      string `json:"name"`
	File      string `json:"file"` // that it answers
	State     string `json:"state"`
	Accepted  int32  `json:"accepted"`
	Rejected  int32  `json:"rejected"`
	Whole     bool   `json:"whole"` // the file was refused as a whole
	FetchedAt string `json:"fetched_at"`
}

// RejectLine counts records that a center refused.
type RejectLine struct {
	Center       string `json:"center"`
	BusinessDate string `json:"business_date"`
	Kind         string `json:"kind"`
	Class        string `json:"class"`
	Code         string `json:"code"`
	State        string `json:"state"`
	Currency     string `json:"currency"`
	Count        int    `json:"count"`
	Amount       int64  `json:"amount"`
}

// MoneyLine counts refunds, reversals or expiries.
type MoneyLine struct {
	Center   string `json:"center"`
	Kind     string `json:"kind"`
	State    string `json:"state"`
	Currency string `json:"currency"`
	Count    int    `json:"count"`
	Amount   int64  `json:"amount"`
}

// BalanceLine is an account at the end of the demo.
type BalanceLine struct {
	Account  int16  `json:"account"`
	Name     string `json:"name"`
	Currency string `json:"currency"`
	Debit    int64  `json:"debit"`  // turnover
	Credit   int64  `json:"credit"` // turnover
}

// AuditLine is an invariant of the last audit.
type AuditLine struct {
	Invariant  string `json:"invariant"`
	Title      string `json:"title"`
	Violations int    `json:"violations"`
}

// write writes the report as JSON, whole or not at all.
func (r *Report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// judge sets OK: every difference of amounts and numbers is zero, no invariant is violated, no check of the doctor is bad, every request that was sent twice was answered alike,
// and every file that a center took is the one that we say we sent.
func (r *Report) judge() {
	r.OK = len(r.Ties) > 0 && len(r.Counts) > 0 && len(r.Audit) > 0 && r.Doubles.Differed == 0
	for _, c := range r.Counts {
		r.OK = r.OK && c.Difference == 0
	}
	for _, t := range r.Ties {
		r.OK = r.OK && t.Difference == 0
	}
	for _, a := range r.Audit {
		r.OK = r.OK && a.Violations == 0
	}
	for _, state := range r.Doctor {
		r.OK = r.OK && state != doctor.Bad
	}
	for _, f := range r.Files {
		r.OK = r.OK && f.SHA256 == f.Taken
	}
}

func instant(t time.Time) string { return t.Format(time.RFC3339) }
