package authorize_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/order"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
)

const resultByDate = "/resultbydate/resultbydate.cfm"

// periodOf are the parameters of a period of whole minutes.
func periodOf(from, to time.Time) params {
	p := params{}
	for prefix, at := range map[string]time.Time{"Start": from, "End": to} {
		p[prefix+"Year"], p[prefix+"Month"], p[prefix+"Day"] = fmt.Sprint(at.Year()), fmt.Sprint(int(at.Month())), fmt.Sprint(at.Day())
		p[prefix+"Hour"], p[prefix+"Min"] = fmt.Sprint(at.Hour()), fmt.Sprint(at.Minute())
	}
	return p
}

// listed reads the operations of a period in XML, as order number and operation, with the wait between calls over.
func (w *world) listed(change params) []string {
	w.t.Helper()
	_, err := w.Pool.Exec(w.t.Context(), `DELETE FROM service_calls`)
	check(w.t, err)
	body := w.form(resultByDate, credentials().with(params{"Format": "3"}).with(change)).body
	var r struct {
		First  int      `xml:"firstcode,attr"`
		Second int      `xml:"secondcode,attr"`
		Count  int      `xml:"count,attr"`
		Orders []fields `xml:"orders>order"`
	}
	if err := xml.Unmarshal([]byte(body), &r); err != nil || r.First != 0 || r.Count != len(r.Orders) {
		w.t.Fatalf("%v: %s", err, body)
	}
	out := []string{}
	for _, o := range r.Orders {
		_, n, _ := strings.Cut(o["billnumber"], ".")
		out = append(out, o["ordernumber"]+"."+n)
	}
	return out
}

// fillRegistry makes a payment that is held and confirmed an hour later, one that is declined in that hour, one that is
// cancelled, and one of another merchant.
func (w *world) fillRegistry() {
	w.t.Helper()
	held := w.paid(paymentOf("held").with(params{"Delay": "1"}))
	w.Clock.Advance(time.Hour)
	w.call(pay, paymentOf("declined").with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
	paid := w.paid(paymentOf("paid"))
	w.call(pay, otherPayment("foreign"))
	w.Clock.Advance(time.Hour)
	w.run(credentials(), held, []step{{charge, nil, "AS000", "Approved", 0, 0}})
	w.run(credentials(), paid, []step{{cancel, nil, "AS000", "Canceled", 0, 0}})
}

func TestResultByDate(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.fillRegistry()
	all := []string{"held.1", "held.2", "declined.1", "paid.1", "paid.2"}
	start := settletest.Start
	first := periodOf(start, start)
	third := periodOf(start.Add(2*time.Hour), start.Add(2*time.Hour))
	for name, c := range map[string]struct {
		change params
		want   []string
	}{
		"last three hours":         {nil, all},
		"orders of the first hour": {first, []string{"held.1", "held.2"}},
		"orders of the third hour": {third, []string{}},
		"begun in the third hour":  {third.with(params{"DateTimeMode": "1"}), []string{"held.2", "paid.2"}},
		"begun in the first hour":  {first.with(params{"DateTimeMode": "1"}), []string{"held.1"}},
		"ended in the third hour":  {third.with(params{"DateTimeMode": "2"}), []string{"held.2", "paid.2"}},
		"payments":                 {params{"Operationtype": "A"}, []string{"held.1", "declined.1", "paid.1"}},
		"confirmations":            {params{"Operationtype": "C"}, []string{"held.2"}},
		"cancels":                  {params{"Operationtype": "R"}, []string{"paid.2"}},
		"successful":               {params{"Operationstate": "S"}, []string{"held.1", "held.2", "paid.1", "paid.2"}},
		"failed":                   {params{"Operationstate": "F"}, []string{"declined.1"}},
		"failed cancels":           {params{"Operationstate": "F", "Operationtype": "R"}, []string{}},
		"created, in process":      {params{"Operationstate": "N"}, []string{}},
		"VISA":                     {params{"MeanType_ID": "1"}, all},
		"AMEX":                     {params{"MeanType_ID": "5"}, []string{}},
		"test mode":                {params{"TestMode": "1"}, []string{}},
		"no test mode":             {params{"TestMode": "0"}, all},
		"no end: the usual period": {params{"StartYear": "2026", "StartMonth": "3", "StartDay": "1"}, all},
		"25 hours: the usual one":  {periodOf(start.Add(-25*time.Hour), start), all},
		"ends before it starts":    {periodOf(start, start.Add(-time.Minute)), all},
		"a wrong part":             {first.with(params{"StartMonth": "13"}), all},
		"an hour that is too long": {first.with(params{"StartHour": "100"}), all},
		"31 February":              {first.with(params{"StartMonth": "2", "StartDay": "31"}), all},
		"whole days without hours": {periodOf(start, start.Add(24*time.Hour)).with(params{"StartHour": "", "StartMin": "", "EndHour": "", "EndMin": ""}), all},
	} {
		if diff := cmp.Diff(c.want, w.listed(c.change)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	w.Clock.Advance(90 * time.Minute)
	if got := w.listed(nil); slices.Contains(got, "held.1") || !slices.Contains(got, "paid.1") {
		t.Errorf("three hours before now: %v", got)
	}
}

// A payment that waits for its center is listed as in process, an order that nobody tried to pay is not.
func TestResultByDateInProcess(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.Begin(t, settletest.Payment{Number: "on its way", Amount: moneyBYN(100)})
	m, _ := w.Dir.Merchant(settletest.Merchant)
	_, _, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: "unpaid", Original: moneyBYN(100), Means: order.MeansCard,
		PayBefore: w.Clock.Now().Add(time.Hour), Tries: 1, Fingerprint: settle.Fingerprint{Kept: []byte{1}}})
	check(t, err)
	if diff := cmp.Diff([]string{"on its way.1"}, w.listed(params{"Operationstate": "P"})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"on its way.1"}, w.listed(params{"DateTimeMode": "1"})); diff != "" {
		t.Error(diff)
	}
	if got := w.listed(params{"DateTimeMode": "2"}); len(got) != 0 {
		t.Errorf("ended: %v", got)
	}
	r := w.call(orderResult, credentials().with(params{"Ordernumber": "unpaid"}))
	if len(r.Bare) != 1 || r.Bare[0]["orderstate"] != "In Process" || r.Bare[0]["operation"] != "" {
		t.Errorf("%+v", r)
	}
	csv := w.form(orderResult, credentials().with(params{"Ordernumber": "unpaid", "Format": "1"}))
	if !strings.Contains(csv.body, "ordernumber:unpaid;") || strings.Count(csv.body, "\n") != 1 {
		t.Errorf("%s", csv.body)
	}
}

