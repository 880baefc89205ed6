package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/authorize/threeds"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"

	"golang.org/x/sync/errgroup"
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

// Secure has cardholders authenticated before their payments are sent, and goes on with these as their banks decide.
type Secure struct {
	Cards           *Cards
	Books           *settle.Books
	Authentications *authentication.Book
	Server          ThreeDS // nil: nobody is authenticated
	Merchants       map[int32]tenants.Merchant
	Codes           *CodeStore
	Count           func(end string) // notes how the 3-D Secure of a payment ended
	Now             func() time.Time
	Log             *slog.Logger
}

// Secures tells that cardholders of a merchant are authenticated before they pay.
func (s *Secure) Secures(m *tenants.Merchant) bool { return s.Server != nil && m.Page.ThreeDS }

// Has tells that cardholders can be authenticated here.
func (s *Secure) Has() bool { return s.Server != nil }

// Enroll asks whether the card takes part in 3-D Secure and begins the payment operation that waits for it. failure is why nobody could
// say: Unenrolled decides then, and for a card that does not take part.
func (s *Secure) Enroll(ctx context.Context, r settle.PayRequest, browser string) (a authentication.Authentication, failure, err error) {
	id := fmt.Sprintf("%d.%d.%s", r.Order, r.Number, protocol.Correlation())
	e, failure := s.Server.Start(ctx, id, r.PAN)
	if failure != nil {
		s.Log.Warn("3-D Secure not started", slog.Int64("order", r.Order), slog.Any("error", failure))
	}
	a = authentication.Authentication{ServerID: e.ServerTransID, Version: e.Version, Required: int16(e.Enrolled), MethodURL: e.MethodURL, Browser: browser}
	if e.Enrolled != threeds.IsEnrolled {
		a.ServerID = id
	}
	ctx, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	a.Operation, err = s.Books.Authenticate(ctx, r, a)
	return a, failure, err
}

// Unenrolled goes on with a payment by a card that does not take part, or of which nobody could say: then only the merchant's settings
// let it pass, and never when our own request may be the cause.
func (s *Secure) Unenrolled(ctx context.Context, o *settle.Order, a *authentication.Authentication, failure error) (Outcome, error) {
	said := threeds.Authentication{ServerTransID: a.ServerID}
	switch {
	case failure == nil && a.Required == int16(threeds.NotEnrolled):
		s.Count(EndNotEnrolled)
		return s.pass(ctx, o, said)
	case failure == nil, errors.Is(failure, threeds.ErrUnavailable):
		return s.unproven(ctx, o, said)
	}
	return s.refuseSecure(ctx, o, said, protocol.ResponseDeclined, EndInvalid)
}

// unproven goes on with a payment whose cardholder nobody could authenticate for technical reasons.
func (s *Secure) unproven(ctx context.Context, o *settle.Order, said threeds.Authentication) (Outcome, error) {
	if settings := s.Merchants[o.Merchant]; !settings.Page.Unproven {
		return s.refuseSecure(ctx, o, said, protocol.ResponseReception, EndUnavailableRefused)
	}
	s.Count(EndUnavailablePassed)
	return s.pass(context.WithoutCancel(ctx), o, said)
}

// refuseSecure ends a payment whose cardholder was not authenticated: nothing is sent.
func (s *Secure) refuseSecure(ctx context.Context, o *settle.Order, said threeds.Authentication, response, end string) (Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), SettleTimeout)
	defer cancel()
	s.Codes.take(AttemptOf(o)).Wipe()
	s.Count(end)
	a := authentication.Authentication{ServerID: said.ServerTransID, State: authentication.Failed, Status: string(said.Status), ECI: said.ECI, DirectoryID: said.DSTransID}
	_, err := s.Books.Authenticated(ctx, o.Merchant, o.ID, a, response)
	return Outcome{settle.Result{Response: response}, true}, err
}

// Outcome is what a payment came to: nothing while it waits for its cardholder or its outcome is not known.
type Outcome struct {
	settle.Result
	Known bool
}

// decide goes on with a payment by what the 3-D Secure server says of its cardholder. An error for which Overtaken is true says that
// somebody else did.
func (s *Secure) decide(ctx context.Context, o *settle.Order, said threeds.Authentication) (Outcome, error) {
	defer said.Value.Wipe()
	switch {
	case !said.Status.Final():
		return Outcome{}, s.challenged(ctx, o, said)
	case said.Status.Unproven():
		return s.unproven(ctx, o, said)
	case said.Status.Proven():
		s.Count(EndProven)
		return s.pass(context.WithoutCancel(ctx), o, said)
	}
	return s.refuseSecure(ctx, o, said, responseOfStatus(said.Status), EndFailed)
}

func (s *Secure) challenged(ctx context.Context, o *settle.Order, said threeds.Authentication) error {
	ctx, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	return s.Books.Challenged(ctx, o.Merchant, o.ID, authentication.Authentication{ServerID: said.ServerTransID, Status: string(said.Status), ECI: said.ECI, DirectoryID: said.DSTransID})
}

// responseOfStatus is what a merchant is told of a cardholder who was not authenticated.
func responseOfStatus(s threeds.Status) string {
	if s == threeds.StatusRejected {
		return protocol.ResponseFraud
	}
	return protocol.ResponseDeclined
}

