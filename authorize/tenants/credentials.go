package tenants

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"net/http"
	"settled/authorize/protocol"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	trustFor   = 5 * time.Minute // how long a verified password is not computed again
	renewAfter = 4 * time.Minute // when it is computed again beside the calls that bring it
	knowFor    = 24 * time.Hour  // how long credentials that were right are familiar
	maxTrusted = 1 << 16         // verified credentials remembered
	maxAtDoor  = 1024            // requests whose credentials are not familiar and are being verified
)

// Refusals of who calls.
var (
	errWrongCredentials = &protocol.Fault{First: protocol.FirstAuthentication, Second: protocol.OnPassword, Detail: "wrong merchant, login or password"}
	ErrBusy             = &protocol.Fault{First: protocol.FirstGeneral, Second: protocol.OnRate, Status: http.StatusServiceUnavailable, Detail: "too many requests, try again"}
)

// credentials verifies who calls. A password is computed once and then recognized by a keyed hash under a key that
// lives as long as the process; a caller that is wrong too often is refused without a computation. An unknown merchant
// costs the same as a wrong password.
type credentials struct {
	merchants map[int32]secret
	nobody    secret // stands for every unknown merchant
	*memory
}

// memory is what was seen of callers. It stays when the merchants change.
type memory struct {
	marks   sync.Pool // of hash.Hash, keyed
	now     func() time.Time
	running singleflight.Group
	turns   *turns
	atDoor  atomic.Int64
	guessed func(merchant int32) // is told of known merchants that are guessed at from many sources

	mu      sync.Mutex
	trusted Generations[[32]byte, verified]
	guesses *guesses
	renewed sync.WaitGroup // computations that nobody waits for
}

// verified is when credentials were computed and found right.
type verified struct {
	at       time.Time
	renewing bool // they are being computed again
}

type secret struct {
	login string
	hash  passwordHash
}

func newCredentials(merchants map[int32]Merchant, now func() time.Time, guessed func(merchant int32)) (*credentials, error) {
	m := &memory{now: now, turns: newTurns(), guessed: guessed, guesses: newGuesses()}
	m.trusted.Limit = maxTrusted
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key)
	m.marks.New = func() any { return hmac.New(sha256.New, key) }
	return m.of(merchants)
}

// of are the credentials of merchants, with what was seen of callers.
func (m *memory) of(merchants map[int32]Merchant) (*credentials, error) {
	c := &credentials{merchants: make(map[int32]secret, len(merchants)), memory: m}
	var err error
	for id, m := range merchants {
		s := secret{login: m.Login}
		if s.hash, err = parsePasswordHash(m.PasswordHash); err != nil {
			return nil, &merchantError{id, err}
		}
		c.merchants[id] = s
		c.nobody.hash = s.hash
	}
	return c, nil
}

type merchantError struct {
	merchant int32
	err      error
}

// Error names the merchant.
func (e *merchantError) Error() string {
	return "merchant " + strconv.Itoa(int(e.merchant)) + ": " + e.err.Error()
}

// Unwrap returns what is wrong with it.
func (e *merchantError) Unwrap() error { return e.err }

// verify returns nil when the login and the password are the merchant's.
func (c *credentials) verify(ctx context.Context, merchant int32, login, password []byte, source string) error {
	s, known := c.merchants[merchant]
	if !known {
		s = c.nobody
	}
	try := attempt{merchant: merchant, mark: c.mark(merchant, &s, login, password)}
	remembered := strange // a merchant that is not known any more included
	if known {
		remembered = c.recall(try.mark)
	}
	switch remembered {
	case trusted:
		return nil
	case aging:
		c.renew(&try, &s, bytes.Clone(password))
		return nil
	case familiar:
		return c.judge(&try, func() (bool, error) { return c.compute(ctx, &s, password, &turn{merchant: merchant, familiar: true}) })
	case strange:
	}
	defer c.atDoor.Add(-1)
	if c.atDoor.Add(1) > maxAtDoor {
		return ErrBusy
	}
	try.near, try.wide = networksOf(source)
	if c.locked(&try) {
		return errWrongCredentials
	}
	return c.judge(&try, func() (bool, error) {
		t, open := c.begin(&try)
		if !open {
			return false, nil
		}
		ok, err := c.compute(ctx, &s, password, t)
		right := ok && known && equal(login, s.login)
		c.end(&try, known, right, err)
		return right, err
	})
}

