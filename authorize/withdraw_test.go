package authorize_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"settled/authorize/tenants"
	"settled/settle/order"
)

// A shop cancels an order that its buyer has not paid: it is answered and told as every cancel, and the page says so.
func TestShopCancelsAnOpenedOrder(t *testing.T) {
	w, s := newShopWorld(t, tenants.Notify{AllowPrivate: true})
	w.shop(func(m *tenants.Merchant) { m.Page.ShowResult = true })
	path := w.opened(shopOrder("V-1"))
	form := typed("4111111111111111").with(params{"Session": token(t, w.follow(path))}).encode()
	bill := strconv.FormatInt(w.orderAt(path).ID, 10)
	for _, c := range []struct {
		path   string
		change params
		want   []string
	}{
		{cancel, ask("1.00"), []string{`firstcode="15" secondcode="308"`}},
		{charge, nil, []string{`firstcode="12" secondcode="201"`}},
		{cancel, ask("237.40").with(params{"CancelReason": "1"}), []string{"<responsecode>AS000<", "<orderstate>Canceled<", "<billnumber>" + bill + ".1<", "<operationtype>300<", "<amount>0.00<"}},
		{wsCancel, nil, []string{"<responsecode>AS000<", "<orderstate>Canceled<", "<billnumber>" + bill + ".1<"}},
		{cancel, params{"Externalrefundid": "another-one"}, []string{`firstcode="15" secondcode="308"`}},
		{charge, nil, []string{`firstcode="15" secondcode="307"`}},
		{orderResult, params{"Ordernumber": "V-1"}, []string{"<orderstate>Canceled<", "<operationtype>300<"}},
	} {
		r := w.form(c.path, credentials().with(params{"Billnumber": bill, "Format": "3"}).with(c.change))
		if missing := slices.DeleteFunc(c.want, func(text string) bool { return strings.Contains(r.body, text) }); len(missing) > 0 {
			t.Errorf("%s %v: no %q in %s", c.path, c.change, missing, r.body)
		}
	}
	wantText(t, w.follow(path), http.StatusOK, "Order canceled", "no money was taken")
	if r := w.send(http.MethodPost, path, form); r.status != http.StatusSeeOther {
		t.Errorf("a form from before: %d", r.status)
	}
	if again := w.opened(shopOrder("V-1")); w.orderAt(again).ID != w.orderAt(path).ID || w.orderAt(path).State() != order.StateCanceled {
		t.Error("the order can be paid again")
	}
	if w.tell() != 1 {
		t.Fatalf("told: %s", w.notifications())
	}
	if v := checkTold(t, s.heard()[0]); v.Get("operationtype") != "300" || v.Get("orderstate") != "Canceled" || v.Get("amount") != "0.00" {
		t.Errorf("told %v", v)
	}
}

// A code that waits is taken back at the bank first; one that was paid meanwhile is refunded.
func TestShopCancelsAnOrderWithACode(t *testing.T) {
	w, o := bankWorld(t, 12345)
	paid := w.chooseInstant("QR-2", 2000)
	check(t, w.bank.SetNotifyURL(""))
	w.scan(paid, true)
	w.process(t)
	for _, id := range []int64{o.ID, paid.ID} {
		r := w.call(cancel, credentials().with(params{"Billnumber": strconv.FormatInt(id, 10)}))
		if r.Order["orderstate"] != "Canceled" {
			t.Fatalf("%+v", r)
		}
	}
	w.settleOwed()
	w.wantState(o.ID, order.StateCanceled)
	if paid = w.wantState(paid.ID, order.StateCanceled); paid.Amounts.Refunded != 2000 || len(w.orderOf(o.ID).Owed) != 0 {
		t.Errorf("amounts %+v", paid.Amounts)
	}
}
