package pcsim_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
)

// scripted is a gateway that answers what the test says, and remembers what it was asked.
type scripted struct {
	mu     sync.Mutex
	answer map[string]string // by path
	asked  map[string]url.Values
}

func (g *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked[r.URL.Path] = r.PostForm
	number := r.PostForm.Get("Ordernumber")
	_, _ = io.WriteString(w, strings.ReplaceAll(g.answer[r.URL.Path], "NUMBER", number))
}

func (g *scripted) says(path, answer string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer[path] = answer
}

func (g *scripted) was(path string) url.Values {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[path]
}

// newShop starts a shop that calls a scripted gateway.
func newShop(t *testing.T, o pcsim.ShopOptions) (*pcsim.Shop, *scripted) {
	t.Helper()
	g := &scripted{answer: map[string]string{}, asked: map[string]url.Values{}}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	o.Merchant, o.Login, o.Password, o.Gateway = 123456, "shop_login", "password1", server.URL+"/"
	if o.SecretWord == "" {
		o.SecretWord = "secret"
	}
	s, err := pcsim.NewShop(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, g
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// visit asks for a page of the shop and returns its text.
func visit(t *testing.T, method, address string, form url.Values, want int) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != want {
		t.Fatalf("%s %s: %s, %v\n%s", method, address, answer.Status, err, text)
	}
	return string(text)
}

// TestOrderFormsAreProvenAsTheProtocolSays holds the check value to the protocol's own example.
func TestOrderFormsAreProvenAsTheProtocolSays(t *testing.T) {
	s, _ := newShop(t, pcsim.ShopOptions{})
	o := pcsim.ShopOrder{Number: "A-1", Amount: money.Amount{Minor: 10000, Currency: money.RUB}}
	f := s.OrderForm(o)
	if got, want := f.Get("Checkvalue"), "EBC5BF40F1F434D1B0CD29CBD1340E6C"; got != want {
		t.Errorf("check value %s, want %s", got, want)
	}
	if f.Get("URL_RETURN_OK") != s.URL()+"/ok" || f.Get("Delay") != "0" || f.Has("CustomerNumber") || f.Has("CardPayment") {
		t.Errorf("form %v", f)
	}
	o.Customer, o.TwoStage, o.Means = "c-7", true, "instant"
	if g := s.OrderForm(o); g.Get("Checkvalue") == f.Get("Checkvalue") || g.Get("CustomerNumber") != "c-7" || g.Get("Delay") != "1" || g.Get("CardPayment") != "0" {
		t.Errorf("form %v", g)
	}
	o.Terms = &pcsim.ShopTerms{Min: 1, Max: 20000, Days: 30, Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
	f = s.OrderForm(o)
	if got := fmt.Sprint(f["RecurringIndicator"], f["RecurringMinAmount"], f["RecurringMaxAmount"], f["RecurringPeriod"], f["RecurringMaxDate"]); got != "[1] [0.01] [200.00] [30] [31.01.2027]" {
		t.Errorf("terms %s", got)
	}
}

func TestShopsSellAndAskForTheTruth(t *testing.T) {
	s, g := newShop(t, pcsim.ShopOptions{})
	home := visit(t, http.MethodGet, s.URL()+"/?lang=ru", nil, 200)
	for _, want := range []string{"Керамическая кружка", pcsim.CardApproved, pcsim.CardChallenge, "1000.14"} {
		if !strings.Contains(home, want) {
			t.Errorf("the first page lacks %q", want)
		}
	}
	page := visit(t, http.MethodPost, s.URL()+"/buy", url.Values{"good": {"mug"}, "currency": {"RUB"}, "kind": {"two"}}, 200)
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	number := form.Get("OrderNumber")
	if form.Get("OrderAmount") != "1290.00" || form.Get("Delay") != "1" || len(form.Get("Checkvalue")) != 32 || number == "" {
		t.Fatalf("form %v", form)
	}
	g.says("/orderstate/orderstate.cfm", state("Delayed", check("123456"+number+"1290.00RUBDelayed")))
	if got := visit(t, http.MethodGet, s.URL()+"/no?billnumber=5&ordernumber="+number, nil, 200); !strings.Contains(got, `id="state">Delayed<`) {
		t.Errorf("page after the return:\n%s", got)
	}
	if got := g.was("/orderstate/orderstate.cfm"); got.Get("Ordernumber") != number || got.Get("Login") != "shop_login" || got.Get("Format") != "3" {
		t.Errorf("asked %v", got)
	}
	g.says("/charge/charge.cfm", `<!DOCTYPE result [<!ELEMENT result ANY>]><result firstcode="0" secondcode="0" count="1"><orders><order><billnumber>5.2</billnumber><responsecode>AS000</responsecode></order></orders></result>`)
	list := visit(t, http.MethodPost, s.URL()+"/orders", url.Values{"order": {number}, "do": {"confirm"}, "amount": {"100.00"}, "currency": {"RUB"}}, 200)
	if got := g.was("/charge/charge.cfm"); !strings.Contains(list, "5.2 AS000") || got.Get("Billnumber") != "512345" || got.Get("Amount") != "100.00" || got.Get("Currency") != "RUB" {
		t.Errorf("confirmed %v\n%s", got, list)
	}
	g.says("/cancel/cancel.cfm", `<result firstcode="15" secondcode="308" count="0"></result>`)
	if got := visit(t, http.MethodPost, s.URL()+"/orders", url.Values{"order": {number}, "do": {"cancel"}}, 502); !strings.Contains(got, "15/308") {
		t.Errorf("refused cancel:\n%s", got)
	}
}

func TestOldShops(t *testing.T) {
	s, err := pcsim.NewShop(pcsim.ShopOptions{Merchant: 1, Login: "l", Password: "p", SecretWord: "secret", NoDelimiters: true, Windows1251: true})
	if err != nil {
		t.Fatal(err)
	}
	f := s.OrderForm(pcsim.ShopOrder{Number: "A-1", Amount: money.Amount{Minor: 100, Currency: money.RUB}, Comment: "Кофе №1 ☕"})
	if got, want := f.Get("OrderComment"), "\xca\xee\xf4\xe5 \xb91 &#9749;"; got != want {
		t.Errorf("comment %q, want %q", got, want)
	}
	if got, want := f.Get("Checkvalue"), check("1A-11.00RUB"); got != want {
		t.Errorf("check value %s, want %s", got, want)
	}
}

// check is the check value of a text with the secret word of the tests; TestOrderForms… holds it to the protocol.
func check(x string) string {
	s, err := pcsim.NewShop(pcsim.ShopOptions{Merchant: 1, Login: "l", Password: "p", SecretWord: "secret"})
	if err != nil {
		panic(err)
	}
	return pcsim.ShopCheckvalue(s, x)
}

func state(word, checkvalue string) string {
	return `<?xml version="1.0" encoding="utf-8"?><result firstcode="0" secondcode="0" count="1"><order><ordernumber>NUMBER</ordernumber><billnumber>512345</billnumber>
<orderamount>1290.00</orderamount><ordercurrency>RUB</ordercurrency><orderstate>` + word + `</orderstate><checkvalue>` + checkvalue + `</checkvalue></order></result>`
}

func TestShopsDoNotBelieveForgedAnswers(t *testing.T) {
	s, g := newShop(t, pcsim.ShopOptions{})
	g.says("/orderstate/orderstate.cfm", state("Approved", check("123456A-11290.00RUBDeclined")))
	if _, err := s.State(t.Context(), "A-1"); !errors.Is(err, pcsim.ErrShopForged) {
		t.Errorf("a forged answer gave %v", err)
	}
	visit(t, http.MethodGet, s.URL()+"/ok?ordernumber=A-1", nil, 502)
	g.says("/orderstate/orderstate.cfm", "no XML")
	if _, err := s.State(t.Context(), "A-1"); err == nil {
		t.Error("an unreadable answer was read")
	}
}

// TestSubscriptionsAreChargedAgain begins a subscription and presses the button for its next payment.
func TestSubscriptionsAreChargedAgain(t *testing.T) {
	s, g := newShop(t, pcsim.ShopOptions{})
	page := visit(t, http.MethodPost, s.URL()+"/buy", url.Values{"good": {"box"}, "currency": {"RUB"}, "kind": {"subscription"}, "amount": {"12,90"}, "customer": {"c"}}, 200)
	if !strings.Contains(page, "RecurringMaxDate") || strings.Contains(page, "CustomerNumber") || !strings.Contains(page, `value="12.90"`) {
		t.Fatalf("form:\n%s", page)
	}
	number := regexp.MustCompile(`name="OrderNumber" value="([^"]+)"`).FindStringSubmatch(page)[1]
	notify(t, s, number, "Approved", "12.90", "secret")
	g.says("/recurrent/rp.cfm", `<result firstcode="0" secondcode="0"><orders><order><billnumber>513.1</billnumber><responsecode>AS000</responsecode><orderstate>Approved</orderstate></order></orders></result>`)
	g.says("/orderstate/orderstate.cfm", state("Approved", check("123456"+number+"1290.00RUBApproved")))
	list := visit(t, http.MethodPost, s.URL()+"/orders", url.Values{"order": {number}, "do": {"charge"}}, 200)
	if got := g.was("/recurrent/rp.cfm"); got.Get("BillNumber") != "512345" || got.Get("Amount") != "12.90" || got.Get("OrderNumber") == number {
		t.Errorf("charged %v", got)
	}
	if !strings.Contains(list, "("+number+")") || !strings.Contains(list, "513") {
		t.Errorf("orders:\n%s", list)
	}
}

// notify sends a notification as the gateway would and returns the answer.
func notify(t *testing.T, s *pcsim.Shop, number, word, amount, secret string) string {
	t.Helper()
	signer, err := pcsim.NewShop(pcsim.ShopOptions{Merchant: 1, Login: "l", Password: "p", SecretWord: secret})
	if err != nil {
		t.Fatal(err)
	}
	return visit(t, http.MethodPost, s.NoticeURL(), url.Values{"merchant_id": {"123456"}, "ordernumber": {number}, "billnumber": {"512345"},
		"amount": {amount}, "currency": {"RUB"}, "orderstate": {word}, "operationtype": {"100"}, "packetdate": {"01.02.2026 10:00:00"},
		"checkvalue": {pcsim.ShopCheckvalue(signer, "123456"+number+amount+"RUB"+word)}}, 200)
}

func TestReceiversBelieveOnlyProvenNotifications(t *testing.T) {
	s, _ := newShop(t, pcsim.ShopOptions{})
	want := `<pushpaymentresult firstcode="0" secondcode="0"><order><billnumber>512345</billnumber><packetdate>01.02.2026 10:00:00</packetdate></order></pushpaymentresult>`
	for range 2 {
		if got := notify(t, s, "A-1", "Approved", "100.00", "secret"); !strings.HasSuffix(got, want) {
			t.Errorf("receipt %s", got)
		}
	}
	if got := notify(t, s, "A-1", "Approved", "100.00", "other"); !strings.HasSuffix(got, `<pushpaymentresult firstcode="7" secondcode="0"></pushpaymentresult>`) {
		t.Errorf("answer to a forged notification: %s", got)
	}
	n := s.Notices()
	if len(n) != 3 || !n[0].Genuine || n[0].Again || !n[1].Again || n[2].Genuine {
		t.Errorf("notices %+v", n)
	}
	if page := visit(t, http.MethodGet, s.URL()+"/notifications", nil, 200); !strings.Contains(page, "WRONG") || !strings.Contains(page, "repeated") {
		t.Errorf("page:\n%s", page)
	}
	s.SetDeaf(true)
	visit(t, http.MethodPost, s.NoticeURL(), url.Values{}, 503)
}

// TestReceiversBelieveOnlySignedNotifications: a shop with a key takes what is signed with it, of these minutes and unchanged.
func TestReceiversBelieveOnlySignedNotifications(t *testing.T) {
	key := make([]byte, 32)
	s, _ := newShop(t, pcsim.ShopOptions{SigningKey: "whsec_" + base64.StdEncoding.EncodeToString(key)})
	form := url.Values{"merchant_id": {"123456"}, "ordernumber": {"A-1"}, "amount": {"1.00"}, "currency": {"RUB"}, "orderstate": {"Approved"},
		"checkvalue": {pcsim.ShopCheckvalue(s, "123456A-11.00RUBApproved")}}
	now := time.Now()
	for i, tt := range []struct {
		key    []byte
		at     time.Time
		signed string // body that the signature is over
		good   bool
	}{
		{key, now, form.Encode(), true},
		{key, now.Add(4 * time.Minute), form.Encode(), true},
		{key, now.Add(-6 * time.Minute), form.Encode(), false},
		{key, now.Add(6 * time.Minute), form.Encode(), false},
		{[]byte("the key of another merchant"), now, form.Encode(), false},
		{key, now, form.Encode() + "&x=1", false},
		{nil, now, "", false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.NoticeURL(), strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, tt.key)
		fmt.Fprintf(mac, "m-1.%d.%s", tt.at.Unix(), tt.signed)
		r.Header.Set("Webhook-Id", "m-1")
		r.Header.Set("Webhook-Timestamp", strconv.FormatInt(tt.at.Unix(), 10))
		if tt.key != nil {
			r.Header.Set("Webhook-Signature", "v1,AAAA v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if n := s.Notices(); len(n) != i+1 || n[i].Genuine != tt.good {
			t.Errorf("case %d: genuine %t", i, !tt.good)
		}
	}
}

func TestShopsNeedTheirCredentials(t *testing.T) {
	for _, o := range []pcsim.ShopOptions{{}, {Merchant: 1, Login: "l", Password: "p"}, {Merchant: 1, Login: "l", Password: "p", SecretWord: "s", Currencies: []money.Currency{money.JPY}}} {
		if _, err := pcsim.NewShop(o); !errors.Is(err, pcsim.ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	s, _ := newShop(t, pcsim.ShopOptions{})
	if err := s.Start(); !errors.Is(err, pcsim.ErrState) {
		t.Errorf("second start: %v", err)
	}
	for _, form := range []url.Values{{"good": {"no"}, "currency": {"RUB"}}, {"good": {"mug"}, "currency": {"JPY"}}, {"good": {"mug"}, "currency": {"RUB"}, "amount": {"x"}}} {
		visit(t, http.MethodPost, s.URL()+"/buy", form, 400)
	}
	visit(t, http.MethodPost, s.URL()+"/orders", url.Values{"order": {"none"}, "do": {"cancel"}}, 404)
}
