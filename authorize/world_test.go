package authorize_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/argon2"

	"settled/authorize"
	"settled/authorize/instant"
	"settled/authorize/online"
	"settled/authorize/page/pagetest"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/settletest"
)

func TestMain(m *testing.M) { pgtest.Main(m, pagetest.Stop) }

const (
	login         = "shop_login"
	password      = "Secret2026Word"
	otherPassword = "Other2026Word"
	acquirer      = "00000012345"
)

// world is the books with three simulated centers behind real connections, and the API behind real HTTP.
type world struct {
	*settletest.World
	t        testing.TB
	centers  map[int16]*pcsim.Center
	clients  map[int16]*online.Client
	bank     *pcsim.Bank // behind settletest.BankCenter
	options  authorize.Options
	gateway  *authorize.Gateway
	server   *httptest.Server
	logs     *lockedBuffer
	registry *prometheus.Registry
}

// answerWithin is how long the tests' switch waits for a center.
const answerWithin = 400 * time.Millisecond

func newWorld(t testing.TB, behavior pcsim.Behavior, changes ...func(*settle.Directory)) *world {
	w := &world{World: settletest.New(t, changes...), t: t, centers: map[int16]*pcsim.Center{}, clients: map[int16]*online.Client{}, logs: &lockedBuffer{}, registry: prometheus.NewRegistry()}
	log := slog.New(slog.NewTextHandler(w.logs, nil))
	hosts := map[int16]payment.Center{}
	late := func(a online.LateAnswer) { w.gateway.OnLate(a) }
	banks := map[int16]payment.Bank{}
	for _, c := range w.Dir.Centers() {
		if c.Capabilities.Instant {
			banks[c.ID] = payment.Bank{Client: w.partnerBank(c, log)}
			continue
		}
		hosts[c.ID] = payment.Center{Host: w.connect(c, behavior, log, late), Acquirer: acquirer}
	}
	w.options = authorize.Options{
		Books: w.Books, Directory: w.Dir, Vault: w.Vault, Centers: hosts, Banks: banks, Now: w.Clock.Now, Log: log, Registerer: w.registry,
		Source: func(r *http.Request) string { return r.Header.Get("X-Test-Source") },
		Merchants: map[int32]tenants.Merchant{
			settletest.Merchant: {Login: login, PasswordHash: passwordHash(password),
				Proofs: protocol.Proofs{SecretWord: "secret", Covers: protocol.Covered{Customer: true}}},
			settletest.OtherMerchant: {Login: "other_login", PasswordHash: passwordHash(otherPassword), TestMode: true},
		},
	}
	w.open()
	t.Cleanup(func() { noCards(t, "the log", w.logs.String()) })
	return w
}

// open starts a gateway with the options, beside an earlier one.
func (w *world) open() {
	var err error
	w.gateway, err = authorize.New(w.options)
	check(w.t, err)
	w.t.Cleanup(w.gateway.Close)
	w.server = httptest.NewServer(w.gateway.Handler())
	w.t.Cleanup(w.server.Close)
}

// partnerBank starts a simulated partner bank, which shares the world's clock, and returns the client of it.
func (w *world) partnerBank(c *settle.Center, log *slog.Logger) *instant.Client {
	const key, secret = "settled", "a secret of the bank and us"
	var err error
	w.bank, err = pcsim.NewBank(pcsim.BankOptions{Name: c.Name, Seed: 1, Now: w.Clock.Now, Unit: pcsim.Rubles, KeyID: key, Secret: []byte(secret)})
	check(w.t, err)
	check(w.t, w.bank.Start())
	w.t.Cleanup(func() { w.bank.Close() })
	client, err := instant.New(instant.Options{Name: c.Name, BaseURL: w.bank.URL(), KeyID: key, Secret: vault.NewSecret([]byte(secret)), Unit: instant.Rubles,
		Timeout: answerWithin, Now: w.Clock.Now, Log: log})
	check(w.t, err)
	w.t.Cleanup(client.Close)
	return client
}

