package tenants

import (
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
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	trustFor     = 5 * time.Minute  // how long a verified password is not computed again
	maxFailures  = 10               // wrong passwords of a merchant from one source
	maxOfSource  = 100              // wrong passwords of all merchants, whether they exist or not, from one source
	lockFor      = 30 * time.Minute // how long that source is then refused
	maxVerifying = 2                // argon2 computations at a time, each takes some 20 MiB
	maxWaiting   = 512              // requests that wait for one
	maxTrusted   = 1 << 16          // verified credentials remembered
	maxSuspects  = 1 << 16          // sources remembered for wrong passwords
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
	nobody    secret    // stands for every unknown merchant
	marks     sync.Pool // of hash.Hash, keyed
	now       func() time.Time
	running   singleflight.Group
	slots     chan struct{}
	waiting   chan struct{}

	mu       sync.Mutex
	trusted  Generations[[32]byte, time.Time] // until when
	suspects Generations[suspect, failures]
}

type secret struct {
	login string
	hash  passwordHash
}

// suspect is a source that gave wrong credentials for a merchant, or for anyMerchant.
type suspect struct {
	merchant int32
	source   string
}

// anyMerchant stands for all merchants of a source; no merchant has a negative number.
const anyMerchant = -1

// most is how many failures lock the suspect.
func (s suspect) most() int {
	if s.merchant == anyMerchant {
		return maxOfSource
	}
	return maxFailures
}

type failures struct {
	count int
	until time.Time // end of the lock, or of the memory of these failures
}

func newCredentials(merchants map[int32]Merchant, now func() time.Time) (*credentials, error) {
	c := &credentials{merchants: make(map[int32]secret, len(merchants)), now: now,
		slots: make(chan struct{}, maxVerifying), waiting: make(chan struct{}, maxWaiting)}
	c.trusted.Limit, c.suspects.Limit = maxTrusted, maxSuspects
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key)
	c.marks.New = func() any { return hmac.New(sha256.New, key) }
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
	mark := c.mark(merchant, &s, login, password)
	who := suspect{merchant, source}
	switch c.recall(mark, who) {
	case yes:
		return nil
	case no:
		return errWrongCredentials
	case unsure: // the password has to be computed
	}
	right, err, _ := c.running.Do(string(mark[:]), func() (any, error) {
		if !c.begin(who) {
			return false, nil
		}
		ok, err := c.compute(ctx, &s, password)
		right := ok && known && equal(login, s.login)
		c.end(mark, who, right, err)
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

// mark recognizes credentials without keeping them. It changes with the stored hash, so a changed password is computed
// anew.
func (c *credentials) mark(merchant int32, s *secret, login, password []byte) (sum [32]byte) {
	mac := c.marks.Get().(hash.Hash)
	defer c.marks.Put(mac)
	mac.Reset()
	var plain [256]byte
	b := strconv.AppendInt(plain[:0], int64(merchant), 10)
	for _, part := range [...][]byte{s.hash.sum, login, password} {
		b = append(append(b, 0), part...)
	}
	mac.Write(b)
	clear(b)
	mac.Sum(sum[:0])
	return sum
}

type recollection uint8

const (
	unsure recollection = iota
	yes
	no
)

func (c *credentials) recall(mark [32]byte, who suspect) recollection {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if until, ok := c.trusted.Get(mark); ok && now.Before(until) {
		return yes
	}
	if c.locked(who, now) {
		return no
	}
	return unsure
}

// locked tells whether the source has failed too often. The caller holds mu.
func (c *credentials) locked(who suspect, now time.Time) bool {
	for _, s := range [...]suspect{who, {anyMerchant, who.source}} {
		if f, ok := c.suspects.Get(s); ok && f.count >= s.most() && now.Before(f.until) {
			return true
		}
	}
	return false
}

// begin counts a try before it is computed, so that many at the same time are no more than one after the other. It
// returns false when the source is locked.
func (c *credentials) begin(who suspect) bool {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked(who, now) {
		return false
	}
	c.count(who, 1, now)
	c.count(suspect{anyMerchant, who.source}, 1, now)
	return true
}

// end takes a try back that was right or was not computed. Right credentials forgive the merchant's earlier tries, not
// those of other merchants.
func (c *credentials) end(mark [32]byte, who suspect, right bool, err error) {
	if !right && err == nil {
		return
	}
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(suspect{anyMerchant, who.source}, -1, now)
	if !right {
		c.count(who, -1, now)
		return
	}
	c.trusted.Put(mark, now.Add(trustFor))
	c.suspects.Put(who, failures{})
}

// count adds to the failures of a suspect. The caller holds mu.
func (c *credentials) count(who suspect, n int, now time.Time) {
	f, _ := c.suspects.Get(who)
	if !now.Before(f.until) {
		f.count = 0
	}
	f.count = max(0, f.count+n)
	f.until = now.Add(lockFor)
	c.suspects.Put(who, f)
}

// compute waits for its turn: no more than maxVerifying computations run, and no more than maxWaiting wait.
func (c *credentials) compute(ctx context.Context, s *secret, password []byte) (bool, error) {
	select {
	case c.waiting <- struct{}{}:
		defer func() { <-c.waiting }()
	default:
		return false, ErrBusy
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return false, ErrBusy
	}
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
