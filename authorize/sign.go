package authorize

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
)

// The texts that signatures of answers cover, without delimiters, with the values as the answer tells them.

// signedCharge covers a flat answer, and each operation of a period.
func signedCharge(_ *call, r *record) string {
	return r[outBillNumber] + r[outOrderNumber] + r[outResponseCode] + r[outOrderAmount] + r[outOrderCurrency] + r[outMeansNumber] +
		r[outApprovalCode] + r[outOrderState] + r[outPacketDate]
}

// signedCancel covers the answer of wscancel: the same with the amount of the operation.
func signedCancel(_ *call, r *record) string {
	return r[outBillNumber] + r[outOrderNumber] + r[outResponseCode] + r[outAmount] + r[outCurrency] + r[outMeansNumber] +
		r[outApprovalCode] + r[outOrderState] + r[outPacketDate]
}

// signedState covers an order's state. Check values cover the same.
func signedState(c *call, r *record) string {
	return c.text(inMerchant) + r[outOrderNumber] + r[outOrderAmount] + r[outOrderCurrency] + r[outOrderState]
}

// signedTexts say what the signatures of a layout cover, where it is not that of a flat answer.
var signedTexts = map[*sheet]func(*call, *record) string{
	wsCancelSheet: signedCancel, orderStateSheet: signedState, orderResultSheet: signedState,
}

// prove writes the proof that the answer is ours into each order: a signature or a check value, as was agreed with the
// merchant. What the answer tells has happened: it goes out also when it cannot be signed.
func (g *Gateway) prove(c *call, s *sheet, a *answer) {
	text := signedCharge
	if special, ok := signedTexts[s]; ok {
		text = special
	}
	for i := range a.orders {
		r := &a.orders[i].record
		if !c.settings.Proofs.RSA {
			if s.check != nil {
				r[outCheckValue] = c.checkValue(r)
			}
			continue
		}
		var err error
		if r[outSignature], err = c.settings.Proofs.sign(g.SigningKey, text(c, r)); err != nil {
			g.Log.Error("answer not signed", "merchant", c.merchant.ID, "error", err)
		}
	}
}

// sign returns the Base64 of the signature over text.
func (p *Proofs) sign(key *rsa.PrivateKey, text string) (string, error) {
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, p.hash(), p.digest(text))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}