// pass sends a payment whose 3-D Secure is over, with the verification code if this process still has it.
func (s *Secure) pass(ctx context.Context, o *settle.Order, said threeds.Authentication) (Outcome, error) {
	k := protocol.Card{Expiry: o.CardExpiry, CVV: s.Codes.take(AttemptOf(o))}
	defer k.CVV.Wipe()
	var err error
	if k.PAN, err = s.Books.PAN(o); err != nil {
		return Outcome{}, err
	}
	decided, err := DecisionsOf(o)
	if err != nil {
		return Outcome{}, err
	}
	f, err := s.Cards.FilingOf(ctx, o, decided)
	if err != nil {
		return Outcome{}, err
	}
	books, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	a := authentication.Authentication{ServerID: said.ServerTransID, State: authentication.Passed, Status: string(said.Status), ECI: said.ECI,
		DirectoryID: said.DSTransID}
	p, err := s.Books.Authenticated(books, o.Merchant, o.ID, a, "")
	if err != nil {
		return Outcome{}, err
	}
	r := s.Cards.Request(p, k)
	f.Mark(&r, p)
	if _, known := online.SecurityLevel(said.ECI); known {
		r.Authentication = online.Authentication{ECI: said.ECI, Value: said.Value, DSTransID: said.DSTransID}
	}
	result, known := s.Cards.Perform(ctx, p, r)
	return Outcome{result, known}, nil
}

// Authenticating is the 3-D Secure that the order's payment waits for, nil when it does not.
func (s *Secure) Authenticating(ctx context.Context, o *settle.Order) (*authentication.Authentication, error) {
	ctx, cancel := Patient(ctx)
	defer cancel()
	return o.Authenticating(ctx, s.Authentications)
}

// Ask has the cardholder authenticated, once the bank has looked at the browser or will not.
func (s *Secure) Ask(ctx context.Context, o *settle.Order, a *authentication.Authentication, r threeds.Request) (Outcome, error) {
	r.ServerTransID, r.Version, r.Method = a.ServerID, a.Version, threeds.MethodNone
	switch {
	case a.MethodDone:
		r.Method = threeds.MethodCompleted
	case a.MethodURL != "":
		r.Method = threeds.MethodFailed
	}
	said, err := s.Server.Authenticate(ctx, r)
	if errors.Is(err, threeds.ErrInvalid) { // perhaps it was asked already, with other words
		if earlier, wrong := s.Server.Result(ctx, a.ServerID); wrong == nil {
			said, err = earlier, nil
		}
	}
	if err != nil {
		s.Log.Warn("cardholder not authenticated", slog.Int64("order", o.ID), slog.Any("error", err))
		said = threeds.Authentication{ServerTransID: a.ServerID, Status: threeds.StatusUnavailable}
	}
	if err != nil && !errors.Is(err, threeds.ErrUnavailable) {
		said.Status = "" // nobody said anything of the cardholder
		return s.refuseSecure(ctx, o, said, protocol.ResponseDeclined, EndInvalid)
	}
	return s.decide(ctx, o, said)
}

// Follow asks what became of a cardholder who was asked, and goes on with the payment when that is final or its time is
// over. It returns the challenge while there is one.
func (s *Secure) Follow(ctx context.Context, o *settle.Order, a *authentication.Authentication) (threeds.Challenge, Outcome, error) {
	if !s.Now().Before(a.ExpiresAt) {
		out, err := s.decide(ctx, o, threeds.Authentication{ServerTransID: a.ServerID, Status: threeds.StatusFailed})
		return threeds.Challenge{}, out, err
	}
	said, err := s.Server.Result(ctx, a.ServerID)
	switch {
	case err != nil:
		s.Log.Warn("3-D Secure result not known yet", slog.Int64("order", o.ID), slog.Any("error", err))
		return threeds.Challenge{}, Outcome{}, nil
	case !said.Status.Final():
		return said.Challenge, Outcome{}, nil
	}
	out, err := s.decide(ctx, o, said)
	return threeds.Challenge{}, out, err
}

// authenticateBatch is how many waiting authentications are looked after in one step, authenticateAtOnce how many at a time.
const (
	authenticateBatch  = 100
	authenticateAtOnce = 16
)

// AuthenticateDue looks after payments whose cardholder nobody comes back for: it asks about those that are confirmed by
// other ways than a page, and ends those whose time is over. It returns how many it looked at.
func (s *Secure) AuthenticateDue(ctx context.Context) (int, error) {
	due, err := s.Authentications.Due(ctx, authenticateBatch)
	if err != nil {
		return 0, err
	}
	var all errgroup.Group
	all.SetLimit(authenticateAtOnce)
	failures := make([]error, len(due))
	for i, d := range due {
		all.Go(func() error {
			failures[i] = s.lookAfter(ctx, d)
			return nil
		})
	}
	_ = all.Wait()
	return len(due), errors.Join(failures...)
}

func (s *Secure) lookAfter(ctx context.Context, d authentication.Waiting) error {
	o, err := s.Books.Order(ctx, d.Merchant, d.Order)
	if err != nil {
		return err
	}
	a, err := o.Authenticating(ctx, s.Authentications)
	if a == nil || err != nil || s.Server == nil {
		return err
	}
	if _, _, err = s.Follow(ctx, o, a); Overtaken(err) {
		return nil
	}
	return err
}

// How the 3-D Secure of a payment ends, as the metric has it.
const (
	EndProven             = "proven"
	EndNotEnrolled        = "not_enrolled"
	EndFailed             = "failed"
	EndInvalid            = "invalid"
	EndUnavailablePassed  = "unavailable_passed"
	EndUnavailableRefused = "unavailable_refused"
)
