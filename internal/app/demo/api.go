package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// terminal is the software of a merchant: it speaks the merchants' protocol over HTTP, as a form answered in JSON.
type terminal struct {
	client *http.Client
	base   string
	calls  int
}

func newTerminal(base string) *terminal {
	return &terminal{client: &http.Client{Timeout: time.Minute}, base: base}
}

// told is what the gateway answers.
type told struct {
	Bill     string `json:"billnumber"`
	Response string `json:"responsecode"`
	State    string `json:"orderstate"`
	Amount   json.Number
	Currency string     `json:"currency"`
	Secure   secureData `json:"threedsdata"`
	Note     string
	refused  string // first/second code of a request that was refused
}

func (t told) approved() bool { return t.Response == "AS000" }

// refusal is a request that the gateway does not take.
type refusal struct {
	First  string `json:"faultcode"`
	Second string `json:"faultstring"`
	Detail struct {
		Message string `json:"message"`
	} `json:"detail"`
}

func (s *Shop) sign(form url.Values) {
	form.Set("Merchant_ID", strconv.Itoa(int(s.ID)))
	form.Set("Login", s.Login)
	form.Set("Password", s.Password)
	form.Set("Format", "5")
	form.Set("Language", "EN")
}

// pay posts the card payment of an order.
func (t *terminal) pay(ctx context.Context, p *Purchase, card string) (told, error) {
	form := url.Values{"OrderNumber": {p.Number}, "OrderAmount": {p.Amount.Decimal()}, "OrderCurrency": {p.Amount.Currency.String()},
		"Cardnumber": {card}, "Expiremonth": {"12"}, "Expireyear": {"2030"}, "Cvc2": {"123"}, "Cardholder": {"DEMO CUSTOMER"}, "Delay": {"0"}, "ClientIP": {"192.0.2.1"},
		"UserAgent": {userAgent}, "AcceptHeader": {accepts}}
	if p.TwoStage {
		form.Set("Delay", "1")
	}
	if p.Customer != "" { // who lets the merchant keep the card
		form.Set("CustomerNumber", p.Customer)
	}
	return t.post(ctx, p.Shop, "/pay/silentpay.cfm", "silentpay", form)
}

// act confirms or cancels a paid order.
func (t *terminal) act(ctx context.Context, p *sale, s Step) (told, error) {
	form := url.Values{"Billnumber": {p.bill}}
	if s.Amount > 0 {
		part := p.inPayment(s.Amount)
		form.Set("Amount", part.Decimal())
		form.Set("Currency", part.Currency.String())
	}
	if s.Act == Cancel {
		form.Set("Externalrefundid", strings.Repeat("0", max(0, 10-len(s.Key)))+s.Key)
		form.Set("CancelReason", "2")
		return t.post(ctx, p.Shop, "/cancel/cancel.cfm", "cancel", form)
	}
	form.Set("ExternalConfirmId", strings.Repeat("0", max(0, 10-len(s.Key)))+s.Key)
	if s.AutoDeposit {
		form.Set("AutoDeposit", "1")
	}
	return t.post(ctx, p.Shop, "/charge/charge.cfm", "charge", form)
}

// state asks for the attempts of an order number since an instant, oldest first.
func (t *terminal) state(ctx context.Context, s *Shop, number string, since time.Time) ([]told, error) {
	since = since.UTC()
	form := url.Values{"Ordernumber": {number}, "StartYear": {since.Format("2006")}, "StartMonth": {since.Format("1")},
		"StartDay": {since.Format("2")}, "StartHour": {"0"}, "StartMin": {"0"}}
	raw, err := t.send(ctx, s, "/orderstate/orderstate.cfm", form)
	if err != nil {
		return nil, err
	}
	list := raw["orderstate"]
	if len(list) > 0 && list[0] == '{' {
		list = append(append([]byte{'['}, list...), ']')
	}
	var all []told
	if err := json.Unmarshal(list, &all); err != nil {
		return nil, fmt.Errorf("read state of %s: %w", number, err)
	}
	return all, nil
}

func (t *terminal) post(ctx context.Context, s *Shop, path, root string, form url.Values) (told, error) {
	raw, err := t.send(ctx, s, path, form)
	if err != nil {
		return told{}, err
	}
	if text, ok := raw["fault"]; ok {
		return refused(text)
	}
	var answer told
	if err := json.Unmarshal(raw[root], &answer); err != nil {
		return told{}, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return answer, nil
}

// refused reads a refusal.
func refused(text json.RawMessage) (told, error) {
	var f refusal
	if err := json.Unmarshal(text, &f); err != nil {
		return told{}, fmt.Errorf("read refusal: %w", err)
	}
	return told{refused: fmt.Sprintf("%s/%s %s", f.First, f.Second, f.Detail.Message)}, nil
}

// send posts a form and returns the members of the answer.
func (t *terminal) send(ctx context.Context, s *Shop, path string, form url.Values) (map[string]json.RawMessage, error) {
	t.calls++
	s.sign(form)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := t.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("post %s: %w", path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return nil, fmt.Errorf("post %s: %s: %s", path, response.Status, body)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return raw, nil
}
