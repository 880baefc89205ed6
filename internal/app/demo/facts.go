package demo

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"settled/clearing"
	"settled/clearing/files"
	"settled/clearing/states"
	"settled/internal/app/doctor"
	"settled/internal/listing"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/ledger"
	"settled/settle/read"

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

func (p *play) orderFacts(ctx context.Context, r *Report) (err error) {
	if r.OrdersByState, err = p.core.Read.OrderStates(ctx); err != nil {
		return err
	}
	breaks, err := p.core.Read.OpenBreaks(ctx)
	if err != nil {
		return err
	}
	r.Breaks = map[string]int{}
	for _, b := range breaks {
		r.Breaks[string(b.Category)] = b.Count
	}
	operations, err := p.core.Read.OperationCounts(ctx)
	for _, o := range operations {
		r.Operations = append(r.Operations, OperationCount{o.Kind.String(), o.State.String(), o.Count})
	}
	return err
}

// fileFacts lists the files and the replies by center, and the rejects.
func (p *play) fileFacts(ctx context.Context, r *Report) error {
	sent, err := listing.All(func(r listing.Range) (listing.Part[files.File], error) {
		return p.core.Night.Files(ctx, clearing.Query{Range: r})
	})
	if err != nil {
		return err
	}
	slices.SortFunc(sent, func(a, b files.File) int { return cmp.Or(cmp.Compare(a.Center, b.Center), cmp.Compare(a.ID, b.ID)) })
	batches, err := p.batches(ctx, "")
	if err != nil {
		return err
	}
	taken, of := map[string]string{}, map[int64]clearing.Batch{}
	for _, n := range p.nights {
		for _, f := range n.files {
			taken[f.name] = f.sha256
		}
	}
	for _, b := range batches {
		of[b.ID] = b
	}
	for _, f := range sent {
		r.Files = append(r.Files, p.fileLine(f, of[f.Batch], taken[f.Name]))
	}
	return errors.Join(p.replyFacts(ctx, r, sent), p.rejectFacts(ctx, r))
}

// batches are those in a state, the newest first; empty: all.
func (p *play) batches(ctx context.Context, state string) ([]clearing.Batch, error) {
	return listing.All(func(r listing.Range) (listing.Part[clearing.Batch], error) {
		part, _, err := p.core.Night.Batches(ctx, clearing.Query{State: state, Range: r})
		return part, err
	})
}

// framing are the messages of a file that are no records: its header and its trailer.
const framing = 2

func (p *play) fileLine(f files.File, b clearing.Batch, taken string) FileLine {
	l := FileLine{Center: p.centerName(f.Center), BusinessDate: b.BusinessDate.Format(time.DateOnly), Sequence: f.Sequence, Name: f.Name, Format: p.format(f.Center),
		Currency: b.CurrencyCode, Debit: b.SalesAmount, Credit: b.CreditsAmount, SHA256: hex.EncodeToString(f.SHA256), State: string(f.State), Taken: taken}
	if f.Messages != nil {
		l.Records = *f.Messages - framing
	}
	if f.DeliveredAt != nil {
		l.DeliveredAt = instant(f.DeliveredAt.In(p.location()))
	}
	return l
}

func (p *play) replyFacts(ctx context.Context, r *Report, sent []files.File) error {
	replies, err := listing.All(func(r listing.Range) (listing.Part[clearing.Reply], error) {
		return p.core.Night.Replies(ctx, clearing.Query{Range: r})
	})
	if err != nil {
		return err
	}
	slices.SortFunc(replies, func(a, b clearing.Reply) int { return cmp.Or(cmp.Compare(a.Center, b.Center), cmp.Compare(a.ID, b.ID)) })
	of := map[int64]files.File{}
	for _, f := range sent {
		of[f.ID] = f
	}
	for _, y := range replies {
		l := ReplyLine{Center: p.centerName(y.Center), Name: y.Name, State: string(y.State), Accepted: y.Accepted, Rejected: y.Rejected,
			FetchedAt: instant(y.FetchedAt.In(p.location()))}
		if y.File != nil {
			l.File, l.Whole = of[*y.File].Name, of[*y.File].State == states.FileRejected
		}
		r.Replies = append(r.Replies, l)
	}
	return nil
}

func (p *play) rejectFacts(ctx context.Context, r *Report) error {
	rejects, err := p.core.Read.RejectSums(ctx)
	for _, j := range rejects {
		r.Rejects = append(r.Rejects, RejectLine{Center: p.centerName(j.Center), BusinessDate: j.BusinessDate.Format(time.DateOnly), Kind: j.Kind.String(),
			Class: string(j.Class), Code: j.Code, State: string(j.State), Currency: j.Currency.String(), Count: j.Count, Amount: j.Amount})
	}
	return err
}

// format names what a center takes, such as "ipm cp500 unblocked".
func (p *play) format(center int16) string {
	c := castNamed(p.centerName(center))
	if c.blocked {
		return "ipm " + c.charset + " 1014"
	}
	return "ipm " + c.charset
}

func (p *play) moneyFacts(ctx context.Context, r *Report) error {
	credits, err := p.core.Read.RecordSums(ctx, settle.Credit)
	if err != nil {
		return err
	}
	refunds, err := p.core.Read.RefundSums(ctx)
	if err != nil {
		return err
	}
	reversals, err := p.core.Read.ReversalSums(ctx)
	if err != nil {
		return err
	}
	expiries, err := p.core.Read.ExpirySums(ctx)
	if err != nil {
		return err
	}
	for _, s := range credits {
		r.Refunds = append(r.Refunds, p.moneyLine(s, "credit record", "queued"))
	}
	for _, s := range refunds {
		r.Refunds = append(r.Refunds, p.moneyLine(s.Sum, "online refund", s.State.String()))
	}
	slices.SortStableFunc(r.Refunds, func(a, b MoneyLine) int { return cmp.Compare(p.centerNumber(a.Center), p.centerNumber(b.Center)) })
	for _, s := range reversals {
		r.Reversals = append(r.Reversals, p.moneyLine(s.Sum, s.Kind.String(), s.State.String()))
	}
	for _, s := range expiries {
		r.Expiries = append(r.Expiries, p.moneyLine(s, "hold", "expired"))
	}
	return nil
}

func (p *play) moneyLine(s read.Sum, kind, state string) MoneyLine {
	return MoneyLine{Center: p.centerName(s.Center), Kind: kind, State: state, Currency: s.Currency.String(), Count: s.Count, Amount: s.Amount}
}

func (p *play) balances(ctx context.Context, r *Report) error {
	all, err := p.core.Read.Day(ctx, p.core.Books.Ledger().Date(p.clock.Now()), 0)
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
