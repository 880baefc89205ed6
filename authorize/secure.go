package authorize

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/authorize/threeds"
	"settled/internal/vault"
	"settled/settle"
)

// ThreeDS is a 3-D Secure server; [threeds.Client] is one. The errors are those of package threeds.
type ThreeDS interface {
	// Start asks whether a card takes part and begins a transaction if it does.
	Start(ctx context.Context, id string, card vault.PAN) (threeds.Enrollment, error)
	// Authenticate has the cardholder of a transaction authenticated.
	Authenticate(ctx context.Context, r threeds.Request) (threeds.Authentication, error)
	// Result tells what a transaction has come to.
	Result(ctx context.Context, serverTransID string) (threeds.Authentication, error)
}

// secures tells that card holders of a merchant are authenticated before they pay.
func (g *Gateway) secures(m *Merchant) bool { return g.ThreeDS != nil && m.Page.ThreeDS }

// enroll asks whether the card takes part in 3-D Secure and begins the payment operation that waits for it. failure is why nobody could
// say: unenrolled decides then, and for a card that does not take part.
func (g *Gateway) enroll(ctx context.Context, r settle.PayRequest, browser string) (a settle.Authentication, failure, err error) {
	id := fmt.Sprintf("%d.%d.%s", r.Order, r.Number, correlation())
	e, failure := g.ThreeDS.Start(ctx, id, r.PAN)
	if failure != nil {
		g.Log.Warn("3-D Secure not started", "order", r.Order, "error", failure)
	}
	a = settle.Authentication{ServerID: e.ServerTransID, Version: e.Version, Required: int16(e.Enrolled), MethodURL: e.MethodURL, Browser: browser}
	if e.Enrolled != threeds.IsEnrolled {
		a.ServerID = id
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	a.Operation, err = g.Books.Authenticate(ctx, r, a)
	return a, failure, err
}

// unenrolled goes on with a payment by a card that does not take part, or of which nobody could say: then only the merchant's settings
// let it pass, and never when our own request may be the cause.
func (g *Gateway) unenrolled(ctx context.Context, o *settle.Order, a *settle.Authentication, failure error) (outcome, error) {
	s := threeds.Authentication{ServerTransID: a.ServerID}
	switch {
	case failure == nil && a.Required == int16(threeds.NotEnrolled):
		g.meter.secured(endNotEnrolled)
		return g.pass(ctx, o, s)
	case failure == nil, errors.Is(failure, threeds.ErrUnavailable):
		return g.unproven(ctx, o, s)
	}
	return g.refuseSecure(ctx, o, s, protocol.ResponseDeclined, endInvalid)
}

// unproven goes on with a payment whose cardholder nobody could authenticate for technical reasons.
func (g *Gateway) unproven(ctx context.Context, o *settle.Order, s threeds.Authentication) (outcome, error) {
	if settings := g.Merchants[o.Merchant]; !settings.Page.Unproven {
		return g.refuseSecure(ctx, o, s, protocol.ResponseReception, endUnavailableRefused)
	}
	g.meter.secured(endUnavailablePassed)
	return g.pass(context.WithoutCancel(ctx), o, s)
}

// refuseSecure ends a payment whose cardholder was not authenticated: nothing is sent.
func (g *Gateway) refuseSecure(ctx context.Context, o *settle.Order, s threeds.Authentication, response, end string) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	g.codes.take(attemptOf(o)).Wipe()
	g.meter.secured(end)
	a := settle.Authentication{ServerID: s.ServerTransID, State: settle.AuthenticationFailed, Status: string(s.Status), ECI: s.ECI, DirectoryID: s.DSTransID}
	_, err := g.Books.Authenticated(ctx, o.Merchant, o.ID, a, response)
	return outcome{settle.Result{Response: response}, true}, err
}

// outcome is what a payment came to: nothing while it waits for its cardholder or its outcome is not known.
type outcome struct {
	settle.Result
	known bool
}

// decide goes on with a payment by what the 3-D Secure server says of its cardholder. An error that is overtaken says that
// somebody else did.
func (g *Gateway) decide(ctx context.Context, o *settle.Order, s threeds.Authentication) (outcome, error) {
	defer s.Value.Wipe()
	switch {
	case !s.Status.Final():
		return outcome{}, g.challenged(ctx, o, s)
	case s.Status.Unproven():
		return g.unproven(ctx, o, s)
	case s.Status.Proven():
		g.meter.secured(endProven)
		return g.pass(context.WithoutCancel(ctx), o, s)
	}
	return g.refuseSecure(ctx, o, s, responseOfStatus(s.Status), endFailed)
}

func (g *Gateway) challenged(ctx context.Context, o *settle.Order, s threeds.Authentication) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	return g.Books.Challenged(ctx, o.Merchant, o.ID, settle.Authentication{ServerID: s.ServerTransID, Status: string(s.Status), ECI: s.ECI, DirectoryID: s.DSTransID})
}

// responseOfStatus is what a merchant is told of a cardholder who was not authenticated.
func responseOfStatus(s threeds.Status) string {
	if s == threeds.StatusRejected {
		return protocol.ResponseFraud
	}
	return protocol.ResponseDeclined
}

