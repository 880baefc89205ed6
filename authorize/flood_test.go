package authorize_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// floodMerchants is how many merchants there are to call for the first time during a flood.
const floodMerchants = 100

// BenchmarkGuessFlood lets 500 sources guess passwords, of merchants that exist and of such that do not, as fast as they are answered,
// and calls meanwhile, through the same server on the same processors: as a merchant that is known, whose password is computed
// again every fifty calls, and as merchants that were never seen, each once. It reports percentiles in milliseconds, and those of
// the known merchant without a flood. Run it with -benchtime=1000x.
func BenchmarkGuessFlood(b *testing.B) {
	w := newWorld(b, pcsim.Behavior{}, func(d *settle.Directory) {
		for i := range int32(floodMerchants) {
			m, _ := d.Merchant(settletest.OtherMerchant)
			more := *m
			more.ID = firstOfFlood + i
			d.Merchants()[more.ID] = &more
		}
	})
	hash := tenants.HashPassword(password)
	for id := range w.Dir.Merchants() {
		w.options.Merchants[id] = tenants.Merchant{Login: login, PasswordHash: hash}
	}
	w.options.Registerer = nil
	w.open()
	f := flood{w: w, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 600}}}
	known := func() time.Duration { return f.call(b, settletest.Merchant, password, "192.0.2.1") }
	known()
	var quiet, verified, first []time.Duration
	for range 200 {
		quiet = append(quiet, known())
	}
	stop := f.begin(500)
	defer stop()
	b.ResetTimer()
	for i := range b.N {
		if i%50 == 49 {
			w.Clock.Advance(4*time.Minute + 30*time.Second)
		}
		verified = append(verified, known())
		if next := i / 10; i%10 == 9 && next < floodMerchants {
			first = append(first, f.call(b, firstOfFlood+int32(next), password, "198.51.100."+strconv.Itoa(next)))
		}
		time.Sleep(5 * time.Millisecond)
	}
	for name, all := range map[string][]time.Duration{"quiet": quiet, "verified": verified, "first": first} {
		report(b, name, all)
	}
}

const firstOfFlood int32 = 100100

// report reports the median, the 99th percentile and the most of some times.
func report(b *testing.B, name string, all []time.Duration) {
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	at := func(share float64) float64 { return all[int(share*float64(len(all)-1))].Seconds() * 1000 }
	b.ReportMetric(at(0.5), name+"-p50-ms")
	b.ReportMetric(at(0.99), name+"-p99-ms")
	b.ReportMetric(at(1), name+"-max-ms")
}

type flood struct {
	w      *world
	client *http.Client
}

// begin lets sources guess until stop is called.
func (f *flood) begin(sources int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for s := range sources {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				merchant := firstOfFlood + int32((s+i)%(2*floodMerchants)) // half of them exist
				_, _ = f.send(ctx, merchant, fmt.Sprint("Wrong", s, "x", i, "Word"), fmt.Sprintf("2001:db8:%x::1", s))
			}
		})
	}
	time.Sleep(time.Second)
	return func() { cancel(); all.Wait() }
}

// call asks as a merchant and fails when it is not known.
func (f *flood) call(b *testing.B, merchant int32, password, source string) time.Duration {
	began := time.Now()
	body, err := f.send(context.Background(), merchant, password, source)
	if took := time.Since(began); err == nil && strings.Contains(body, `firstcode="10"`) {
		return took
	}
	b.Fatalf("merchant %d: %s %v", merchant, body, err)
	return 0
}

func (f *flood) send(ctx context.Context, merchant int32, password, source string) (string, error) {
	p := params{"Merchant_ID": strconv.Itoa(int(merchant)), "Login": login, "Password": password, "Ordernumber": "A-1", "Format": "3"}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.w.server.URL+orderState, strings.NewReader(p.encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", syntaxes["form"].kind)
	r.Header.Set("X-Test-Source", source)
	answer, err := f.client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}