// connect starts a simulated center and returns the switch to it.
func (w *world) connect(c *settle.Center, behavior pcsim.Behavior, log *slog.Logger, late func(online.LateAnswer)) online.Host {
	model := pcsim.DualMessage
	if !c.Capabilities.FinancialRecord {
		model = pcsim.SingleMessage
	}
	center, err := pcsim.New(pcsim.Options{Name: c.Name, MemberID: acquirer, Seed: 1, Model: model, Location: c.Zone, Now: w.Clock.Now, Behavior: behavior})
	check(w.t, err)
	check(w.t, center.Start())
	w.t.Cleanup(func() { center.Close() })
	w.centers[c.ID] = center
	client, err := online.New(online.Options{Name: c.Name, Address: center.OnlineAddr(), Timeout: answerWithin, Logger: log, OnLate: late})
	check(w.t, err)
	w.t.Cleanup(client.Close)
	check(w.t, client.Ready(w.t.Context()))
	w.clients[c.ID] = client
	return client
}

// passwordHash is cheap to check, which many tests make servers do; HashPassword's own are checked by others.
func passwordHash(p string) string {
	salt := []byte("salt of a test")
	sum := argon2.IDKey([]byte(p), salt, 1, 8, 1, 32)
	return fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

type params map[string]string

// with returns the parameters changed by more; an empty value removes one.
func (p params) with(more params) params {
	out := params{}
	for _, m := range []params{p, more} {
		for k, v := range m {
			out[k] = v
			if v == "" {
				delete(out, k)
			}
		}
	}
	return out
}

// credentials of the first merchant.
func credentials() params {
	return params{"Merchant_ID": "100001", "Login": login, "Password": password}
}

// paymentOf is a request that the center approves.
func paymentOf(number string) params {
	return credentials().with(params{"OrderNumber": number, "OrderAmount": "237.40", "OrderCurrency": "BYN", "Cardnumber": pcsim.CardApproved,
		"Cardholder": "TEST CARD", "Expiremonth": "12", "Expireyear": "2028", "Cvc2": "123", "Lastname": "Ivanov", "Firstname": "Ivan",
		"Email": "ivan@example.by", "OrderComment": "Order & more", "ClientIP": "10.0.0.1"})
}

// reply is an HTTP answer.
type reply struct {
	status int
	header http.Header
	body   string
}

func (w *world) post(path, contentType, body string) reply {
	w.t.Helper()
	return w.do(w.request(path, contentType, body))
}

// request makes a POST that is not sent yet.
func (w *world) request(path, contentType, body string) *http.Request {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(body))
	check(w.t, err)
	request.Header.Set("Content-Type", contentType)
	return request
}

func (w *world) do(request *http.Request) reply {
	w.t.Helper()
	response, err := w.server.Client().Do(request)
	check(w.t, err)
	defer response.Body.Close()
	return readReply(w.t, response)
}

func readReply(t testing.TB, response *http.Response) reply {
	t.Helper()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	noCards(t, "an answer of "+response.Request.URL.Path, string(text), fmt.Sprint(response.Header))
	return reply{response.StatusCode, response.Header, string(text)}
}

// attempt posts a form that the caller may give up on.
func (w *world) attempt(ctx context.Context, path string, p params) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.URL+path, strings.NewReader(p.encode()))
	check(w.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.server.Client().Do(request)
}

func (p params) encode() string {
	v := url.Values{}
	for name, value := range p {
		v.Set(name, value)
	}
	return v.Encode()
}

func (w *world) form(path string, p params) reply {
	w.t.Helper()
	return w.post(path, "application/x-www-form-urlencoded", p.encode())
}

// csvCodes and soapCodes find the codes of a fault, also in an envelope of SOAP 1.2.
var (
	csvCodes  = regexp.MustCompile(`^firstcode:(\d+);secondcode:(\d+)\n$`)
	soapCodes = regexp.MustCompile(`<faultcode>(\d+)</faultcode><faultstring>(\d+)</faultstring>`)
)