// pass sends a payment whose 3-D Secure is over, with the verification code if this process still has it.
func (g *Gateway) pass(ctx context.Context, o *settle.Order, s threeds.Authentication) (outcome, error) {
	k := protocol.Card{Expiry: o.CardExpiry, CVV: g.codes.take(attemptOf(o))}
	defer k.CVV.Wipe()
	var err error
	if k.PAN, err = g.Books.PAN(o); err != nil {
		return outcome{}, err
	}
	f, err := g.filingOf(ctx, o, detailsOf(o))
	if err != nil {
		return outcome{}, err
	}
	books, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	a := settle.Authentication{ServerID: s.ServerTransID, State: settle.AuthenticationPassed, Status: string(s.Status), ECI: s.ECI,
		DirectoryID: s.DSTransID}
	p, err := g.Books.Authenticated(books, o.Merchant, o.ID, a, "")
	if err != nil {
		return outcome{}, err
	}
	r := g.request(p, k)
	f.mark(&r, p)
	if _, known := online.SecurityLevel(s.ECI); known {
		r.Authentication = online.Authentication{ECI: s.ECI, Value: s.Value, DSTransID: s.DSTransID}
	}
	result, known := g.perform(ctx, p, r)
	return outcome{result, known}, nil
}

// authenticating is the 3-D Secure that the order's payment waits for, nil when it does not.
func (g *Gateway) authenticating(ctx context.Context, o *settle.Order) (*settle.Authentication, error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	return g.Books.Authenticating(ctx, o)
}

// ask has the cardholder authenticated, once the bank has looked at the browser or will not.
func (g *Gateway) ask(ctx context.Context, o *settle.Order, a *settle.Authentication, r threeds.Request) (outcome, error) {
	r.ServerTransID, r.Version, r.Method = a.ServerID, a.Version, threeds.MethodNone
	switch {
	case a.MethodDone:
		r.Method = threeds.MethodCompleted
	case a.MethodURL != "":
		r.Method = threeds.MethodFailed
	}
	s, err := g.ThreeDS.Authenticate(ctx, r)
	if errors.Is(err, threeds.ErrInvalid) { // perhaps it was asked already, with other words
		if earlier, wrong := g.ThreeDS.Result(ctx, a.ServerID); wrong == nil {
			s, err = earlier, nil
		}
	}
	if err != nil {
		g.Log.Warn("cardholder not authenticated", "order", o.ID, "error", err)
		s = threeds.Authentication{ServerTransID: a.ServerID, Status: threeds.StatusUnavailable}
	}
	if err != nil && !errors.Is(err, threeds.ErrUnavailable) {
		s.Status = "" // nobody said anything of the cardholder
		return g.refuseSecure(ctx, o, s, protocol.ResponseDeclined, endInvalid)
	}
	return g.decide(ctx, o, s)
}

// follow asks what became of a cardholder who was asked, and goes on with the payment when that is final or its time is
// over. It returns the challenge while there is one.
func (g *Gateway) follow(ctx context.Context, o *settle.Order, a *settle.Authentication) (threeds.Challenge, outcome, error) {
	if !g.Now().Before(a.ExpiresAt) {
		out, err := g.decide(ctx, o, threeds.Authentication{ServerTransID: a.ServerID, Status: threeds.StatusFailed})
		return threeds.Challenge{}, out, err
	}
	s, err := g.ThreeDS.Result(ctx, a.ServerID)
	switch {
	case err != nil:
		g.Log.Warn("3-D Secure result not known yet", "order", o.ID, "error", err)
		return threeds.Challenge{}, outcome{}, nil
	case !s.Status.Final():
		return s.Challenge, outcome{}, nil
	}
	out, err := g.decide(ctx, o, s)
	return threeds.Challenge{}, out, err
}

// authenticateBatch is how many waiting authentications are looked after in one step, authenticateAtOnce how many at a time.
const (
	authenticateBatch  = 100
	authenticateAtOnce = 16
)

// AuthenticateDue looks after payments whose cardholder nobody comes back for: it asks about those that are confirmed by
// other ways than a page, and ends those whose time is over. It returns how many it looked at.
func (g *Gateway) AuthenticateDue(ctx context.Context) (int, error) {
	due, err := g.Books.AuthenticationsDue(ctx, authenticateBatch)
	if err != nil {
		return 0, err
	}
	var all errgroup.Group
	all.SetLimit(authenticateAtOnce)
	failures := make([]error, len(due))
	for i, d := range due {
		all.Go(func() error {
			failures[i] = g.lookAfter(ctx, d)
			return nil
		})
	}
	_ = all.Wait()
	return len(due), errors.Join(failures...)
}

func (g *Gateway) lookAfter(ctx context.Context, d settle.WaitingAuthentication) error {
	o, err := g.Books.Order(ctx, d.Merchant, d.Order)
	if err != nil {
		return err
	}
	a, err := g.Books.Authenticating(ctx, o)
	if a == nil || err != nil || g.ThreeDS == nil {
		return err
	}
	if _, _, err = g.follow(ctx, o, a); overtaken(err) {
		return nil
	}
	return err
}
