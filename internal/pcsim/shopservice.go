package pcsim

import (
	"cmp"
	"context"
	"crypto/hmac"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ShopAnswer is what the gateway says of an order, or of an operation of it. Texts are as they stand on the wire.
type ShopAnswer struct {
	OrderNumber   string `xml:"ordernumber"`
	BillNumber    string `xml:"billnumber"` // of the order, or extended: of the operation
	OrderAmount   string `xml:"orderamount"`
	OrderCurrency string `xml:"ordercurrency"`
	Amount        string `xml:"amount"` // of the operation
	Currency      string `xml:"currency"`
	OrderState    string `xml:"orderstate"`
	ResponseCode  string `xml:"responsecode"`
	Message       string `xml:"customermessage"`
	Checkvalue    string `xml:"checkvalue"`
}

// bill is the number of the order, without that of an operation.
func (a ShopAnswer) bill() string {
	bill, _, _ := strings.Cut(a.BillNumber, ".")
	return bill
}

// Errors of a shop's calls.
var (
	// ErrShopRefused says that the gateway did not take a request; the text has both codes.
	ErrShopRefused = errors.New("pcsim: the gateway refused the request")
	// ErrShopForged says that the check value of an answer is not the gateway's.
	ErrShopForged = errors.New("pcsim: the answer has a wrong check value")
)

// State asks for the state of an order, and checks the answer's check value. Of several attempts it is the last.
func (s *Shop) State(ctx context.Context, number string) (ShopAnswer, error) {
	all, err := s.call(ctx, "/orderstate/orderstate.cfm", url.Values{"Ordernumber": {number}})
	if err != nil {
		return ShopAnswer{}, err
	}
	a := all[len(all)-1].ShopAnswer
	x := strconv.Itoa(int(s.opt.Merchant)) + a.OrderNumber + a.OrderAmount + a.OrderCurrency + a.OrderState
	if !hmac.Equal([]byte(a.Checkvalue), []byte(s.checkvalue(x))) || a.OrderNumber != number {
		return ShopAnswer{}, fmt.Errorf("%w: order %s", ErrShopForged, number)
	}
	s.learn(a)
	return a, nil
}

// ShopOperation is an operation of an order.
type ShopOperation struct {
	BillNumber   string `xml:"billnumber"` // extended
	Type         string `xml:"operationtype"`
	State        string `xml:"operationstate"`
	Amount       string `xml:"amount"`
	Currency     string `xml:"currency"`
	ResponseCode string `xml:"responsecode"`
}

// ShopResult is an order with its operations.
type ShopResult struct {
	ShopAnswer
	Operations []ShopOperation `xml:"operation"`
}

// Result asks for an order and its operations. Of several attempts it is the last.
func (s *Shop) Result(ctx context.Context, number string) (ShopResult, error) {
	all, err := s.call(ctx, "/orderresult/orderresult.cfm", url.Values{"Ordernumber": {number}})
	if err != nil {
		return ShopResult{}, err
	}
	return all[len(all)-1], nil
}

// Confirm confirms a hold: all of it, or an amount in the currency it is held in.
func (s *Shop) Confirm(ctx context.Context, bill, amount, currency string) (ShopAnswer, error) {
	return s.act(ctx, "/charge/charge.cfm", bill, amount, currency)
}

// Cancel gives back what an order took or holds: all of it, or an amount.
func (s *Shop) Cancel(ctx context.Context, bill, amount, currency string) (ShopAnswer, error) {
	return s.act(ctx, "/cancel/cancel.cfm", bill, amount, currency)
}

func (s *Shop) act(ctx context.Context, path, bill, amount, currency string) (ShopAnswer, error) {
	f := url.Values{"Billnumber": {bill}}
	if amount != "" {
		f.Set("Amount", amount)
		f.Set("Currency", currency)
	}
	all, err := s.call(ctx, path, f)
	if err != nil {
		return ShopAnswer{}, err
	}
	return all[0].ShopAnswer, nil
}

// Charge takes a later payment of a subscription, under an order number of its own.
func (s *Shop) Charge(ctx context.Context, firstBill string, o ShopOrder) (ShopAnswer, error) {
	all, err := s.call(ctx, "/recurrent/rp.cfm", url.Values{"BillNumber": {firstBill}, "OrderNumber": {o.Number},
		"Amount": {o.Amount.Decimal()}, "Currency": {o.Amount.Currency.String()}})
	if err != nil {
		return ShopAnswer{}, err
	}
	return all[0].ShopAnswer, nil
}

// shopEnvelope is the XML of the web services: those that tell states have their orders at the top, the others one level below.
type shopEnvelope struct {
	XMLName xml.Name     `xml:"result"`
	First   string       `xml:"firstcode,attr"`
	Second  string       `xml:"secondcode,attr"`
	Top     []ShopResult `xml:"order"`
	Below   []ShopResult `xml:"orders>order"`
}

// call posts a form to a web service and reads the answer: one order at least.
func (s *Shop) call(ctx context.Context, path string, f url.Values) ([]ShopResult, error) {
	for name, value := range map[string]string{"Merchant_ID": strconv.Itoa(int(s.opt.Merchant)), "Login": s.opt.Login,
		"Password": s.opt.Password, "Format": "3", "Language": "EN"} {
		f.Set(name, value)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.gatewayURL(path), strings.NewReader(f.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.opt.Client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", path, err)
	}
	defer answer.Body.Close()
	var result shopEnvelope
	if err := xml.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&result); err != nil {
		return nil, fmt.Errorf("read the answer of %s (%s): %w", path, answer.Status, err)
	}
	all := append(result.Top, result.Below...)
	if cmp.Or(result.First, "0") != "0" || len(all) == 0 {
		return nil, fmt.Errorf("%w: %s: %s/%s", ErrShopRefused, path, result.First, result.Second)
	}
	return all, nil
}
