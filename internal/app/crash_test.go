package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"settled/authorize/tenants"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/postgres/local"
	"settled/internal/postgres/pgtest"
	"settled/migrations"
	"settled/settle/order"
	"settled/settle/settletest"
)

// lazyLog keeps records in the buffers of the log until somebody commits, so that a crash takes them away.
var lazyLog = map[string]string{"fsync": "off", "wal_writer_delay": "10s", "autovacuum": "off", "checkpoint_timeout": "1h"}

// shop is a merchant's server that pays, and remembers what it was told.
type shop struct {
	api  string
	mu   sync.Mutex
	told map[string]string // order number to state
}

// pay sends a payment, and the same again while it is told nothing certain, as a merchant's server does.
func (s *shop) pay(number string) {
	form := paymentForm(number)
	for range 4 {
		if state := s.ask(form); state != "" && state != "In Process" {
			s.mu.Lock()
			s.told[number] = state
			s.mu.Unlock()
			return
		}
		time.Sleep(300 * time.Millisecond)
	}
}

func paymentForm(number string) url.Values {
	return url.Values{"Merchant_ID": {"7"}, "Login": {"merchant_7"}, "Password": {"password1"}, "Format": {"5"}, "OrderNumber": {number}, "OrderAmount": {"12.30"},
		"Cardnumber": {pcsim.CardApproved}, "Expiremonth": {"12"}, "Expireyear": {"2035"}, "Cvc2": {"123"}}
}

func (s *shop) ask(form url.Values) (state string) {
	client := http.Client{Timeout: 20 * time.Second}
	response, err := client.PostForm(s.api+"/pay/silentpay.cfm", form)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	var answer struct {
		Pay struct {
			State string `json:"orderstate"`
		} `json:"silentpay"`
	}
	if response.StatusCode != http.StatusOK || json.NewDecoder(response.Body).Decode(&answer) != nil {
		return ""
	}
	return answer.Pay.State
}

// TestCrashesUnderPayments kills sessions of the database with SIGKILL, as the kernel does when memory runs out, while shops pay: every
// time the whole server crashes and recovers. What a shop was told is in the books, nobody pays twice, and after the reconciliation
// the center has as much as the books have.
func TestCrashesUnderPayments(t *testing.T) {
	w := newAccident(t)
	sent := 0
	for round := range 6 {
		sent += w.busy(t, round, func() { kill(t, w.database) })
	}
	w.judge(t, sent)
}

// TestDatabaseStandsStill stops every process of the database, as a hung disk does, until all who wait are answered. Who waits for an answer gets one
// within 15 seconds (20 on a slow machine), who comes later one at once, and then shops pay as before.
func TestDatabaseStandsStill(t *testing.T) {
	w := newAccident(t)
	w.shop.pay("before")
	stopped := freeze(t, w.database)
	var group sync.WaitGroup
	for c := range 6 {
		group.Go(func() { w.answeredWithin(t, fmt.Sprint("waits-", c), 20*time.Second) })
	}
	again(t, func() error {
		if !w.server.pulse.refuses() {
			return errors.New("the process does not see that the database stands still")
		}
		return nil
	})
	w.answeredWithin(t, "comes later", 2*time.Second)
	if status, _ := get(t, "http://"+w.server.MetricAddr+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("ready with %d", status)
	}
	group.Wait()
	for _, pid := range stopped {
		must(t, syscall.Kill(pid, syscall.SIGCONT))
	}
	again(t, func() error {
		if status, _ := get(t, "http://"+w.server.MetricAddr+"/readyz"); status != http.StatusOK {
			return fmt.Errorf("ready with %d", status)
		}
		return nil
	})
	w.judge(t, 1+w.busy(t, 0, func() {}))
}

// accident is an installation to which something happens while shops pay.
type accident struct {
	*shop
	database *local.Server
	center   *pcsim.Center
	clock    *settletest.Clock
	server   *Server
}

func newAccident(t *testing.T) *accident {
	t.Helper()
	server, err := local.Start(t.Context(), local.Config{Settings: lazyLog})
	if errors.Is(err, local.ErrNoServer) && os.Getenv("SETTLED_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	must(t, migrations.Up(t.Context(), server.URL("postgres")))
	clock := &settletest.Clock{}
	clock.Set(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage, Now: clock.Now})
	must(t, err)
	must(t, center.Start())
	t.Cleanup(func() { _ = center.Close() })
	s := crashing(t, server.URL("postgres"), center, clock)
	return &accident{&shop{api: "http://" + s.APIAddr, told: map[string]string{}}, server, center, clock, s}
}

