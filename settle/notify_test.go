package settle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/notification"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
)

// tellAll is a merchant that wants to know everything.
var tellAll = settle.Notify{Payments: true, Confirmations: true, Cancellations: true}

// newNotifyWorld makes a world whose first merchant wants to be told.
func newNotifyWorld(t *testing.T, n settle.Notify) *settletest.World {
	return settletest.New(t, settletest.WithBank, func(d *settle.Directory) {
		m, _ := d.Merchant(settletest.Merchant)
		m.Notify = n
	})
}

// told lists the notifications of an order as "operation/sequence state".
func told(t *testing.T, w *settletest.World, id int64) string {
	t.Helper()
	all, err := w.Notifications().List(t.Context(), notification.Filter{Order: id, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(all))
	for i, n := range all {
		lines[len(all)-1-i] = fmt.Sprintf("%d/%d %s", n.Operation, n.Sequence, n.State)
	}
	return strings.Join(lines, ", ")
}

func confirm(t *testing.T, w *settletest.World, id int64) {
	t.Helper()
	if _, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant}); err != nil {
		t.Fatal(err)
	}
}

func cancelOrder(t *testing.T, w *settletest.World, id int64) {
	t.Helper()
	if _, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant}); err != nil {
		t.Fatal(err)
	}
}

func decline(t *testing.T, w *settletest.World, p settletest.Payment) int64 {
	t.Helper()
	begun := w.Begin(t, p)
	if err := w.Books.Finish(t.Context(), begun, settle.Result{ActionCode: "116", Response: "AS102"}); err != nil {
		t.Fatal(err)
	}
	return begun.Order
}

// giveUp makes a payment whose outcome is unknown.
func giveUp(t *testing.T, w *settletest.World, number string) int64 {
	t.Helper()
	begun := w.Begin(t, settletest.Payment{Number: number, Amount: byn(100)})
	if err := w.Books.GiveUp(t.Context(), settletest.Merchant, begun.Order, begun.Transaction); err != nil {
		t.Fatal(err)
	}
	return begun.Order
}

func answerAll(t *testing.T, w *settletest.World, v settle.Verdict) {
	t.Helper()
	if w.AnswerAll(t, v, "000") == 0 {
		t.Fatal("nothing was owed")
	}
}

