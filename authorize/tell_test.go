package authorize_test

import (
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/notification"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// shop is a merchant's server that keeps what it was told and answers as it is set to.
type shop struct {
	*httptest.Server
	mu     sync.Mutex
	told   []string
	status int
	body   string
}

const (
	shopTook    = `<pushpaymentresult firstcode="0" secondcode="0"><order><billnumber>1</billnumber><packetdate>today</packetdate></order></pushpaymentresult>`
	shopRefused = `<pushpaymentresult firstcode="5" secondcode="107"/>`
	soapTook    = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><PushPaymentResultResponse/></e:Body></e:Envelope>`
)

func newShop(t testing.TB) *shop {
	s := &shop{status: 200, body: shopTook}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, string(text))
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shop) answers(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.body = status, body
}

// heard is what the shop was told since it was last asked.
func (s *shop) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.told
	s.told = nil
	return all
}

// newShopWorld is a world whose first merchant has a server that is told everything.
func newShopWorld(t testing.TB, n tenants.Notify) (*world, *shop) {
	w := newWorld(t, pcsim.Behavior{})
	s := newShop(t)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	m.Notify = settle.Notify{Payments: true, Confirmations: true, Cancellations: true}
	if n.URL == "" {
		n.URL = s.URL
	}
	settings := w.options.Merchants[settletest.Merchant]
	settings.Notify = n
	w.options.Merchants[settletest.Merchant] = settings
	w.registry = prometheus.NewRegistry()
	w.options.Registerer = w.registry
	w.open()
	return w, s
}

// tell tries everything that is due, until nothing is, and returns how much that was.
func (w *world) tell() int {
	w.t.Helper()
	for total := 0; ; {
		due, err := w.Notifications().Due(w.t.Context())
		check(w.t, err)
		for _, n := range due {
			_, err := w.gateway.Notify(w.t.Context(), n.Key)
			check(w.t, err)
		}
		if total += len(due); len(due) == 0 {
			return total
		}
	}
}

// notifications lists those of an order as "operation/sequence state codes attempts".
func (w *world) notifications() string {
	w.t.Helper()
	all, err := w.Notifications().List(w.t.Context(), notification.Filter{Limit: 100})
	check(w.t, err)
	lines := make([]string, len(all))
	for i, n := range all {
		lines[len(all)-1-i] = fmt.Sprintf("%d/%d %s %s/%s %d", n.Operation, n.Sequence, n.State, n.FirstCode, n.SecondCode, n.Attempts)
	}
	return strings.Join(lines, "; ")
}

const notificationsPage = "../docs/notifications.md"

// TestNotificationsPage keeps the bodies of docs/notifications.md equal to what a server is told.
func TestNotificationsPage(t *testing.T) {
	text, err := os.ReadFile(notificationsPage)
	check(t, err)
	page := string(text)
	for name, show := range map[string]func(string) string{
		"form": func(body string) string { return "```\n" + strings.ReplaceAll(body, "&", "&\n") + "\n```\n" },
		"soap": func(body string) string {
			return "```xml\n" + emptyElement.ReplaceAllString(strings.ReplaceAll(body, "><", ">\n<"), "<$1></$2>") + "\n```\n"
		},
	} {
		w, s := newShopWorld(t, tenants.Notify{SOAP: name == "soap", AllowPrivate: true})
		s.answers(200, soapTook)
		w.paid(paymentOf("A-1"))
		if n := w.tell(); n == 0 {
			t.Fatal("nothing was told")
		}
		part := regexp.MustCompile("(?s)(<!-- " + name + ": [^\n]*\n)(.*?)(<!-- end -->)")
		found := part.FindStringSubmatchIndex(page)
		if found == nil {
			t.Fatalf("%s has no part %s", notificationsPage, name)
		}
		want := show(s.heard()[0])
		if *update {
			page = page[:found[4]] + want + page[found[5]:]
		} else if diff := cmp.Diff(want, page[found[4]:found[5]]); diff != "" {
			t.Errorf("%s, rewrite it with -update (-want +have):\n%s", notificationsPage, diff)
		}
	}
	if *update {
		check(t, os.WriteFile(notificationsPage, []byte(page), 0o644))
	}
}

// checkTold computes the proof of a form as a merchant does.
func checkTold(t *testing.T, body string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(body)
	check(t, err)
	x := v.Get("merchant_id") + v.Get("ordernumber") + v.Get("amount") + v.Get("currency") + v.Get("orderstate")
	digest := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	if want := strings.ToUpper(digest(strings.ToUpper(digest("secret") + digest(x)))); v.Get("checkvalue") != want {
		t.Errorf("checkvalue %s over %s, want %s", v.Get("checkvalue"), x, want)
	}
	return v
}

func TestEachOperationIsTold(t *testing.T) {
	w, s := newShopWorld(t, tenants.Notify{AllowPrivate: true})
	bill := w.paid(paymentOf("two").with(params{"Delay": "1"}))
	w.call(charge, credentials().with(params{"Billnumber": bill, "Amount": "100.00", "Currency": "BYN"}))
	w.call(cancel, credentials().with(params{"Billnumber": bill}))
	w.call(pay, paymentOf("declined").with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
	if n := w.tell(); n != 4 {
		t.Errorf("%d notifications of four operations: %s", n, w.notifications())
	}
	var have []string
	for _, body := range s.heard() {
		v := checkTold(t, body)
		have = append(have, strings.Join([]string{v.Get("ordernumber"), v.Get("operationtype"), v.Get("amount"), v.Get("orderamount"), v.Get("responsecode")}, " "))
		if v.Get("testmode") != "0" || v.Get("email") != "ivan@example.by" || strings.Contains(body, "4111111111111111") {
			t.Errorf("%s", body)
		}
	}
	want := []string{"two 100 237.40 237.40 AS000", "two 200 100.00 237.40 AS000", "two 300 237.40 237.40 AS000", "declined 100 237.40 237.40 AS102"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("told (-want +have):\n%s", diff)
	}
}

// TestAnswersOfShops plays each kind of answer.
func TestAnswersOfShops(t *testing.T) {
	for _, tt := range []struct {
		name   string
		notify tenants.Notify
		status int
		body   string
		want   string
		metric string
	}{
		{"taken", tenants.Notify{AllowPrivate: true}, 200, shopTook, "1/1 delivered 0/0 1", "delivered"},
		{"refused", tenants.Notify{AllowPrivate: true}, 200, shopRefused, "1/1 refused 5/107 1", "refused"},
		{"no answer", tenants.Notify{AllowPrivate: true}, 500, "", "1/1 pending / 1", "silent"},
		{"not understood", tenants.Notify{AllowPrivate: true}, 200, "OK", "1/1 pending / 1", "silent"},
		{"plain", tenants.Notify{AllowPrivate: true, PlainAnswer: true}, 200, "OK", "1/1 delivered / 1", "delivered"},
		{"plain, not 200", tenants.Notify{AllowPrivate: true, PlainAnswer: true}, 204, "", "1/1 pending / 1", "silent"},
		{"SOAP", tenants.Notify{AllowPrivate: true, SOAP: true}, 200, soapTook, "1/1 delivered / 1", "delivered"},
		{"SOAP fault", tenants.Notify{AllowPrivate: true, SOAP: true}, 500, strings.Replace(soapTook, "<PushPaymentResultResponse/>",
			"<e:Fault><faultcode>7</faultcode><faultstring>102</faultstring></e:Fault>", 1), "1/1 refused 7/102 1", "refused"},
		{"private address", tenants.Notify{}, 200, shopTook, "1/1 pending / 1", "silent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, s := newShopWorld(t, tt.notify)
			s.answers(tt.status, tt.body)
			w.paid(paymentOf("1"))
			w.tell()
			if have := w.notifications(); have != tt.want {
				t.Errorf("%s, want %s", have, tt.want)
			}
			if heard := len(s.heard()); (heard > 0) != tt.notify.AllowPrivate {
				t.Errorf("the shop heard %d times", heard)
			}
			for _, outcome := range []string{"delivered", "refused", "silent", "given_up"} {
				want := 0.0
				if outcome == tt.metric {
					want = 1
				}
				if have := counter(t, w.registry, "settled_notification_tries_total", outcome); have != want {
					t.Errorf("counted %v %s", have, outcome)
				}
			}
		})
	}
}

// counter reads the sample of a counter with one label.
func counter(t *testing.T, r *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := r.Gather()
	check(t, err)
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == name && m.Label[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Errorf("there is no %s{%s}", name, label)
	return 0
}

// TestShopComesBack is silent for a while, then answers; and is silent for good.
func TestShopComesBack(t *testing.T) {
	w, s := newShopWorld(t, tenants.Notify{AllowPrivate: true})
	s.answers(503, "")
	w.paid(paymentOf("1"))
	for _, minutes := range []time.Duration{0, 1, 3} {
		w.Clock.Advance(minutes * time.Minute)
		if n := w.tell(); n != 1 {
			t.Errorf("after %d more minutes it was told %d times", minutes, n)
		}
	}
	s.answers(200, shopTook)
	w.Clock.Advance(7*time.Minute - time.Second)
	if n := w.tell(); n != 0 {
		t.Errorf("told %d times before it was due", n)
	}
	w.Clock.Advance(time.Second)
	w.tell()
	if have, want := w.notifications(), "1/1 delivered 0/0 4"; have != want {
		t.Errorf("%s, want %s", have, want)
	}
	first, last := "", ""
	for _, body := range s.heard() {
		v := checkTold(t, body)
		first, last = strings.TrimPrefix(first+" "+v.Get("packetdate")[11:16], " "), v.Get("operationdate")
	}
	if first != "06:00 06:01 06:04 06:11" || !strings.Contains(last, "06:00:00") {
		t.Errorf("packets of %s about an operation of %s", first, last)
	}
	s.answers(503, "")
	w.paid(paymentOf("2"))
	for range 5 * 60 {
		w.tell()
		w.Clock.Advance(time.Minute)
	}
	if heard := len(s.heard()); heard != 8 {
		t.Errorf("a silent shop was told %d times", heard)
	}
	if have := counter(t, w.registry, "settled_notification_tries_total", "given_up"); have != 1 {
		t.Errorf("%v notifications count as given up", have)
	}
}

// TestWithoutAddress: a merchant that is to be told but has no server.
func TestWithoutAddress(t *testing.T) {
	w, _ := newShopWorld(t, tenants.Notify{})
	settings := w.options.Merchants[settletest.Merchant]
	settings.Notify = tenants.Notify{}
	w.options.Merchants[settletest.Merchant] = settings
	w.paid(paymentOf("1"))
	w.tell()
	if have, want := w.notifications(), "1/1 given up / 1"; have != want {
		t.Errorf("%s, want %s", have, want)
	}
}

// TestCrashAfterSending takes the answer of the shop but not the note of it, as a crash does.
func TestCrashAfterSending(t *testing.T) {
	w, s := newShopWorld(t, tenants.Notify{AllowPrivate: true})
	w.paid(paymentOf("1"))
	due, err := w.Notifications().Due(t.Context())
	check(t, err)
	if n, err := w.Notifications().Claim(t.Context(), due[0].Key); n == nil || err != nil {
		t.Fatal(n, err)
	}
	if n := w.tell(); n != 0 {
		t.Errorf("told %d times while another process seems to be at it", n)
	}
	w.Clock.Advance(time.Minute)
	w.tell()
	if have, want := w.notifications(), "1/1 delivered 0/0 2"; have != want || len(s.heard()) != 1 {
		t.Errorf("%s, want %s", have, want)
	}
}

// TestSignedNotification verifies the signature as a merchant does.
func TestSignedNotification(t *testing.T) {
	for _, sha := range []bool{false, true} {
		w, s := newShopWorld(t, tenants.Notify{AllowPrivate: true})
		key := w.signing(sha)
		w.paid(paymentOf("A-1"))
		w.tell()
		v, err := url.ParseQuery(s.heard()[0])
		check(t, err)
		x := []byte("100001A-1237.40BYNApproved")
		signature, err := base64.StdEncoding.DecodeString(v.Get("signature"))
		check(t, err)
		hash, sum := crypto.MD5, md5.Sum(x)
		digest := sum[:]
		if sha {
			long := sha256.Sum256(x)
			hash, digest = crypto.SHA256, long[:]
		}
		if err := rsa.VerifyPKCS1v15(key, hash, digest, signature); err != nil || v.Get("checkvalue") != "" {
			t.Errorf("SHA-256 %t: %v, checkvalue %q", sha, err, v.Get("checkvalue"))
		}
	}
}

// TestPrivateAddressOfALiveInstallation: what a merchant's settings allow counts only where no money moves.
func TestPrivateAddressOfALiveInstallation(t *testing.T) {
	w, s := newShopWorld(t, tenants.Notify{AllowPrivate: true})
	w.paid(paymentOf("1"))
	keys := filepath.Join(t.TempDir(), "live.json")
	check(t, vault.GenerateFor(keys, vault.Live, vault.Place{File: "kek"}))
	live, err := vault.Open(keys)
	check(t, err)
	w.options.Vault, w.options.Registerer = live, nil
	w.open()
	w.tell()
	if have := w.notifications(); have != "1/1 pending / 1" || len(s.heard()) != 0 {
		t.Errorf("a live installation reached a private address: %s", have)
	}
}
