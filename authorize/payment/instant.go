package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"settled/authorize/instant"
	"settled/authorize/tenants"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/wish"

	"golang.org/x/sync/errgroup"
)

// Instant carries out instant payments: it asks the partner banks and tells the books. Whatever it does may be cut off and
// done again: registrations and refunds are known to the bank by our ids.
type Instant struct {
	Books       *settle.Books
	Credentials *credential.Store
	Wishes      *wish.Fulfiller
	Directory   *settle.Directory
	Partners    map[int16]Bank
	Merchants   map[int32]tenants.Merchant
	Now         func() time.Time
	Log         *slog.Logger

	mu    sync.Mutex
	lists map[int16]bankList // by center; nil: none yet
}

// bankList is what a partner bank answered when it was asked whose apps a buyer can choose.
type bankList struct {
	banks []instant.Bank
	until time.Time
}

// listLife is how long a list of banks is kept.
const listLife = 6 * time.Hour

// Begin asks the partner bank for a code to pay the order with. It changes nothing where one is waiting. A bank that cannot
// be reached is no error: the payment waits for its registration, which Begin asks for again.
func (d *Instant) Begin(ctx context.Context, o *settle.Order) error {
	m, _ := d.Directory.Merchant(o.Merchant)
	q, err := d.Directory.Quote(m, order.MeansInstant, o.Original, d.Now())
	if err != nil {
		return err
	}
	bank, ok := d.Partners[q.Route.Center.ID]
	if !ok {
		return fmt.Errorf("%w: center %s has no partner bank", settle.ErrNoRoute, q.Route.Center.Name)
	}
	p, err := d.Books.BeginInstant(ctx, o.Merchant, o.ID, d.Now().Add(bank.life()))
	if err != nil || p.State != settle.InstantRequested {
		return err
	}
	return d.register(ctx, p, o)
}

// register asks for a code under the payment's id, with the same words each time.
func (d *Instant) register(ctx context.Context, p *settle.InstantPayment, o *settle.Order) error {
	m, _ := d.Directory.Merchant(o.Merchant)
	r := instant.Registration{ID: p.ID(), Amount: p.Amount, Description: payerText(m, o),
		TTL: max(p.ExpiresAt.Sub(p.RegisteredAt).Truncate(time.Second), instant.MinTTL), Subscribe: d.asksConsent(o)}
	given, token, err := d.oneClick(ctx, o)
	if err != nil {
		return err
	}
	defer token.Wipe()
	if given != nil {
		r.Token, r.Subscribe = string(token.Reveal()), false
	}
	said, err := d.Partners[p.Center].Client.Register(ctx, r)
	switch {
	case errors.Is(err, instant.ErrRefused) && p.Fresh && given != nil: // the buyer may have ended his consent at his bank
		return d.withoutConsent(ctx, p, o, given)
	case errors.Is(err, instant.ErrRefused) && p.Fresh: // a repeat that is refused says nothing about the first request
		return d.end(ctx, p, settle.EndLeft, "the bank refused to register it: "+err.Error())
	case err != nil:
		d.Log.Warn("instant payment not registered; it can be asked for again", slog.String("payment", p.ID()), slog.Any("error", err))
		return nil
	case said.Status == instant.Active:
		return d.Books.InstantRegistered(ctx, p, said.QR, said.Payload, said.ExpiresAt)
	}
	return d.learn(ctx, p, said)
}

// oneClick is the consent that the order's buyer gave before: the bank then asks the buyer in his app instead of waiting for
// a scan. It is nil for orders that begin a subscription, and where the shop has not proven who the buyer is.
func (d *Instant) oneClick(ctx context.Context, o *settle.Order) (*credential.Credential, vault.Secret, error) {
	decided, err := DecisionsOf(o)
	if err != nil {
		return nil, vault.Secret{}, err
	}
	if !d.Merchants[o.Merchant].Page.OneClick || o.Customer == "" || !decided.Proven || AgreedOf(o) != nil {
		return nil, vault.Secret{}, nil
	}
	all, err := d.Credentials.Of(ctx, o.Merchant, o.Customer)
	i := slices.IndexFunc(all, func(c *credential.Credential) bool { return c.Means == order.MeansInstant })
	if err != nil || i < 0 {
		return nil, vault.Secret{}, err
	}
	token, err := d.Credentials.UseConsent(ctx, all[i])
	return all[i], token, err
}

// AskedInApp tells that the bank asks the buyer of the order in his app: he gave his consent before.
func (d *Instant) AskedInApp(ctx context.Context, o *settle.Order) (bool, error) {
	given, token, err := d.oneClick(ctx, o)
	token.Wipe()
	return given != nil, err
}

// withoutConsent forgets a consent that the bank does not take any more, and asks for a code that anybody can scan.
func (d *Instant) withoutConsent(ctx context.Context, p *settle.InstantPayment, o *settle.Order, c *credential.Credential) error {
	if err := d.end(ctx, p, settle.EndLeft, "the bank does not take the stored consent any more"); err != nil {
		return err
	}
	err := d.Credentials.Forget(ctx, c.Merchant, c.Customer, c.ID)
	if err != nil && !errors.Is(err, credential.ErrNone) {
		return err
	}
	return d.Begin(ctx, o)
}

// payerText is what the buyer reads in the bank's app.
func payerText(m *settle.Merchant, o *settle.Order) string {
	text := []rune(m.Name + ", order " + o.Number)
	return string(text[:min(len(text), instant.MaxDescription)])
}