// outcomes are ways to end operations, with what is told of each by whom.
var outcomes = []struct {
	name string
	play func(t *testing.T, w *settletest.World) int64
	all  string // told when everything is wanted
	good string // when only what succeeded is
	pays string // when only payments are
}{
	{"approved", func(t *testing.T, w *settletest.World) int64 {
		return w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	}, "1/1 pending", "1/1 pending", "1/1 pending"},
	{"declined", func(t *testing.T, w *settletest.World) int64 {
		return decline(t, w, settletest.Payment{Number: "2", Amount: byn(100)})
	}, "1/1 pending", "", "1/1 pending"},
	{"held and confirmed", func(t *testing.T, w *settletest.World) int64 {
		id := w.Pay(t, settletest.Payment{Number: "3", Amount: byn(100), TwoStage: true})
		confirm(t, w, id)
		confirm(t, w, id) // a repeat: the first result
		return id
	}, "1/1 pending, 2/1 pending", "1/1 pending, 2/1 pending", "1/1 pending"},
	{"held and canceled", func(t *testing.T, w *settletest.World) int64 {
		id := w.Pay(t, settletest.Payment{Number: "4", Amount: byn(100), TwoStage: true})
		cancelOrder(t, w, id)
		return id
	}, "1/1 pending, 2/1 pending", "1/1 pending, 2/1 pending", "1/1 pending"},
	{"hold expired", func(t *testing.T, w *settletest.World) int64 {
		id := w.Pay(t, settletest.Payment{Number: "5", Amount: byn(100), TwoStage: true})
		w.Clock.Advance(49 * time.Hour)
		if _, err := w.Books.ExpireDue(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		return id
	}, "1/1 pending, 2/1 pending", "1/1 pending, 2/1 pending", "1/1 pending"},
	{"in process", func(t *testing.T, w *settletest.World) int64 { return giveUp(t, w, "6") }, "", "", ""},
	{"unknown, then reversed", func(t *testing.T, w *settletest.World) int64 {
		id := giveUp(t, w, "7")
		answerAll(t, w, settle.VerdictDone)
		return id
	}, "1/1 pending", "", "1/1 pending"},
	{"unknown, then found approved", func(t *testing.T, w *settletest.World) int64 {
		id := giveUp(t, w, "8")
		answerAll(t, w, settle.VerdictOriginal)
		return id
	}, "1/1 pending", "1/1 pending", "1/1 pending"},
	{"refund asked for", func(t *testing.T, w *settletest.World) int64 {
		id := w.Pay(t, settletest.Payment{Number: "9", Amount: money.Amount{Minor: 100, Currency: money.USD}})
		cancelOrder(t, w, id)
		return id
	}, "1/1 pending", "1/1 pending", "1/1 pending"},
	{"refund done", func(t *testing.T, w *settletest.World) int64 {
		id := w.Pay(t, settletest.Payment{Number: "10", Amount: money.Amount{Minor: 100, Currency: money.USD}})
		w.Clock.Advance(48 * time.Hour)
		cancelOrder(t, w, id)
		answerAll(t, w, settle.VerdictDone)
		return id
	}, "1/1 pending, 2/1 pending", "1/1 pending, 2/1 pending", "1/1 pending"},
	{"refund refused", func(t *testing.T, w *settletest.World) int64 {
		id := w.Pay(t, settletest.Payment{Number: "11", Amount: money.Amount{Minor: 100, Currency: money.USD}})
		w.Clock.Advance(48 * time.Hour)
		cancelOrder(t, w, id)
		answerAll(t, w, settle.VerdictRefused)
		return id
	}, "1/1 pending, 2/1 pending", "1/1 pending", "1/1 pending"},
	{"opened, paid in the second try", func(t *testing.T, w *settletest.World) int64 {
		id := tried(t, w, "12", 3)
		p, err := payOpened(t, w, id, settletest.Card)
		check(t, err)
		check(t, w.Books.Finish(t.Context(), p, approved()))
		return id
	}, "2/1 pending", "2/1 pending", "2/1 pending"},
	{"opened, declined in the last try", func(t *testing.T, w *settletest.World) int64 { return tried(t, w, "13", 1) },
		"1/1 pending", "", "1/1 pending"},
	{"opened and declined, then its time ran out", func(t *testing.T, w *settletest.World) int64 {
		id := tried(t, w, "14", 3)
		timeOut(t, w)
		return id
	}, "", "", ""},
	{"instant payment", func(t *testing.T, w *settletest.World) int64 {
		_, p := openInstant(t, w, "15", 100)
		_, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, "A"))
		check(t, err)
		return p.Order
	}, "1/1 pending", "1/1 pending", "1/1 pending"},
	{"instant payment after the time ran out", func(t *testing.T, w *settletest.World) int64 {
		_, p := openInstant(t, w, "16", 100)
		check(t, w.Books.InstantEnded(t.Context(), p.Merchant, p.Order, p.Operation, settle.EndExpired, "expired"))
		timeOut(t, w)
		if have := told(t, w, p.Order); have != "" {
			t.Errorf("told that the time ran out: %s", have)
		}
		_, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, "B"))
		check(t, err)
		return p.Order
	}, "1/1 pending", "1/1 pending", "1/1 pending"},
}

// tried opens an order that may be paid in some tries, and lets the first fail.
func tried(t *testing.T, w *settletest.World, number string, tries int) int64 {
	t.Helper()
	o := open(t, w, number, byn(100), tries)
	p, err := payOpened(t, w, o.ID, "4000000000001166")
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, settle.Result{ActionCode: "116", Response: "AS102"}))
	return o.ID
}

