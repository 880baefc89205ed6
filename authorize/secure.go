package authorize

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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

// secure has cardholders authenticated before their payments are sent, and goes on with these as their banks decide.
type secure struct {
	cards     *cards
	books     *settle.Books
	server    ThreeDS // nil: nobody is authenticated
	merchants map[int32]Merchant
	codes     *codeStore
	count     func(end string) // notes how the 3-D Secure of a payment ended
	now       func() time.Time
	log       *slog.Logger
}

// secures tells that card holders of a merchant are authenticated before they pay.
func (s *secure) secures(m *Merchant) bool { return s.server != nil && m.Page.ThreeDS }

// has tells that cardholders can be authenticated here.
func (s *secure) has() bool { return s.server != nil }

// enroll asks whether the card takes part in 3-D Secure and begins the payment operation that waits for it. failure is why nobody could
// say: unenrolled decides then, and for a card that does not take part.
func (s *secure) enroll(ctx context.Context, r settle.PayRequest, browser string) (a settle.Authentication, failure, err error) {
	id := fmt.Sprintf("%d.%d.%s", r.Order, r.Number, correlation())
	e, failure := s.server.Start(ctx, id, r.PAN)
	if failure != nil {
		s.log.Warn("3-D Secure not started", "order", r.Order, "error", failure)
	}
	a = settle.Authentication{ServerID: e.ServerTransID, Version: e.Version, Required: int16(e.Enrolled), MethodURL: e.MethodURL, Browser: browser}
	if e.Enrolled != threeds.IsEnrolled {
		a.ServerID = id
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	a.Operation, err = s.books.Authenticate(ctx, r, a)
	return a, failure, err
}

// unenrolled goes on with a payment by a card that does not take part, or of which nobody could say: then only the merchant's settings
// let it pass, and never when our own request may be the cause.
func (s *secure) unenrolled(ctx context.Context, o *settle.Order, a *settle.Authentication, failure error) (outcome, error) {
	said := threeds.Authentication{ServerTransID: a.ServerID}
	switch {
	case failure == nil && a.Required == int16(threeds.NotEnrolled):
		s.count(endNotEnrolled)
		return s.pass(ctx, o, said)
	case failure == nil, errors.Is(failure, threeds.ErrUnavailable):
		return s.unproven(ctx, o, said)
	}
	return s.refuseSecure(ctx, o, said, protocol.ResponseDeclined, endInvalid)
}

// unproven goes on with a payment whose cardholder nobody could authenticate for technical reasons.
func (s *secure) unproven(ctx context.Context, o *settle.Order, said threeds.Authentication) (outcome, error) {
	if settings := s.merchants[o.Merchant]; !settings.Page.Unproven {
		return s.refuseSecure(ctx, o, said, protocol.ResponseReception, endUnavailableRefused)
	}
	s.count(endUnavailablePassed)
	return s.pass(context.WithoutCancel(ctx), o, said)
}

// refuseSecure ends a payment whose cardholder was not authenticated: nothing is sent.
func (s *secure) refuseSecure(ctx context.Context, o *settle.Order, said threeds.Authentication, response, end string) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	s.codes.take(attemptOf(o)).Wipe()
	s.count(end)
	a := settle.Authentication{ServerID: said.ServerTransID, State: settle.AuthenticationFailed, Status: string(said.Status), ECI: said.ECI, DirectoryID: said.DSTransID}
	_, err := s.books.Authenticated(ctx, o.Merchant, o.ID, a, response)
	return outcome{settle.Result{Response: response}, true}, err
}

// outcome is what a payment came to: nothing while it waits for its cardholder or its outcome is not known.
type outcome struct {
	settle.Result
	known bool
}

// decide goes on with a payment by what the 3-D Secure server says of its cardholder. An error that is overtaken says that
// somebody else did.
func (s *secure) decide(ctx context.Context, o *settle.Order, said threeds.Authentication) (outcome, error) {
	defer said.Value.Wipe()
	switch {
	case !said.Status.Final():
		return outcome{}, s.challenged(ctx, o, said)
	case said.Status.Unproven():
		return s.unproven(ctx, o, said)
	case said.Status.Proven():
		s.count(endProven)
		return s.pass(context.WithoutCancel(ctx), o, said)
	}
	return s.refuseSecure(ctx, o, said, responseOfStatus(said.Status), endFailed)
}

func (s *secure) challenged(ctx context.Context, o *settle.Order, said threeds.Authentication) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	return s.books.Challenged(ctx, o.Merchant, o.ID, settle.Authentication{ServerID: said.ServerTransID, Status: string(said.Status), ECI: said.ECI, DirectoryID: said.DSTransID})
}

