package authorize

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"settled/authorize/checkout"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/credential"
	"settled/settle/notification"
	"settled/settle/reconcile"
	"settled/settle/subscription"
	"settled/settle/turns"
	"settled/settle/wish"
)

// New checks the options: every merchant has a contract and a usable password hash, every center that takes cards a host.
func New(o Options) (*Gateway, error) {
	o.fill()
	if err := o.check(); err != nil {
		return nil, err
	}
	meter := newMeter(o.Registerer)
	r, err := tenants.NewRegister(o.Merchants, o.Directory, o.Now, func(merchant int32) {
		meter.besieged()
		o.Log.Error("passwords of a merchant are guessed from many sources", slog.Any("merchant", merchant))
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	g := &Gateway{register: r, meter: meter, load: tenants.NewLoad(o.MaxRequests, o.MaxPerMerchant, o.Merchants), forging: tenants.NewSources(o.Limits.Forged, o.Now),
		tests: tenants.NewCardTests(o.Merchants, o.Now, tellTested(meter, o.Log)), reading: &atomic.Int64{}, codes: payment.NewCodeStore(o.Now)}
	meter.countStopped(o.Registerer, g.tests.Stopped)
	g.credentials = credential.NewStore(o.Books.Pool, o.Vault, o.Books.Now)
	g.cards = payment.NewCards(o.Books, g.credentials, o.Centers, o.Log)
	g.furnish(&o)
	g.checkout = checkout.New(g.pages(&o))
	g.start()
	return g, nil
}

// Under returns a gateway for changed merchants, with books whose directory has them and the same centers. It shares with g what was seen
// of callers, the codes of cards that wait for 3-D Secure, and the metrics; requests that g serves end with what they began with. Only g
// is closed. It fails as New does.
func (g *Gateway) Under(books *settle.Books, merchants map[int32]tenants.Merchant) (*Gateway, error) {
	o := g.options
	o.Books, o.Directory, o.Merchants = books, books.Directory, merchants
	if err := o.check(); err != nil {
		return nil, err
	}
	r, err := g.register.Under(merchants, o.Directory)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	other := &Gateway{register: r, meter: g.meter, load: g.load.Under(merchants), forging: g.forging, tests: g.tests.Under(merchants), reading: g.reading,
		codes: g.codes, credentials: g.credentials, cards: g.cards.Under(books)}
	other.furnish(&o)
	other.checkout = g.checkout.Under(other.pages(&o))
	return other, nil
}

// furnish makes what remembers nothing.
func (g *Gateway) furnish(o *Options) {
	g.options, g.books, g.directory, g.vault = *o, o.Books, o.Directory, o.Vault
	g.notifications, g.turns = notification.NewQueue(o.Books.Pool, o.Books.Now, o.Directory.MerchantIDs()), turns.NewDesk(o.Books.Pool)
	g.signingKey, g.notifier, g.source, g.stalled, g.inlineBudget, g.now, g.log = o.SigningKey, o.Notifier, o.Source, o.Stalled, o.InlineBudget, o.Now, o.Log
	g.knows = protocol.Knowledge{Charset: g.charsetOf, Bill: g.gaveOut}
	g.openPayments(o)
}

// openPayments makes what carries payments out.
func (g *Gateway) openPayments(o *Options) {
	g.ways = payment.Ways{Directory: o.Directory, Instant: len(o.Banks) > 0, Now: o.Now}
	g.prints = payment.Fingerprints{Vault: o.Vault}
	g.authentications = authentication.NewBook(o.Books.Pool, o.Books.Now)
	g.secure = &payment.Secure{Cards: g.cards, Books: o.Books, Authentications: g.authentications, Server: o.ThreeDS, Merchants: o.Merchants,
		Codes: g.codes, Count: g.meter.secured, Now: o.Now, Log: o.Log}
	g.instant = &payment.Instant{Books: o.Books, Credentials: g.credentials, Directory: o.Directory,
		Wishes: wish.New(o.Books.Pool, g.credentials, o.Vault, o.Books.Now, o.Log), Partners: o.Banks, Merchants: o.Merchants, Now: o.Now, Log: o.Log}
	g.wallet = &payment.Wallet{Cards: g.cards, Instant: g.instant, Credentials: g.credentials, Subscriptions: subscription.NewBook(o.Books.Pool, o.Books.Now)}
	g.sender = payment.NewSender(o.Books, reconcile.NewUnknown(o.Books), o.Directory, o.Centers, o.Banks, o.Log)
}

// pages are the options of the payment page.
func (g *Gateway) pages(o *Options) checkout.Options {
	return checkout.Options{Books: o.Books, Credentials: g.credentials, Authentications: g.authentications, Directory: o.Directory,
		Vault: o.Vault, Register: g.register, Load: g.load, Tests: g.tests, Ways: g.ways, Prints: g.prints, Cards: g.cards, Secure: g.secure, Instant: g.instant, Codes: g.codes, Centers: o.Centers, Limits: o.Limits, Now: o.Now,
		Log: o.Log, Source: o.Source, OverTLS: o.Secure, PublicURL: o.PublicURL, Stalled: o.Stalled, Knows: g.knows, Report: g.report}
}

// start begins what goes on beside requests, until Close.
func (g *Gateway) start() {
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	g.owned.Go(func() { g.cards.RecordLate(ctx) })
	g.owned.Go(func() { g.codes.Sweep(ctx) })
}