func TestResultByDateRefuses(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for _, c := range []struct {
		change        params
		first, second int
	}{
		{params{"Operationstate": "s"}, 5, 146}, {params{"Operationstate": "X"}, 5, 146}, {params{"Operationtype": "a"}, 5, 145},
		{params{"MeanType_ID": "VISA"}, 4, 111}, {params{"DateTimeMode": "3"}, 5, 104}, {params{"ZipFlag": "3"}, 5, 132},
		{params{"TestMode": "2"}, 5, 212}, {params{"Password": "Wrong2026Word"}, 7, 102},
	} {
		r := w.form(resultByDate, credentials().with(c.change))
		if first, second := w.codes(r.body); first != c.first || second != c.second || !strings.HasPrefix(r.body, "firstcode:") {
			t.Errorf("%v: %d/%d %s", c.change, first, second, r.body)
		}
	}
	if r := w.form(resultByDate, credentials()); r.body != "" || r.status != 200 {
		t.Errorf("refused calls count, or an empty period is not empty: %d %s", r.status, r.body)
	}
}

// One call in ten minutes: of many at once, by two gateways on one database, one is answered; the others do not make the
// wait longer, and each merchant waits alone.
func TestResultByDateOnceInTenMinutes(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.paid(paymentOf("A-1"))
	w.options.Registerer = nil
	servers := []*world{{World: w.World, t: t, options: w.options}, {World: w.World, t: t, options: w.options}}
	answers := make([]string, 8)
	var group sync.WaitGroup
	for _, s := range servers {
		s.open()
	}
	for i := range answers {
		group.Go(func() { answers[i] = servers[i%2].form(resultByDate, credentials()).body })
	}
	group.Wait()
	served := 0
	for _, body := range answers {
		switch first, second := w.codes(body); {
		case first == 0:
			served++
		case first == 17 && second == 3:
		case first == 1 && second == 3: // more at once than are read
		default:
			t.Errorf("%s", body)
		}
	}
	if served != 1 {
		t.Errorf("%d of %d served", served, len(answers))
	}
	w.Clock.Advance(10*time.Minute - time.Second)
	if r := w.json(resultByDate, credentials()); r.status != 429 || !strings.Contains(r.body, `"faultcode":"17","faultstring":"3"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.form(resultByDate, otherCredentials()); r.body != "" {
		t.Errorf("another merchant: %s", r.body)
	}
	w.Clock.Advance(time.Second)
	if first, _ := w.codes(w.form(resultByDate, credentials()).body); first != 0 {
		t.Errorf("after ten minutes: %d", first)
	}
}

func TestResultByDateFormats(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.fillRegistry()
	next := func(p params) reply {
		w.Clock.Advance(10 * time.Minute)
		return w.form(resultByDate, credentials().with(p))
	}
	csv := next(params{"Operationstate": "F"})
	if !strings.HasPrefix(csv.body, "billnumber:51000010000000") || !strings.Contains(csv.body, ";errorcode:102;") || strings.Count(csv.body, "\n") != 1 ||
		csv.header.Get("Content-Disposition") != "" {
		t.Errorf("%s", csv.body)
	}
	var list struct {
		Resultbydate struct{ Orders []map[string]any }
	}
	if r := next(params{"Format": "5"}); json.Unmarshal([]byte(r.body), &list) != nil || len(list.Resultbydate.Orders) != 5 {
		t.Errorf("%s", r.body)
	}
	if r := next(params{"Format": "5", "Operationstate": "N"}); r.body != `{"resultbydate":{"orders":[]}}` {
		t.Errorf("nothing in JSON: %s", r.body)
	}
	if r := next(params{"Format": "4"}); strings.Count(r.body, "<order>") != 5 {
		t.Errorf("%s", r.body)
	}
	for format, extension := range map[string]string{"1": "csv", "3": "xml", "5": "json"} {
		name := fmt.Sprintf("resultbydate_100001_%s_%s", w.Clock.Now().Add(10*time.Minute-3*time.Hour).Format("200601021504"), w.Clock.Now().Add(10*time.Minute).Format("200601021504"))
		r := next(params{"Format": format, "ZipFlag": "1"})
		if got := r.header.Get("Content-Disposition"); got != `attachment; filename="`+name+"."+extension+`"` || !strings.Contains(r.body, "declined") {
			t.Errorf("%s: %s", format, got)
		}
		w.Clock.Advance(-10 * time.Minute)
		_, err := w.Pool.Exec(t.Context(), `DELETE FROM service_calls`)
		check(t, err)
		packed := next(params{"Format": format, "ZipFlag": "2"})
		if packed.header.Get("Content-Type") != "application/zip" || packed.header.Get("Content-Disposition") != `attachment; filename="`+name+`.zip"` {
			t.Errorf("%s: %v", format, packed.header)
		}
		if diff := cmp.Diff(r.body, unzip(t, packed.body, name+"."+extension)); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
	if r := next(params{"ZipFlag": "2", "Operationtype": "x"}); !strings.HasPrefix(r.body, "firstcode:5;") || r.header.Get("Content-Disposition") != "" {
		t.Errorf("a refusal is not packed: %s", r.body)
	}
}

// unzip returns the one file of an archive.
func unzip(t *testing.T, body, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
	check(t, err)
	if len(z.File) != 1 || z.File[0].Name != name {
		t.Fatalf("%d files, %s", len(z.File), z.File[0].Name)
	}
	f, err := z.File[0].Open()
	check(t, err)
	text, err := io.ReadAll(f)
	check(t, err)
	return string(text)
}

// manyOrders writes orders that were paid by cards a second apart, from the world's start on.
const manyOrders = `
INSERT INTO orders (merchant_id, order_id, ordernumber, attempt, amount, authorized, confirmed, currency, status, created_at,
	exchange_id, center_id, two_stage, card_mask, card_expiry, card, fingerprint)
SELECT 100001, 5100001500000000 + n, 'many ' || n, 1, 100, 100, 100, 933, 2, $1::timestamptz + n * interval '1 second', n, 1, false,
	'411111****1111', '2812', '\x00', '\x00' FROM generate_series(0, 10000) n`

// A period that holds too much is refused, costs no turn, and a shorter one is answered at once.
func TestResultByDateTooLarge(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	_, err := w.Pool.Exec(t.Context(), manyOrders, settletest.Start)
	check(t, err)
	_, err = w.Pool.Exec(t.Context(), `INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, amount, response, requested_at, completed_at)
		SELECT merchant_id, order_id, 1, 100, 2, 1, amount, 'AS000', created_at, created_at FROM orders`)
	check(t, err)
	day := credentials().with(periodOf(settletest.Start, settletest.Start.Add(3*time.Hour)))
	for range 2 {
		if first, second := w.codes(w.form(resultByDate, day).body); first != 5 || second != 4 {
			t.Errorf("10001 orders: %d/%d", first, second)
		}
	}
	hour := credentials().with(periodOf(settletest.Start, settletest.Start.Add(59*time.Minute)))
	if r := w.form(resultByDate, hour); strings.Count(r.body, "\n") != 3600 {
		t.Errorf("an hour: %d lines", strings.Count(r.body, "\n"))
	}
	if first, second := w.codes(w.form(resultByDate, hour).body); first != 17 || second != 3 {
		t.Errorf("again: %d/%d", first, second)
	}
}
