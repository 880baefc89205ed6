package authorize

import (
	"context"
	"fmt"
	"log/slog"

	"settled/authorize/checkout"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
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
	g := &Gateway{books: o.Books, notifications: notification.NewQueue(o.Books.Pool, o.Books.Now, o.Directory.MerchantIDs()),
		turns: turns.NewDesk(o.Books.Pool), directory: o.Directory, vault: o.Vault, signingKey: o.SigningKey, notifier: o.Notifier, source: o.Source,
		stalled: o.Stalled, inlineBudget: o.InlineBudget, now: o.Now, log: o.Log, register: r, meter: meter,
		load: tenants.NewLoad(o.MaxRequests, o.MaxPerMerchant, o.Merchants), forging: tenants.NewSources(o.Limits.Forged, o.Now)}
	g.tests = tenants.NewCardTests(o.Merchants, o.Now, tellTested(meter, o.Log))
	meter.countStopped(o.Registerer, g.tests.Stopped)
	g.knows = protocol.Knowledge{Charset: g.charsetOf, Bill: g.gaveOut}
	g.openPayments(&o)
	g.checkout = g.openCheckout(&o)
	g.start()
	return g, nil
}

// openPayments makes what carries payments out.
func (g *Gateway) openPayments(o *Options) {
	g.ways = payment.Ways{Directory: o.Directory, Instant: len(o.Banks) > 0, Now: o.Now}
	g.prints = payment.Fingerprints{Vault: o.Vault}
	g.codes = payment.NewCodeStore(o.Now)
	g.credentials = credential.NewStore(o.Books.Pool, o.Vault, o.Books.Now)
	g.cards = payment.NewCards(o.Books, g.credentials, o.Centers, o.Log)
	g.authentications = authentication.NewBook(o.Books.Pool, o.Books.Now)
	g.secure = &payment.Secure{Cards: g.cards, Books: o.Books, Authentications: g.authentications, Server: o.ThreeDS, Merchants: o.Merchants,
		Codes: g.codes, Count: g.meter.secured, Now: o.Now, Log: o.Log}
	g.instant = &payment.Instant{Books: o.Books, Credentials: g.credentials, Directory: o.Directory,
		Wishes: wish.New(o.Books.Pool, g.credentials, o.Vault, o.Books.Now, o.Log), Partners: o.Banks, Merchants: o.Merchants, Now: o.Now, Log: o.Log}
	g.wallet = &payment.Wallet{Cards: g.cards, Instant: g.instant, Credentials: g.credentials, Subscriptions: subscription.NewBook(o.Books.Pool, o.Books.Now)}
	g.sender = payment.NewSender(o.Books, reconcile.NewUnknown(o.Books), o.Directory, o.Centers, o.Banks, o.Log)
}

// openCheckout makes the payment page.
func (g *Gateway) openCheckout(o *Options) *checkout.Pages {
	return checkout.New(checkout.Options{Books: o.Books, Credentials: g.credentials, Authentications: g.authentications, Directory: o.Directory,
		Vault: o.Vault, Register: g.register, Load: g.load, Tests: g.tests, Ways: g.ways, Prints: g.prints, Cards: g.cards, Secure: g.secure, Instant: g.instant, Codes: g.codes, Centers: o.Centers, Limits: o.Limits, Now: o.Now,
		Log: o.Log, Source: o.Source, OverTLS: o.Secure, PublicURL: o.PublicURL, Stalled: o.Stalled, Knows: g.knows, Report: g.report})
}

// start begins what goes on beside requests, until Close.
func (g *Gateway) start() {
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	g.owned.Go(func() { g.cards.RecordLate(ctx) })
	g.owned.Go(func() { g.codes.Sweep(ctx) })
}
