package authorize_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// Guesses that come at the same time are no more than those that come one after the other: at most ten are computed.
func TestGuessesAtTheSameTime(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	var all sync.WaitGroup
	var refused atomic.Int64
	for i := range 60 {
		all.Go(func() {
			p := credentials().with(params{"Ordernumber": "A-1", "Password": fmt.Sprint("Guess", i, "Word"), "Format": "3"})
			if r := w.from("attacker", orderState, syntaxes["form"].kind, p.encode()); strings.Contains(r.body, `firstcode="7" secondcode="102"`) {
				refused.Add(1)
			}
		})
	}
	began := time.Now()
	all.Wait()
	if got := refused.Load(); got != 60 {
		t.Errorf("%d of 60 guesses refused", got)
	}
	t.Logf("60 guesses took %v", time.Since(began))
	// The merchant's right password is the eleventh try of this source, and the first of another.
	right := credentials().with(params{"Ordernumber": "A-1", "Format": "3"}).encode()
	if r := w.from("attacker", orderState, syntaxes["form"].kind, right); !strings.Contains(r.body, `firstcode="7"`) {
		t.Errorf("the source is not locked: %s", r.body)
	}
	if r := w.from("shop", orderState, syntaxes["form"].kind, right); !strings.Contains(r.body, `firstcode="10"`) {
		t.Errorf("the merchant is locked out by somebody else: %s", r.body)
	}
}

// Whoever guesses at many merchants, such that exist or not, is locked as a source after a hundred tries. A merchant that
// was served from there before stays served, and other sources notice nothing.
func TestGuessesAtManyMerchants(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	const source = "attacker"
	try := func(source string, p params) int {
		r := w.from(source, orderState, syntaxes["form"].kind, p.with(params{"Ordernumber": "A-1"}).encode())
		first, _ := w.codes(r.body)
		return first
	}
	if got := try(source, credentials()); got != 10 {
		t.Fatalf("before: %d", got)
	}
	for i := range 100 {
		if got := try(source, credentials().with(params{"Merchant_ID": strconv.Itoa(500000 + i)})); got != 7 {
			t.Fatalf("merchant that does not exist: %d", got)
		}
	}
	if got := try(source, otherCredentials()); got != 7 {
		t.Errorf("the source is not locked: %d", got)
	}
	if got := try(source, credentials()); got != 10 {
		t.Errorf("verified credentials: %d", got)
	}
	if got := try("elsewhere", otherCredentials()); got != 10 {
		t.Errorf("another source: %d", got)
	}
	w.Clock.Advance(31 * time.Minute)
	if got := try(source, otherCredentials()); got != 10 {
		t.Errorf("after the lock: %d", got)
	}
}

// Nobody learns whether a merchant exists, from status, headers or body, at any service in any format.
func TestUnknownMerchantIsToldAsWrongPassword(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	asked, source := w.examples(), 0
	for path := range described {
		for syntax, s := range syntaxes {
			for _, format := range slices.Sorted(maps.Keys(formats)) {
				if syntax != "form" && format != "3" {
					continue // Format does not count: the answer is in kind
				}
				var answers []string
				for _, change := range []params{{"Merchant_ID": "777777"}, {"Login": "nobodys_login"}, {"Password": "Wrong2026Word"}, {"Merchant_ID": "100002"}, {"Merchant_ID": "0"}} {
					source++
					r := w.from(strconv.Itoa(source), path, s.kind, s.write(path, asked[path].with(params{"Format": format}).with(change)))
					r.header.Del("Date")
					r.header.Del("X-Request-Id")
					answers = append(answers, fmt.Sprint(r.status, r.header, r.body))
				}
				if len(slices.Compact(answers)) != 1 {
					t.Errorf("%s in %s, format %s: answers differ: %v", path, syntax, format, answers)
				}
			}
		}
	}
}

// BenchmarkUnknownMerchant compares how long refusals take: a merchant that does not exist, and a merchant's wrong
// password. It reports the ratio of the means and Welch's t of their difference; a caller who could tell them apart from
// a few hundred tries would see |t| grow far beyond 5.
func BenchmarkUnknownMerchant(b *testing.B) {
	w := newWorld(b, pcsim.Behavior{})
	for id, m := range w.options.Merchants {
		m.PasswordHash = tenants.HashPassword(password)
		w.options.Merchants[id] = m
	}
	w.options.Registerer = nil
	w.open()
	b.ResetTimer()
	var times [2][]float64
	order := rand.New(rand.NewPCG(5, 6))
	for i := range 2 * b.N {
		kind := order.IntN(2) // in no order, because the collector of memory works in one
		p := credentials().with(params{"Ordernumber": "A-1", "Password": fmt.Sprint("Wrong", i, "Word")})
		if kind == 1 {
			p["Merchant_ID"] = strconv.Itoa(int(settletest.Merchant) + 1000 + i)
		}
		began := time.Now()
		w.from(strconv.Itoa(i), orderState, syntaxes["form"].kind, p.encode())
		times[kind] = append(times[kind], float64(time.Since(began)))
	}
	known, knownVariance := meanAndVariance(times[0])
	unknown, unknownVariance := meanAndVariance(times[1])
	b.ReportMetric(unknown/known, "unknown/known")
	if len(times[0]) > 1 && len(times[1]) > 1 {
		b.ReportMetric((unknown-known)/math.Sqrt(knownVariance/float64(len(times[0]))+unknownVariance/float64(len(times[1]))), "t")
	}
}

func meanAndVariance(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / max(1, float64(len(x)-1))
	}
	return mean, variance
}
