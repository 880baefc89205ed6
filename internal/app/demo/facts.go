package demo

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"settled/internal/app/doctor"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/breaks"
	"settled/settle/ledger"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/ssh"
)

// report collects everything that is worth knowing at the end.
func (p *play) report(ctx context.Context) (*Report, *counts, error) {
	r := &Report{Seed: p.Seed, Orders: p.Orders, From: instant(p.plan.From), To: instant(p.plan.To), Answers: p.told, Doubles: p.doubles,
		APIURL: "http://" + p.server.APIAddr, MetricsURL: "http://" + p.server.MetricAddr + "/metrics", DatabaseURL: p.database,
		ConfigFile: p.core.Environment.Config, KeyFile: p.core.Environment.Keys,
		ShopURL: p.fronts[p.shops[windowShop]].URL(), BankURL: p.bank.URL() + "/qr/", StatusURLs: p.statuses}
	p.doors(r)
	money, err := p.countMoney(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.Ties = p.ties(money)
	for _, fill := range []func(context.Context, *Report) error{p.orderFacts, p.tallyCounts, p.fileFacts, p.moneyFacts, p.balances, p.auditFacts, p.doctorFacts} {
		if err := fill(ctx, r); err != nil {
			return nil, nil, fmt.Errorf("report: %w", err)
		}
	}
	r.judge()
	return r, money, nil
}

// unattended are the checks that make no sense while the demo does the work itself, on its own clock.
var unattended = []string{"workers", "schedules"}

func (p *play) doctorFacts(ctx context.Context, r *Report) error {
	r.Doctor = map[string]doctor.State{}
	seen := doctor.Examine(ctx, doctor.Options{Environment: p.core.Environment, Centers: true, Without: unattended, Now: p.clock.Now})
	for _, c := range seen.Checks {
		r.Doctor[c.Check] = c.State
		for _, f := range c.Findings {
			if f.State == doctor.Bad {
				p.log.Error("a check of the doctor is bad", slog.String("name", c.Check), slog.String("why", f.Says))
			}
		}
	}
	return ctx.Err()
}

// doors says how to get in.
func (p *play) doors(r *Report) {
	for _, c := range p.core.Config.Centers {
		if c.Clearing == nil {
			continue
		}
		r.SFTP = append(r.SFTP, SFTPDoor{Center: c.Name, Address: c.Clearing.SFTP.Address, User: c.Clearing.SFTP.User,
			KeyFile: c.Clearing.SFTP.KeyFile, HostKey: string(ssh.MarshalAuthorizedKey(c.Clearing.SFTP.HostKeys[0]))})
	}
	for _, s := range p.shops {
		r.Merchants = append(r.Merchants, MerchantDoor{s.ID, s.Name, s.Login, s.Password, s.SecretWord, casts[s.home].name})
	}
	for _, c := range pcsim.Cards() {
		r.Cards = append(r.Cards, TestCard{c.PAN, c.Means})
	}
}

const (
	allOrders = `
SELECT status, authorized, confirmed, released_cancel, released_deposit, released_expiry, refunded, refund_pending FROM orders`
	allOperations = `SELECT kind, state, count(*)::int FROM operations GROUP BY 1, 2 ORDER BY 1, 2`
)

func (p *play) orderFacts(ctx context.Context, r *Report) error {
	r.OrdersByState, r.Breaks = map[order.State]int{}, map[string]int{}
	var s order.Status
	var a order.Amounts
	into := []any{&s, &a.Authorized, &a.Confirmed, &a.ReleasedCancel, &a.ReleasedDeposit, &a.ReleasedExpiry, &a.Refunded, &a.RefundPending}
	if err := p.forEach(ctx, allOrders, into, func() { r.OrdersByState[order.StateOf(s, a)]++ }); err != nil {
		return err
	}
	open, err := breaks.Count(ctx, p.core.Pool)
	if err != nil {
		return err
	}
	for _, b := range open {
		r.Breaks[string(b.Category)] = b.Count
	}
	var n int
	var kind settle.OperationKind
	var state settle.OperationState
	return p.forEach(ctx, allOperations, []any{&kind, &state, &n}, func() {
		r.Operations = append(r.Operations, OperationCount{kind.String(), state.String(), n})
	})
}

const (
	allFiles = `
SELECT f.center_id, b.business_date, f.sequence, f.name, b.currency, coalesce(f.messages, 2) - 2, b.sales_amount, b.credits_amount, f.sha256,
	f.state, f.delivered_at
FROM files f JOIN batches b USING (batch_id) ORDER BY f.center_id, f.file_id`
	allReplies = `
SELECT r.center_id, r.name, coalesce(f.name, ''), r.state, r.accepted, r.rejected, coalesce(f.state = 'rejected', false), r.fetched_at
FROM replies r LEFT JOIN files f USING (file_id) ORDER BY r.center_id, r.reply_id`
	allRejects = `
SELECT w.center_id, w.business_date, j.kind, j.class, j.code, j.state, j.currency, count(*)::int, sum(j.amount)::bigint
FROM rejects j JOIN windows w USING (window_id) GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7`
)

func (p *play) fileFacts(ctx context.Context, r *Report) error {
	taken := map[string]string{}
	for _, n := range p.nights {
		for _, f := range n.files {
			taken[f.name] = f.sha256
		}
	}
	rows, err := p.core.Pool.Query(ctx, allFiles)
	if err != nil {
		return err
	}
	r.Files, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (f FileLine, err error) {
		var center int16
		var currency money.Currency
		var date time.Time
		var delivered *time.Time
		var sum []byte
		err = row.Scan(&center, &date, &f.Sequence, &f.Name, &currency, &f.Records, &f.Debit, &f.Credit, &sum, &f.State, &delivered)
		f.Center, f.BusinessDate, f.Format, f.SHA256 = p.centerName(center), date.Format(time.DateOnly), p.format(center), hex.EncodeToString(sum)
		f.Taken = taken[f.Name]
		if currency != 0 {
			f.Currency = currency.String()
		}
		if delivered != nil {
			f.DeliveredAt = instant(delivered.In(p.location()))
		}
		return f, err
	})
	if err != nil {
		return err
	}
	return p.replyFacts(ctx, r)
}