// answeredWithin asks for a payment and wants an answer in time, whatever it says.
func (w *accident) answeredWithin(t *testing.T, number string, limit time.Duration) {
	began := time.Now()
	state := w.ask(paymentForm(number))
	if took := time.Since(began); took > limit || state == "Approved" {
		t.Errorf("payment %s was answered %q after %s, want one within %s", number, state, took, limit)
	}
}

// freeze stops all processes of the server, the first one too, and returns them.
func freeze(t *testing.T, server *local.Server) []int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()`)
	must(t, err)
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	must(t, err)
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pids[0]))
	must(t, err)
	parent, err := strconv.Atoi(strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))[1])
	must(t, err)
	pids = append([]int{parent}, pids...)
	t.Cleanup(func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	})
	for _, pid := range pids {
		must(t, syscall.Kill(pid, syscall.SIGSTOP))
	}
	return pids
}

// crashing starts the API on a database that will crash.
func crashing(t *testing.T, database string, center *pcsim.Center, clock *settletest.Clock) *Server {
	t.Helper()
	o := options(t, database, center.OnlineAddr())
	o.Now = clock.Now
	o.Config.Centers[0].Capabilities.Log = order.LogByLink
	o.Config.Merchants[0].PasswordHash = tenants.HashPassword("password1")
	core, err := Open(t.Context(), o)
	must(t, err)
	t.Cleanup(core.Close)
	s, err := Start(t.Context(), core, Roles{Serve: true})
	must(t, err)
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	must(t, s.Ready(t.Context()))
	return s
}

// busy lets six buyers pay while disturb is called, and tells how many orders were asked for.
func (s *shop) busy(t *testing.T, round int, disturb func()) int {
	const customers, orders = 6, 5
	var group sync.WaitGroup
	for c := range customers {
		group.Go(func() {
			for n := range orders {
				s.pay(fmt.Sprintf("%d-%d-%d", round, c, n))
			}
		})
	}
	time.Sleep(time.Duration(20+35*round) * time.Millisecond)
	disturb()
	group.Wait()
	return customers * orders
}

// kill takes down one session that works for a payment, or any other.
func kill(t *testing.T, server *local.Server) {
	t.Helper()
	var conn *pgx.Conn
	again(t, func() (err error) { conn, err = pgx.Connect(t.Context(), server.URL("postgres")); return err })
	defer func() { _ = conn.Close(context.Background()) }()
	var pid int
	again(t, func() error { // just after a crash nobody is connected yet
		return conn.QueryRow(t.Context(), `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'settled%' ORDER BY state = 'active' DESC, random() LIMIT 1`).Scan(&pid)
	})
	must(t, pgtest.Kill(pid))
}

// again does something until the server has recovered.
func again(t *testing.T, do func() error) {
	t.Helper()
	var err error
	for range 100 {
		if err = do(); err == nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatal(err)
}

// settleAfterCrash does what the worker does within the next two hours.
func settleAfterCrash(t *testing.T, s *Server, clock *settletest.Clock) {
	t.Helper()
	for range 4 {
		clock.Advance(30 * time.Minute)
		for _, job := range []func(context.Context) error{s.Timeout, s.Send, s.Reconcile} {
			again(t, func() error { return job(t.Context()) })
		}
	}
}

// judge lets the worker's next hours pass and compares the three sides.
func (w *accident) judge(t *testing.T, sent int) {
	t.Helper()
	settleAfterCrash(t, w.server, w.clock)
	var inBooks int64
	must(t, w.server.Pool.QueryRow(t.Context(), `SELECT coalesce(sum(confirmed - refunded), 0)::bigint FROM orders WHERE status = 2`).Scan(&inBooks))
	if net := w.center.Books().Currencies[money.BYN].Net(); net != inBooks {
		t.Errorf("the center moved %d, the books %d", net, inBooks)
	}
	w.shop.judge(t, w.server, sent)
	must(t, w.server.auditJob(t.Context()))
}

func (s *shop) judge(t *testing.T, server *Server, sent int) {
	t.Helper()
	approved := 0
	for number, state := range s.told {
		var paid int
		must(t, server.Pool.QueryRow(t.Context(), `SELECT count(*) FROM orders WHERE ordernumber = $1 AND status = 2 AND confirmed > refunded`, number).Scan(&paid))
		if want := state == "Approved"; paid > 1 || (paid == 1) != want {
			t.Errorf("order %s was told %q and is paid %d times", number, state, paid)
		}
		if state == "Approved" {
			approved++
		}
	}
	t.Logf("%d orders, %d told an end, %d approved", sent, len(s.told), approved)
	if approved < sent/2 {
		t.Error("too little was paid")
	}
}
