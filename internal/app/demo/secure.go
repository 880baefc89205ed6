package demo

import (
	"context"
	"fmt"
	"net/url"

	"settled/internal/pcsim"
)

// secureData is what a merchant's server is told of a payment that waits for 3-D Secure.
type secureData struct {
	MethodURL  string `json:"threeDSMethodURL"`
	MethodData string `json:"threeDSMethodData"`
	Challenge  string `json:"challenge"` // C: the buyer has to pass one
	URL        string `json:"challengeurl"`
	Request    string `json:"challengerequest"`
}

// responseSecure says that the cardholder has to be authenticated.
const responseSecure = "AS110"

// authenticate is the merchant's own page, which takes its buyer to the cardholder's bank, as often as the bank wants to
// see him, until the payment has an outcome.
func (p *play) authenticate(ctx context.Context, s *sale, answer told) (told, error) {
	for range 4 {
		if answer.Response != responseSecure || answer.refused != "" {
			return answer, nil
		}
		p.count(s.Channel.asked(), answer)
		if err := p.visitBank(ctx, answer.Secure); err != nil {
			return answer, err
		}
		next, err := p.terminal.goOn(ctx, s.Shop, answer.Bill)
		if err != nil {
			return answer, err
		}
		answer = next
	}
	return answer, fmt.Errorf("3-D Secure of %s does not end", s.Number)
}

// visitBank is the buyer's browser at the cardholder's bank.
func (p *play) visitBank(ctx context.Context, d secureData) error {
	t := &tab{browser: p.browser}
	address, fields := d.MethodURL, url.Values{"threeDSMethodData": {d.MethodData}}
	if d.Challenge == "C" {
		address, fields = d.URL, url.Values{"creq": {d.Request}}
	}
	action, err := url.Parse(address)
	if err != nil {
		return err
	}
	if err := t.send(ctx, action, fields); err != nil {
		return err
	}
	if d.Challenge == "C" {
		if err := t.submit(ctx, "", map[string]string{"code": pcsim.ChallengeCode}); err != nil {
			return err
		}
	}
	return t.submit(ctx, "", nil)
}

// goOn asks where a payment is that waits for 3-D Secure, and lets it go on.
func (t *terminal) goOn(ctx context.Context, s *Shop, bill string) (told, error) {
	return t.post(ctx, s, "/get3dsecver2/get3dsecver2.cfm", "get3dsecver2", url.Values{"Billnumber": {bill}})
}