func timeOut(t *testing.T, w *settletest.World) {
	t.Helper()
	w.Clock.Advance(2 * time.Hour)
	if n, err := w.Books.TimeoutDue(t.Context(), 10); n != 1 || err != nil {
		t.Fatalf("%d orders closed, %v", n, err)
	}
}

func TestEachOutcomeIsTold(t *testing.T) {
	for _, tt := range outcomes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, want := range []struct {
				who  string
				n    settle.Notify
				told string
			}{
				{"everything", tellAll, tt.all},
				{"what succeeded", settle.Notify{Payments: true, Confirmations: true, Cancellations: true, OnlySuccessful: true}, tt.good},
				{"payments", settle.Notify{Payments: true}, tt.pays},
				{"nothing", settle.Notify{}, ""},
			} {
				w := newNotifyWorld(t, want.n)
				if have := told(t, w, tt.play(t, w)); have != want.told {
					t.Errorf("told who wants %s: %q, want %q", want.who, have, want.told)
				}
			}
		})
	}
}

// TestToldInTheCommitOfTheOutcome lets the notification of each outcome fail: the outcome is then not there either.
func TestToldInTheCommitOfTheOutcome(t *testing.T) {
	w := newNotifyWorld(t, tellAll)
	held := w.Pay(t, settletest.Payment{Number: "held", Amount: byn(100), TwoStage: true})
	begun := w.Begin(t, settletest.Payment{Number: "begun", Amount: byn(100)})
	if _, err := w.Pool.Exec(t.Context(), `RESET ROLE; ALTER TABLE notifications ADD CONSTRAINT none CHECK (created_at < '2000-01-01') NOT VALID`); err != nil {
		t.Fatal(err)
	}
	if err := w.Books.Finish(t.Context(), begun, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}); err == nil {
		t.Error("finished without its notification")
	}
	if _, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: held, Actor: settle.ByMerchant}); err == nil {
		t.Error("confirmed without its notification")
	}
	w.Clock.Advance(49 * time.Hour)
	if _, err := w.Books.ExpireDue(t.Context(), 10); err == nil {
		t.Error("expired without its notification")
	}
	var operations int
	if err := w.Pool.QueryRow(t.Context(), `SELECT count(*) FROM operations`).Scan(&operations); err != nil || operations != 1 {
		t.Errorf("%d operations, %v; want the payment that came before", operations, err)
	}
}

// try claims a notification and records what its try brought.
func try(t *testing.T, w *settletest.World, k notification.Key, r notification.Receipt) notification.State {
	t.Helper()
	n, err := w.Notifications().Claim(t.Context(), k)
	if err != nil || n == nil {
		t.Fatalf("%v cannot be tried: %v", k, err)
	}
	state, err := w.Notifications().Answered(t.Context(), n, r)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

var silent = notification.Receipt{State: notification.Pending, Error: "no answer"}

func dueKeys(t *testing.T, w *settletest.World) (keys []notification.Key) {
	t.Helper()
	due, err := w.Notifications().Due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range due {
		keys = append(keys, d.Key)
	}
	return keys
}

// TestSilenceIsRetried moves the clock from minute to minute and notes when a silent server is asked.
func TestSilenceIsRetried(t *testing.T) {
	w := newNotifyWorld(t, tellAll)
	k := notification.Key{Merchant: settletest.Merchant, Order: w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)}), Operation: 1, Sequence: 1}
	var minutes []int
	for minute := range 6 * 60 {
		if len(dueKeys(t, w)) > 0 {
			minutes = append(minutes, minute)
			try(t, w, k, silent)
		}
		w.Clock.Advance(time.Minute)
	}
	if diff := cmp.Diff([]int{0, 1, 4, 11, 26, 56, 116, 236}, minutes); diff != "" {
		t.Errorf("tried at minutes (-want +have):\n%s", diff)
	}
	n, err := w.Notifications().Find(t.Context(), k)
	if err != nil || n.State != notification.GivenUp || n.Attempts != notification.Tries || n.LastError != "no answer" {
		t.Errorf("after the last try: %+v, %v", n, err)
	}
}