// asksConsent tells that the buyer is asked to let the merchant take later payments: the order begins a subscription, or the
// buyer wants to pay the next time without the code.
func (d *Instant) asksConsent(o *settle.Order) bool {
	return o.Terms != nil || o.Customer != "" && d.Merchants[o.Merchant].Page.OneClick
}

// learn tells the books what the bank says a payment has come to.
func (d *Instant) learn(ctx context.Context, p *settle.InstantPayment, said instant.Payment) error {
	switch said.Status {
	case instant.Paid:
		return d.Paid(ctx, p.Center, p.Merchant, p.Order, p.Operation, said)
	case instant.Expired:
		return d.end(ctx, p, settle.EndExpired, "not paid in time")
	case instant.Refused:
		if said.Code == instant.CodeCanceled {
			return d.end(ctx, p, settle.EndLeft, LeftForOthers)
		}
		return d.end(ctx, p, settle.EndRefused, "refused by the payer or the bank: "+said.Code)
	case instant.Active, instant.Pending, instant.Done: // nothing is decided
	}
	return nil
}

func (d *Instant) end(ctx context.Context, p *settle.InstantPayment, end settle.InstantEnd, why string) error {
	return d.Books.InstantEnded(ctx, p.Merchant, p.Order, p.Operation, end, why)
}

// Paid records a payment, with the consent that came with it. After an error the bank tells it again.
func (d *Instant) Paid(ctx context.Context, center int16, merchant int32, id int64, operation int16, said instant.Payment) error {
	r := said.Receipt
	_, err := d.Books.InstantMade(ctx, merchant, id, operation,
		settle.Paid{Center: center, Operation: r.OperationID, Amount: r.Amount, At: r.At, Consent: r.Token})
	return err
}

// Leave takes back the code that the order waits for, so that other means can be chosen. When money may be on its way, it
// is ErrInFlight.
func (d *Instant) Leave(ctx context.Context, o *settle.Order, why string) error {
	p, err := d.Waiting(ctx, o)
	if p == nil || err != nil {
		return err
	}
	said, err := d.Partners[p.Center].Client.Cancel(ctx, p.ID())
	switch {
	case errors.Is(err, instant.ErrNotFound), err == nil && said.Status == instant.Refused:
		return d.end(ctx, p, settle.EndLeft, why)
	case err != nil:
		return fmt.Errorf("%w: %w", settle.ErrInFlight, err)
	case said.Status == instant.Active:
		return fmt.Errorf("%w: money may be on its way", settle.ErrInFlight)
	}
	return d.learn(ctx, p, said)
}

// Waiting is the instant payment that the order waits for, or nil.
func (d *Instant) Waiting(ctx context.Context, o *settle.Order) (*settle.InstantPayment, error) {
	if o.Means != order.MeansInstant {
		return nil, nil
	}
	p, err := d.Books.Instant(ctx, o)
	if err != nil || p == nil || p.State != settle.InstantRequested && p.State != settle.InstantActive {
		return nil, err
	}
	return p, nil
}

// Banks are those whose apps a buyer can choose; none when the partner bank cannot be asked.
func (d *Instant) Banks(ctx context.Context, center int16) []instant.Bank {
	now := d.Now()
	d.mu.Lock()
	list := d.lists[center]
	d.mu.Unlock()
	if now.Before(list.until) {
		return list.banks
	}
	found, err := d.Partners[center].Client.Banks(ctx)
	if err != nil {
		d.Log.Warn("list of banks not read", slog.Any("center", center), slog.Any("error", err))
		return list.banks
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lists == nil {
		d.lists = map[int16]bankList{}
	}
	d.lists[center] = bankList{found, now.Add(listLife)}
	return found
}

// pollBatch is how many payments the banks are asked about in one step, pollAtOnce how many at a time.
const (
	pollBatch  = 128
	pollAtOnce = 8
)

// PollDue asks the partner banks about the payments that are due to be asked about, and returns how many those were.
func (d *Instant) PollDue(ctx context.Context) (int, error) {
	due, err := d.Books.InstantDue(ctx, pollBatch)
	if err != nil {
		return 0, err
	}
	var all errgroup.Group
	all.SetLimit(pollAtOnce)
	failures := make([]error, len(due))
	for i, p := range due {
		all.Go(func() error {
			failures[i] = d.poll(ctx, p)
			return nil
		})
	}
	_ = all.Wait()
	return len(due), errors.Join(failures...)
}

// poll asks about one payment. One that the bank does not know, long after its end, was never registered.
func (d *Instant) poll(ctx context.Context, p *settle.InstantPayment) error {
	bank, ok := d.Partners[p.Center]
	if !ok {
		return fmt.Errorf("instant payment %s: center %d has no partner bank", p.ID(), p.Center)
	}
	said, err := bank.Client.Payment(ctx, p.ID())
	switch {
	case errors.Is(err, instant.ErrNotFound):
		if d.Now().Before(p.ExpiresAt.Add(instant.FinalAfter)) {
			return nil
		}
		return d.end(ctx, p, settle.EndLeft, "the bank never knew it")
	case err != nil:
		d.Log.Info("partner bank did not say what a payment has come to; it is asked again", slog.String("payment", p.ID()), slog.Any("error", err))
		return nil
	}
	return d.learn(ctx, p, said)
}

// LeftForOthers is noted of a code whose buyer went back to choose other means.
const LeftForOthers = "other means chosen"

// BankNamed is an instant center and its client, nil when there is none of the name.
func (d *Instant) BankNamed(name string) (int16, *instant.Client) {
	for id, b := range d.Partners {
		if c, ok := d.Directory.Center(id); ok && c.Name == name {
			return id, b.Client
		}
	}
	return 0, nil
}