// judge lets those who bring the same credentials at the same time wait for one computation.
func (c *credentials) judge(try *attempt, compute func() (bool, error)) error {
	right, err, _ := c.running.Do(string(try.mark[:]), func() (any, error) {
		right, err := compute()
		if right && err == nil {
			c.trust(try.mark)
		}
		return right, err
	})
	switch {
	case err != nil:
		return err
	case !right.(bool):
		return errWrongCredentials
	}
	return nil
}

func equal(a []byte, b string) bool { return subtle.ConstantTimeCompare(a, []byte(b)) == 1 }

// mark recognizes credentials without keeping them. It changes with the stored login and hash, so what was right before a change of
// these is computed anew.
func (c *credentials) mark(merchant int32, s *secret, login, password []byte) (sum [32]byte) {
	mac := c.marks.Get().(hash.Hash)
	defer c.marks.Put(mac)
	mac.Reset()
	var plain [256]byte
	b := strconv.AppendInt(plain[:0], int64(merchant), 10)
	for _, part := range [...][]byte{[]byte(s.login), s.hash.salt, s.hash.sum, login, password} {
		b = append(append(b, 0), part...)
	}
	mac.Write(b)
	clear(b)
	mac.Sum(sum[:0])
	return sum
}

// recollection is how credentials are remembered.
type recollection uint8

const (
	strange  recollection = iota // nobody ever gave them, or long ago, or they were wrong
	familiar                     // they were right not long ago: they are computed again, before those of all strangers
	trusted                      // they were right just now
	aging                        // they are trusted, and this caller is to have them computed again
)

func (c *credentials) recall(mark [32]byte) recollection {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	v, known := c.trusted.Get(mark)
	switch age := now.Sub(v.at); {
	case !known || age >= knowFor:
		return strange
	case age >= trustFor:
		return familiar
	case age >= renewAfter && !v.renewing:
		c.trusted.Put(mark, verified{v.at, true})
		return aging
	}
	return trusted
}

// renew computes trusted credentials again, so that who calls often never waits for it, and wipes the password.
func (c *credentials) renew(try *attempt, s *secret, password []byte) {
	mark, merchant, hashed := try.mark, try.merchant, *s
	c.renewed.Go(func() {
		defer clear(password)
		if ok, err := c.compute(context.Background(), &hashed, password, &turn{merchant: merchant, familiar: true}); ok && err == nil {
			c.trust(mark)
		}
	})
}

// close waits for computations that nobody waits for.
func (c *credentials) close() { c.renewed.Wait() }

func (c *credentials) trust(mark [32]byte) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trusted.Put(mark, verified{at: now})
}

func (c *credentials) locked(try *attempt) bool {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.guesses.locked(try, now)
}

// begin counts a try before it is computed, so that many at the same time are no more than one after the other. It
// returns false when the source is locked.
func (c *credentials) begin(try *attempt) (*turn, bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guesses.locked(try, now) {
		return nil, false
	}
	t := &turn{merchant: try.merchant, failures: c.guesses.failures(try, now), alone: c.guesses.besieged(try.merchant, now)}
	c.guesses.count(try, 1, now)
	return t, true
}

// end takes a try back that was right or was not computed.
func (c *credentials) end(try *attempt, known, right bool, err error) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.guesses.count(try, -1, now)
	case right:
		c.guesses.count(try, -1, now)
		c.guesses.forgive(try)
	case c.guesses.failed(try, now) && known:
		c.guessed(try.merchant)
	}
}

// compute waits for its turn and computes.
func (c *credentials) compute(ctx context.Context, s *secret, password []byte, t *turn) (bool, error) {
	if err := c.turns.take(ctx, t); err != nil {
		return false, err
	}
	defer c.turns.leave(t)
	return s.hash.matches(password), nil
}

// Generations is a map that forgets: of two halves, the older is dropped when the younger is full.
type Generations[K comparable, V any] struct {
	Limit      int
	young, old map[K]V
}

// Get returns what was put under a key, if it is not forgotten.
func (g *Generations[K, V]) Get(k K) (V, bool) {
	if v, ok := g.young[k]; ok {
		return v, true
	}
	v, ok := g.old[k]
	return v, ok
}

// Put keeps a value under a key. The zero map keeps nothing for long: set Limit.
func (g *Generations[K, V]) Put(k K, v V) {
	if g.young == nil || len(g.young) >= g.Limit/2 {
		g.young, g.old = make(map[K]V), g.young
	}
	g.young[k] = v
}