func TestAnswersEndIt(t *testing.T) {
	w := newNotifyWorld(t, tellAll)
	for number, r := range map[string]notification.Receipt{"delivered": {State: notification.Delivered, FirstCode: "0", SecondCode: "0"},
		"refused": {State: notification.Refused, FirstCode: "5", SecondCode: "107"}} {
		k := notification.Key{Merchant: settletest.Merchant, Order: w.Pay(t, settletest.Payment{Number: number, Amount: byn(100)}), Operation: 1, Sequence: 1}
		try(t, w, k, silent)
		w.Clock.Advance(time.Minute)
		if state := try(t, w, k, r); state != r.State {
			t.Errorf("%s: %s", number, state)
		}
		w.Clock.Advance(24 * time.Hour)
		if keys := dueKeys(t, w); len(keys) > 0 {
			t.Errorf("%s: due again: %v", number, keys)
		}
		n, err := w.Notifications().Find(t.Context(), k)
		if err != nil || n.State != r.State || n.FirstCode != r.FirstCode || n.SecondCode != r.SecondCode || n.LastError != "" || n.AnsweredAt == nil {
			t.Errorf("%s: %+v, %v", number, n, err)
		}
	}
}

// TestOneTriesAtATime claims a notification twice, and lets the one who claimed it die.
func TestOneTriesAtATime(t *testing.T) {
	w := newNotifyWorld(t, tellAll)
	k := notification.Key{Merchant: settletest.Merchant, Order: w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)}), Operation: 1, Sequence: 1}
	first, err := w.Notifications().Claim(t.Context(), k)
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	if second, err := w.Notifications().Claim(t.Context(), k); second != nil || err != nil {
		t.Errorf("claimed twice: %+v, %v", second, err)
	}
	if keys := dueKeys(t, w); len(keys) > 0 {
		t.Errorf("due while it is being tried: %v", keys)
	}
	w.Clock.Advance(2 * time.Minute)
	if len(dueKeys(t, w)) != 1 {
		t.Error("not due after its process died")
	}
	again, err := w.Notifications().Claim(t.Context(), k)
	if err != nil || again == nil || again.Attempts != 2 || again.LastError == "" {
		t.Fatalf("after its process died: %+v, %v", again, err)
	}
	if _, err := w.Notifications().Answered(t.Context(), first, notification.Receipt{State: notification.Refused}); err != nil {
		t.Fatal(err)
	}
	if have := told(t, w, k.Order); have != "1/1 pending" {
		t.Errorf("an earlier try decided: %s", have)
	}
	for range notification.Tries - 2 {
		w.Clock.Advance(2 * time.Minute)
		if n, err := w.Notifications().Claim(t.Context(), k); err != nil || n == nil {
			t.Fatal(n, err)
		}
	}
	w.Clock.Advance(2 * time.Minute)
	if n, err := w.Notifications().Claim(t.Context(), k); n != nil || err != nil {
		t.Errorf("tried more than %d times: %+v, %v", notification.Tries, n, err)
	}
	if have := told(t, w, k.Order); have != "1/1 given up" {
		t.Errorf("after as many deaths as tries: %s", have)
	}
}