// responseOfStatus is what a merchant is told of a cardholder who was not authenticated.
func responseOfStatus(s threeds.Status) string {
	if s == threeds.StatusRejected {
		return protocol.ResponseFraud
	}
	return protocol.ResponseDeclined
}

// pass sends a payment whose 3-D Secure is over, with the verification code if this process still has it.
func (s *secure) pass(ctx context.Context, o *settle.Order, said threeds.Authentication) (outcome, error) {
	k := protocol.Card{Expiry: o.CardExpiry, CVV: s.codes.take(attemptOf(o))}
	defer k.CVV.Wipe()
	var err error
	if k.PAN, err = s.books.PAN(o); err != nil {
		return outcome{}, err
	}
	f, err := s.cards.filingOf(ctx, o, detailsOf(o))
	if err != nil {
		return outcome{}, err
	}
	books, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	a := settle.Authentication{ServerID: said.ServerTransID, State: settle.AuthenticationPassed, Status: string(said.Status), ECI: said.ECI,
		DirectoryID: said.DSTransID}
	p, err := s.books.Authenticated(books, o.Merchant, o.ID, a, "")
	if err != nil {
		return outcome{}, err
	}
	r := s.cards.request(p, k)
	f.mark(&r, p)
	if _, known := online.SecurityLevel(said.ECI); known {
		r.Authentication = online.Authentication{ECI: said.ECI, Value: said.Value, DSTransID: said.DSTransID}
	}
	result, known := s.cards.perform(ctx, p, r)
	return outcome{result, known}, nil
}

// authenticating is the 3-D Secure that the order's payment waits for, nil when it does not.
func (s *secure) authenticating(ctx context.Context, o *settle.Order) (*settle.Authentication, error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	return s.books.Authenticating(ctx, o)
}

// ask has the cardholder authenticated, once the bank has looked at the browser or will not.
func (s *secure) ask(ctx context.Context, o *settle.Order, a *settle.Authentication, r threeds.Request) (outcome, error) {
	r.ServerTransID, r.Version, r.Method = a.ServerID, a.Version, threeds.MethodNone
	switch {
	case a.MethodDone:
		r.Method = threeds.MethodCompleted
	case a.MethodURL != "":
		r.Method = threeds.MethodFailed
	}
	said, err := s.server.Authenticate(ctx, r)
	if errors.Is(err, threeds.ErrInvalid) { // perhaps it was asked already, with other words
		if earlier, wrong := s.server.Result(ctx, a.ServerID); wrong == nil {
			said, err = earlier, nil
		}
	}
	if err != nil {
		s.log.Warn("cardholder not authenticated", "order", o.ID, "error", err)
		said = threeds.Authentication{ServerTransID: a.ServerID, Status: threeds.StatusUnavailable}
	}
	if err != nil && !errors.Is(err, threeds.ErrUnavailable) {
		said.Status = "" // nobody said anything of the cardholder
		return s.refuseSecure(ctx, o, said, protocol.ResponseDeclined, endInvalid)
	}
	return s.decide(ctx, o, said)
}

// follow asks what became of a cardholder who was asked, and goes on with the payment when that is final or its time is
// over. It returns the challenge while there is one.
func (s *secure) follow(ctx context.Context, o *settle.Order, a *settle.Authentication) (threeds.Challenge, outcome, error) {
	if !s.now().Before(a.ExpiresAt) {
		out, err := s.decide(ctx, o, threeds.Authentication{ServerTransID: a.ServerID, Status: threeds.StatusFailed})
		return threeds.Challenge{}, out, err
	}
	said, err := s.server.Result(ctx, a.ServerID)
	switch {
	case err != nil:
		s.log.Warn("3-D Secure result not known yet", "order", o.ID, "error", err)
		return threeds.Challenge{}, outcome{}, nil
	case !said.Status.Final():
		return said.Challenge, outcome{}, nil
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
func (s *secure) AuthenticateDue(ctx context.Context) (int, error) {
	due, err := s.books.AuthenticationsDue(ctx, authenticateBatch)
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

func (s *secure) lookAfter(ctx context.Context, d settle.WaitingAuthentication) error {
	o, err := s.books.Order(ctx, d.Merchant, d.Order)
	if err != nil {
		return err
	}
	a, err := s.books.Authenticating(ctx, o)
	if a == nil || err != nil || s.server == nil {
		return err
	}
	if _, _, err = s.follow(ctx, o, a); overtaken(err) {
		return nil
	}
	return err
}

// How the 3-D Secure of a payment ends, as the metric has it.
const (
	endProven             = "proven"
	endNotEnrolled        = "not_enrolled"
	endFailed             = "failed"
	endInvalid            = "invalid"
	endUnavailablePassed  = "unavailable_passed"
	endUnavailableRefused = "unavailable_refused"
)