func (p *play) replyFacts(ctx context.Context, r *Report) error {
	var center int16
	var l ReplyLine
	var fetched time.Time
	err := p.forEach(ctx, allReplies, []any{&center, &l.Name, &l.File, &l.State, &l.Accepted, &l.Rejected, &l.Whole, &fetched}, func() {
		l.Center, l.FetchedAt = p.centerName(center), instant(fetched.In(p.location()))
		r.Replies = append(r.Replies, l)
	})
	if err != nil {
		return err
	}
	var j RejectLine
	var date time.Time
	var kind settle.RecordKind
	var currency money.Currency
	return p.forEach(ctx, allRejects, []any{&center, &date, &kind, &j.Class, &j.Code, &j.State, &currency, &j.Count, &j.Amount}, func() {
		j.Center, j.BusinessDate, j.Kind, j.Currency = p.centerName(center), date.Format(time.DateOnly), kind.String(), currency.String()
		r.Rejects = append(r.Rejects, j)
	})
}

// format names what a center takes, such as "ipm cp500 unblocked".
func (p *play) format(center int16) string {
	c := castNamed(p.centerName(center))
	if c.blocked {
		return "ipm " + c.charset + " 1014"
	}
	return "ipm " + c.charset
}

const (
	allRefunds = `
SELECT o.center_id, CASE r.kind WHEN 2 THEN 'credit record' END, 'queued', r.currency, count(*)::int, sum(r.amount)::bigint
FROM records r JOIN orders o USING (merchant_id, order_id) WHERE r.kind = 2 AND r.supersedes IS NULL GROUP BY 1, 2, 3, 4
UNION ALL
SELECT o.center_id, 'online refund', t.state::text, o.currency, count(*)::int, sum(t.amount)::bigint
FROM transactions t JOIN orders o USING (merchant_id, order_id) WHERE t.kind = 5 GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4`
	allReversals = `
SELECT o.center_id, t.kind::text, t.state::text, o.currency, count(*)::int, sum(t.amount)::bigint
FROM transactions t JOIN orders o USING (merchant_id, order_id) WHERE t.kind IN (3, 4) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`
	allExpiries = `
SELECT o.center_id, 'hold', 'expired', o.currency, count(*)::int, sum(p.amount)::bigint
FROM operations p JOIN orders o USING (merchant_id, order_id) WHERE p.reason = 4 GROUP BY 1, 2, 3, 4 ORDER BY 1, 4`
)

func (p *play) moneyFacts(ctx context.Context, r *Report) error {
	for _, list := range []struct {
		sql  string
		into *[]MoneyLine
	}{{allRefunds, &r.Refunds}, {allReversals, &r.Reversals}, {allExpiries, &r.Expiries}} {
		var center int16
		var currency money.Currency
		var m MoneyLine
		err := p.forEach(ctx, list.sql, []any{&center, &m.Kind, &m.State, &currency, &m.Count, &m.Amount}, func() {
			m.Center, m.Currency, m.Kind, m.State = p.centerName(center), currency.String(), kindWord(m.Kind), stateWord(m.State)
			*list.into = append(*list.into, m)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// kindWord and stateWord turn the stored numbers of transactions into words; words stay.
func kindWord(s string) string {
	var n int16
	if _, err := fmt.Sscan(s, &n); err != nil {
		return s
	}
	return settle.Kind(n).String()
}

func stateWord(s string) string {
	var n int16
	if _, err := fmt.Sscan(s, &n); err != nil {
		return s
	}
	return settle.TransactionState(n).String()
}

func (p *play) balances(ctx context.Context, r *Report) error {
	all, err := ledger.TrialBalance(ctx, p.core.Pool, p.core.Books.Ledger().Date(p.clock.Now()), 0)
	if err != nil {
		return err
	}
	names := map[ledger.Code]string{}
	for _, a := range ledger.Chart {
		names[a.Code] = a.Name
	}
	debit, credit := sums{}, sums{}
	for _, b := range all {
		r.TrialBalance = append(r.TrialBalance, BalanceLine{int16(b.Code), names[b.Code], b.Currency.String(), b.Debit, b.Credit})
		debit[pair{currency: b.Currency}] += b.Debit
		credit[pair{currency: b.Currency}] += b.Credit
	}
	for _, at := range slices.SortedFunc(maps.Keys(debit), func(a, b pair) int { return cmp.Compare(a.currency, b.currency) }) {
		r.Ties = append(r.Ties, tie("trial balance: debits = credits", at, debit[at], credit[at]))
	}
	return nil
}

func (p *play) auditFacts(ctx context.Context, r *Report) error {
	report, err := p.core.Audit(ctx)
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		r.Audit = append(r.Audit, AuditLine{f.Invariant, f.Title, f.Violations})
	}
	return nil
}
