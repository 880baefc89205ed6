// Package settletest gives tests a small world for the books: three centers that differ only in data, two merchants, a
// real database, and a clock that the test sets.
package settletest

import (
	"context"
	"encoding/json"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/credential"
	"settled/settle/notification"
	"settled/settle/order"
	"settled/settle/subscription"
	"settled/settle/wish"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The centers and merchants of the world.
const (
	FileCenter   int16 = 1 // dual message, clears by file, partial reversals, several confirmations
	PlainCenter  int16 = 2 // dual message, clears by file, neither partial reversals nor several confirmations
	SingleCenter int16 = 3 // single message, refunds online
	BankCenter   int16 = 4 // instant payments; only in a world made WithBank

	Merchant      int32 = 100001 // at FileCenter in BYN and EUR, at SingleCenter in USD
	OtherMerchant int32 = 100002 // at PlainCenter in BYN
)

// Start is the instant at which the clock of a new world stands: a Monday morning in Minsk.
var Start = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// Clock is a clock that a test sets. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the clock's instant.
func (c *Clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

// Set moves the clock.
func (c *Clock) Set(t time.Time) { c.mu.Lock(); c.now = t; c.mu.Unlock() }

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) { c.mu.Lock(); c.now = c.now.Add(d); c.mu.Unlock() }

// World is the books of a test and what they stand on.
type World struct {
	Pool  *pgxpool.Pool
	Books *settle.Books
	Clock *Clock
	Vault *vault.Vault
	Dir   *settle.Directory

	KeyFile string // of Vault
}

// Directory returns the centers and merchants of the world. The price is 2.5 %, interchange 1.2 %, scheme fee 0.1 %, and 5
// minor units per accepted record.
func Directory(t testing.TB) *settle.Directory {
	t.Helper()
	minsk, err := time.LoadLocation("Europe/Minsk")
	check(t, err)
	costs := settle.Costs{InterchangeBPS: 120, SchemeBPS: 10, Processing: 5}
	file := &settle.Center{ID: FileCenter, Name: "PC-A", Zone: minsk, Stream: "ipm", Costs: costs, Capabilities: order.Capabilities{
		FinancialRecord: true, TwoStage: true, PartialConfirm: true, MultiConfirm: true, ReversalPartial: true, Refund: order.RefundByFile, Inquiry: true}}
	plain := &settle.Center{ID: PlainCenter, Name: "PC-B", Zone: minsk, Stream: "ipm", Costs: costs, Capabilities: order.Capabilities{
		FinancialRecord: true, TwoStage: true, PartialConfirm: true, Refund: order.RefundByFile}}
	single := &settle.Center{ID: SingleCenter, Name: "PC-C", Zone: minsk, Capabilities: order.Capabilities{Refund: order.RefundByOnline}}
	bank := &settle.Center{ID: BankCenter, Name: "BANK", Zone: minsk, Costs: costs, Capabilities: order.Capabilities{Refund: order.RefundByOnline,
		Inquiry: true, Instant: true}}
	route := func(c *settle.Center, currencies ...money.Currency) settle.Route {
		return settle.Route{Center: c, Currencies: currencies, Terminal: "TERM0001", Acceptor: "MERCHANT0000001", MDRBPS: 250}
	}
	shop := &settle.Merchant{ID: Merchant, Name: "ACME BOOKS", Street: "1 HIGH STREET", City: "MINSK", Postal: "220030", Country: "BLR",
		MCC: "5942", Default: money.BYN, Routes: []settle.Route{route(file, money.BYN, money.EUR), route(single, money.USD)}}
	other := &settle.Merchant{ID: OtherMerchant, Name: "OTHER SHOP", City: "MINSK", Country: "BLR", MCC: "5999", Default: money.BYN,
		Routes: []settle.Route{route(plain, money.BYN)}}
	dir, err := settle.NewDirectory([]*settle.Center{file, plain, single, bank}, []*settle.Merchant{shop, other})
	check(t, err)
	return dir
}

// WithBank makes BankCenter the center of Merchant's payments in RUB, by instant payment and by card at SingleCenter.
func WithBank(d *settle.Directory) {
	c, _ := d.Center(BankCenter)
	m, _ := d.Merchant(Merchant)
	m.Routes = append(m.Routes, settle.Route{Center: c, Currencies: []money.Currency{money.RUB}, Terminal: "QR000001", Acceptor: "MERCHANT0000001", MDRBPS: 250})
	m.Routes[1].Currencies = append(m.Routes[1].Currencies, money.RUB)
}

// New makes a world whose clock stands at Start, with a window for each of the next days at 23:00 Minsk. Each change is
// applied to the directory before anything is made from it.
func New(t testing.TB, changes ...func(*settle.Directory)) *World {
	t.Helper()
	w := &World{Pool: pgtest.DB(t), Clock: &Clock{now: Start}, Dir: Directory(t)}
	for _, change := range changes {
		change(w.Dir)
	}
	keys := filepath.Join(t.TempDir(), "keys.json")
	check(t, vault.Generate(keys))
	w.KeyFile = keys
	var err error
	w.Vault, err = vault.Open(keys)
	check(t, err)
	w.Books = settle.New(settle.Options{Pool: w.Pool, Directory: w.Dir, Vault: w.Vault, Zone: time.UTC, Now: w.Clock.Now})
	t.Cleanup(w.Books.Close)
	check(t, w.Books.RegisterCenters(t.Context()))
	w.Reconfigure(t)
	w.planWindows(t)
	return w
}

// Notifications returns the queue of what the world's merchants are to be told.
func (w *World) Notifications() *notification.Queue {
	return notification.NewQueue(w.Pool, w.Books.Now, w.Dir.MerchantIDs())
}

// Authentications returns the 3-D Secure of the world's payments.
func (w *World) Authentications() *authentication.Book {
	return authentication.NewBook(w.Pool, w.Books.Now)
}

// Credentials returns what buyers of the world have stored.
func (w *World) Credentials() *credential.Store {
	return credential.NewStore(w.Pool, w.Vault, w.Books.Now)
}

// Subscriptions returns the subscriptions of the world.
func (w *World) Subscriptions() *subscription.Book {
	return subscription.NewBook(w.Pool, w.Books.Now)
}

// Wishes returns what fulfills the wishes of the world's buyers.
func (w *World) Wishes() *wish.Fulfiller {
	return wish.New(w.Pool, w.Credentials(), w.Vault, w.Books.Now, w.Books.Log)
}

// Reconfigure stores the contracts of the directory as a restart does, after a test has changed them.
func (w *World) Reconfigure(t testing.TB) {
	t.Helper()
	check(t, w.Books.RegisterContracts(t.Context()))
}

func (w *World) planWindows(t testing.TB) {
	for _, center := range []int16{FileCenter, PlainCenter} {
		_, err := w.Pool.Exec(t.Context(), `INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at)
			SELECT $1, 1, 'ipm', d, d + interval '20 hours', d + interval '20 hours 45 minutes' FROM generate_series($2::date, $2::date + 13, '1 day') d`,
			center, Start)
		check(t, err)
	}
}

// Card is the card that payments of the world use.
const Card = "4111111111111111"

// Payment describes a payment to make; zero fields mean the world's usual ones.
type Payment struct {
	Merchant int32
	Number   string
	Amount   money.Amount
	TwoStage bool
	Card     string
	Details  json.RawMessage
}

// Begin writes the intent of a payment whose number is new.
func (w *World) Begin(t testing.TB, p Payment) *settle.Payment {
	t.Helper()
	begun, earlier, err := w.TryBegin(t, p)
	check(t, err)
	if earlier != nil {
		t.Fatalf("order %q exists", p.Number)
	}
	return begun
}

// TryBegin asks for a payment as Books.Begin does.
func (w *World) TryBegin(t testing.TB, p Payment) (*settle.Payment, *settle.Order, error) {
	t.Helper()
	return w.TryBeginWithin(context.Background(), t, p)
}

// TryBeginWithin is TryBegin for a caller who waits as long as ctx lasts.
func (w *World) TryBeginWithin(ctx context.Context, t testing.TB, p Payment) (*settle.Payment, *settle.Order, error) {
	t.Helper()
	if p.Merchant == 0 {
		p.Merchant = Merchant
	}
	if p.Card == "" {
		p.Card = Card
	}
	pan, err := vault.ParsePAN(p.Card)
	check(t, err)
	m, ok := w.Dir.Merchant(p.Merchant)
	if !ok {
		t.Fatalf("no merchant %d", p.Merchant)
	}
	return w.Books.Begin(ctx, settle.Intent{Merchant: m, OrderNumber: p.Number, Amount: p.Amount,
		TwoStage: p.TwoStage, Details: p.Details, PAN: pan, CardExpiry: "2812", Fingerprint: settle.Fingerprint{Kept: []byte(p.Number + p.Amount.String() + p.Card)}})
}

// Pay makes a payment that the center approves, and returns its order id.
func (w *World) Pay(t testing.TB, p Payment) int64 {
	t.Helper()
	begun := w.Begin(t, p)
	check(t, w.Books.Finish(context.Background(), begun, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}))
	return begun.Order
}

// AnswerAll answers every message that is owed with the same verdict, and returns how many.
func (w *World) AnswerAll(t testing.TB, v settle.Verdict, action string) int {
	t.Helper()
	due, err := w.Books.Due(t.Context(), 1000)
	check(t, err)
	for _, e := range due {
		check(t, w.Books.Answered(t.Context(), e, v, action, "", ""))
	}
	return len(due)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