// codes reads first and second code of an answer in any format, zeros when it is not a fault.
func (w *world) codes(body string) (first, second int) {
	w.t.Helper()
	for _, shape := range []*regexp.Regexp{csvCodes, soapCodes} {
		if m := shape.FindStringSubmatch(body); m != nil {
			first, _ = strconv.Atoi(m[1])
			second, _ = strconv.Atoi(m[2])
			return first, second
		}
	}
	if strings.HasPrefix(body, "ordernumber:") || strings.HasPrefix(body, "billnumber:") || strings.Contains(body, ":Envelope") {
		return 0, 0
	}
	if !strings.HasPrefix(body, "{") {
		r := w.parse(body)
		return r.First, r.Second
	}
	var answer struct {
		Fault struct {
			First  int `json:"faultcode,string"`
			Second int `json:"faultstring,string"`
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		w.t.Fatalf("%v in %s", err, body)
	}
	return answer.Fault.First, answer.Fault.Second
}

func (w *world) json(path string, p params) reply {
	w.t.Helper()
	b, err := json.Marshal(p)
	check(w.t, err)
	return w.post(path, "application/json", string(b))
}

// result is an XML answer.
type result struct {
	First  int      `xml:"firstcode,attr"`
	Second int      `xml:"secondcode,attr"`
	Count  int      `xml:"count,attr"`
	Order  fields   `xml:"orders>order"`
	Bare   []fields `xml:"order"`
}

// fields are the elements of an order.
type fields map[string]string

// UnmarshalXML reads the child elements.
func (f *fields) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	*f = fields{}
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			var text string
			if err := d.DecodeElement(&text, &token); err != nil {
				return err
			}
			(*f)[token.Name.Local] = text
		case xml.EndElement:
			if token.Name == start.Name {
				return nil
			}
		}
	}
}

// call posts a form and reads the XML answer.
func (w *world) call(path string, p params) result {
	w.t.Helper()
	return w.parse(w.form(path, p.with(params{"Format": "3"})).body)
}

func (w *world) parse(body string) result {
	w.t.Helper()
	var out result
	if err := xml.Unmarshal([]byte(body), &out); err != nil {
		w.t.Fatalf("%v in %s", err, body)
	}
	return out
}

// The services.
const (
	pay         = "/pay/silentpay.cfm"
	charge      = "/charge/charge.cfm"
	cancel      = "/cancel/cancel.cfm"
	wsCancel    = "/cancel/wscancel.cfm"
	orderState  = "/orderstate/orderstate.cfm"
	orderResult = "/orderresult/orderresult.cfm"
	byDate      = "/resultbydate/resultbydate.cfm"
)

// paid makes a payment and returns the plain bill number.
func (w *world) paid(p params) string {
	w.t.Helper()
	r := w.call(pay, p)
	if r.Order["responsecode"] != "AS000" {
		w.t.Fatalf("payment: %+v", r)
	}
	bill, _, _ := strings.Cut(r.Order["billnumber"], ".")
	return bill
}

// state asks for the state of an order.
func (w *world) state(number string) string {
	w.t.Helper()
	r := w.call(orderState, credentials().with(params{"Ordernumber": number}))
	if len(r.Bare) == 0 {
		w.t.Fatalf("order %s: %+v", number, r)
	}
	return r.Bare[len(r.Bare)-1]["orderstate"]
}

// settleOwed sends what is owed until nothing is due.
func (w *world) settleOwed() int {
	w.t.Helper()
	total := 0
	for {
		n, err := w.gateway.Sender().Step(context.Background())
		check(w.t, err)
		if total += n; n == 0 {
			return total
		}
	}
}

// order reads an order of the first merchant, or of whoever owns it, with everything that belongs to it.
func (w *world) order(merchant int32, bill string) *settle.Order {
	w.t.Helper()
	id, err := strconv.ParseInt(bill, 10, 64)
	check(w.t, err)
	o, err := w.Books.Order(w.t.Context(), merchant, id)
	check(w.t, err)
	return o
}

// eventually waits for something that another goroutine does.
func (w *world) eventually(what string, done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s did not happen", what)
		}
	}
}

// process lets the partner bank do what is due.
func (w *world) process(t testing.TB) {
	t.Helper()
	_, err := w.bank.Process(t.Context(), w.Clock.Now())
	check(t, err)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer collects logs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// number is a text of as many digits as cards have, alone or in groups, that is no part of a longer word.
var number = regexp.MustCompile(`(?:^|[^\w.%+/-])(\d(?:[ -]?\d){12,18})(?:[^\w%+/=-]|$)`)

// noCards checks that no text holds anything that could be the number of a card: 13 to 19 digits with a right check
// digit. Every answer and every log of these tests is looked at. Numbers of bills are known by how they begin.
func noCards(t testing.TB, where string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, found := range number.FindAllStringSubmatch(text, -1) {
			digits := strings.NewReplacer(" ", "", "-", "").Replace(found[1])
			if luhn(digits) && !strings.HasPrefix(digits, "510000") {
				t.Errorf("%s holds what could be a card: %s", where, found[1])
			}
		}
	}
}

// luhn tells whether the last digit is the check digit of the others.
func luhn(digits string) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
