package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"settled/internal/config"
	"settled/internal/pcsim"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// awaitTold waits for the next notification that a shop gets.
func awaitTold(t *testing.T, shop <-chan url.Values) url.Values {
	t.Helper()
	var v url.Values
	eventually(t, "a notification", func() bool {
		select {
		case v = <-shop:
			return true
		default:
			return false
		}
	})
	return v
}

// newToldShop is a merchant's server that takes every notification that is signed with its key.
func newToldShop(t *testing.T, key string) (address string, told <-chan url.Values) {
	hook, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan url.Values, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if err := hook.Verify(body, r.Header); err != nil {
			t.Error(err)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		heard <- form
		_, _ = io.WriteString(w, `<pushpaymentresult firstcode="0" secondcode="0"/>`)
	}))
	t.Cleanup(server.Close)
	return server.URL, heard
}

// TestMerchantIsToldAndToldAgain pays at a running installation and looks at what the merchant's server hears.
func TestMerchantIsToldAndToldAgain(t *testing.T) {
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage})
	if err != nil {
		t.Fatal(err)
	}
	if err := center.Start(); err != nil {
		t.Fatal(err)
	}
	defer center.Close()
	key, _, _ := settled(t, nil, "notification", "key")
	address, shop := newToldShop(t, strings.TrimSpace(key))
	file := small(t, center.OnlineAddr(), func(f *config.File) {
		f.Merchants[0].Notifications = config.NotificationsFile{URL: address, AllowPrivate: true, SigningKeyFile: write(t, filepath.Join(t.TempDir(), "shop.whsec"), key), Send: []string{"payments", "cancellations"}}
	})
	env := map[string]string{"DATABASE_URL": durable(t).URL("postgres"), "SETTLED_CONFIG": file, "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys"),
		"SETTLED_LISTEN": "127.0.0.1:0", "SETTLED_METRICS_LISTEN": "127.0.0.1:0"}
	for _, args := range [][]string{{"migrate"}, {"keys", "new"}} {
		if _, errOut, code := settled(t, env, args...); code != exitOK {
			t.Fatalf("%v: %s", args, errOut)
		}
	}
	p := start(t, env, nil, "run")
	line := p.errOut.await(t, `"started"`)
	api, metrics := "http://"+field(t, line, "api"), "http://"+field(t, line, "metrics")
	awaitMetric(t, metrics+"/metrics", `settled_center_connections{pc="PC-C"} 2`)
	response, err := http.PostForm(api+"/pay/silentpay.cfm", url.Values{"Merchant_ID": {"7"}, "Login": {"merchant_7"}, "Password": {shopPassword}, "Format": {"5"},
		"OrderNumber": {"A-1"}, "OrderAmount": {"12.30"}, "Cardnumber": {pcsim.CardApproved}, "Expiremonth": {"12"}, "Expireyear": {"2035"}, "Cvc2": {"123"}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	first := awaitTold(t, shop)
	if first.Get("ordernumber") != "A-1" || first.Get("responsecode") != "AS000" || first.Get("amount") != "12.30" {
		t.Errorf("the shop was told %v", first)
	}
	bill := first.Get("billnumber")
	awaitMetric(t, metrics+"/metrics", `settled_notification_tries_total{outcome="delivered"} 1`)
	again(t, env, bill)
	if second := awaitTold(t, shop); second.Get("billnumber") != bill {
		t.Errorf("the shop was told %v again", second)
	}
	awaitMetric(t, metrics+"/metrics", `settled_notification_tries_total{outcome="delivered"} 2`)
	awaitMetric(t, metrics+"/metrics", `settled_notifications_pending 0`)
	list, errOut, code := settled(t, env, "notification", "list", "--order", bill, "--state", "delivered", "--json")
	var lines []notificationLine
	if err := json.Unmarshal([]byte(list), &lines); err != nil || code != exitOK || len(lines) != 2 || lines[0].Sequence != 2 || lines[0].FirstCode != "0" {
		t.Errorf("list: exit code %d, %v, %s%s", code, err, list, errOut)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

// again has the order told again, and tries what is refused.
func again(t *testing.T, env map[string]string, bill string) {
	t.Helper()
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"list"}, exitOK, "0/0"},
		{[]string{"list", "--merchant", "7", "--limit", "1"}, exitOK, bill + ".1"},
		{[]string{"list", "--state", "given-up"}, exitOK, "merchant"},
		{[]string{"list", "--state", "lost"}, exitUsage, "is not one of"},
		{[]string{"resend", "five"}, exitUsage, "is no number"},
		{[]string{"resend", bill + ".x"}, exitUsage, "is no number"},
		{[]string{"resend", bill + ".9"}, exitConflict, "there is no"},
		{[]string{"resend", "5100001000000001"}, exitConflict, "no address"},
		{[]string{"resend", bill[:len(bill)-1] + "9"}, exitNotFound, "no such order"},
		{[]string{"resend", "1"}, exitNotFound, ""},
		{[]string{"resend", bill}, exitOK, "pending"},
	} {
		out, errOut, code := settled(t, env, append([]string{"notification"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errOut, tt.want) {
			t.Errorf("settled notification %v: exit code %d, want %d; %q in\n%s%s", tt.args, code, tt.code, tt.want, out, errOut)
		}
	}
}