// TestDeadServerKeepsOnePlace fills the queue of one merchant and looks whose notifications are due.
func TestDeadServerKeepsOnePlace(t *testing.T) {
	w := newNotifyWorld(t, tellAll)
	other, _ := w.Dir.Merchant(settletest.OtherMerchant)
	other.Notify = tellAll
	for i := range 10 {
		w.Pay(t, settletest.Payment{Number: fmt.Sprint(i), Amount: byn(100)})
	}
	w.Pay(t, settletest.Payment{Number: "0", Amount: byn(100), Merchant: settletest.OtherMerchant})
	count := func() (of [2]int) {
		for _, k := range dueKeys(t, w) {
			of[k.Merchant-settletest.Merchant]++
		}
		return of
	}
	if of := count(); of != [2]int{4, 1} {
		t.Errorf("due of both merchants: %v", of)
	}
	first := dueKeys(t, w)[0]
	if n, err := w.Notifications().Claim(t.Context(), first); err != nil || n == nil {
		t.Fatal(n, err)
	}
	if of := count(); of != [2]int{3, 1} {
		t.Errorf("due while one is being tried: %v", of)
	}
	w.Clock.Advance(2 * time.Minute)
	try(t, w, first, silent)
	if of := count(); of != [2]int{1, 1} {
		t.Errorf("due when a server does not answer: %v", of)
	}
}

func TestTellAgain(t *testing.T) {
	w := newNotifyWorld(t, settle.Notify{Payments: true})
	id := w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100), TwoStage: true})
	again := func(operation int16) notification.Key {
		t.Helper()
		k, err := w.Books.TellAgain(t.Context(), settletest.Merchant, id, operation)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := notification.Key{Merchant: settletest.Merchant, Order: id, Operation: 1, Sequence: 1}
	try(t, w, first, silent)
	if keys := dueKeys(t, w); len(keys) > 0 {
		t.Fatalf("due: %v", keys)
	}
	if k := again(0); k != first || len(dueKeys(t, w)) != 1 {
		t.Errorf("a pending notification: %v, due %v", k, dueKeys(t, w))
	}
	try(t, w, first, notification.Receipt{State: notification.Refused, FirstCode: "1", SecondCode: "2"})
	if k := again(1); k.Operation != 1 || k.Sequence != 2 {
		t.Errorf("a refused notification: %v", k)
	}
	confirm(t, w, id) // which is not wanted
	if k := again(0); k.Operation != 2 || k.Sequence != 1 {
		t.Errorf("an operation that was not told: %v", k)
	}
	if have, want := told(t, w, id), "1/1 refused, 1/2 pending, 2/1 pending"; have != want {
		t.Errorf("%s, want %s", have, want)
	}
	for name, tt := range map[string]struct {
		id        int64
		operation int16
		err       error
	}{"in process": {giveUp(t, w, "unknown"), 0, settle.ErrInFlight}, "no operation": {id, 9, settle.ErrOperation}, "no order": {id + 99, 0, settle.ErrNotFound}} {
		if _, err := w.Books.TellAgain(t.Context(), settletest.Merchant, tt.id, tt.operation); !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", name, err, tt.err)
		}
	}
}

func TestMetricsOfNotifications(t *testing.T) {
	w := newNotifyWorld(t, tellAll)
	compare(t, w, map[string]string{"settled_notifications_pending": "0", "settled_notification_oldest_age_seconds": "0",
		"settled_notification_silent_merchants": "0"})
	first := notification.Key{Merchant: settletest.Merchant, Order: w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)}), Operation: 1, Sequence: 1}
	w.Clock.Advance(time.Minute)
	second := first
	second.Order = w.Pay(t, settletest.Payment{Number: "2", Amount: byn(100)})
	try(t, w, second, silent)
	w.Clock.Advance(time.Minute)
	compare(t, w, map[string]string{"settled_notifications_pending": "2", "settled_notification_oldest_age_seconds": "120",
		"settled_notification_silent_merchants": "1"})
	for _, k := range []notification.Key{first, second} {
		try(t, w, k, notification.Receipt{State: notification.Delivered})
	}
	compare(t, w, map[string]string{"settled_notifications_pending": "0", "settled_notification_silent_merchants": "0"})
}
