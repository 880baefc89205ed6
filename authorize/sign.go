package authorize

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
)

// The texts that signatures of answers cover, without delimiters, with the values as the answer tells them.

// signedCharge covers a flat answer, and each operation of a period.
func signedCharge(_ string, r *record) string {
	return r[outBillNumber] + r[outOrderNumber] + r[outResponseCode] + r[outOrderAmount] + r[outOrderCurrency] + r[outMeansNumber] +
		r[outApprovalCode] + r[outOrderState] + r[outPacketDate]
}

// signedCancel covers the answer of wscancel: the same with the amount of the operation.
func signedCancel(_ string, r *record) string {
	return r[outBillNumber] + r[outOrderNumber] + r[outResponseCode] + r[outAmount] + r[outCurrency] + r[outMeansNumber] +
		r[outApprovalCode] + r[outOrderState] + r[outPacketDate]
}

// signedState covers an order's state. Check values cover the same.
func signedState(merchant string, r *record) string {
	return merchant + r[outOrderNumber] + r[outOrderAmount] + r[outOrderCurrency] + r[outOrderState]
}

// signedTexts say what the signatures of a layout cover, where it is not that of a flat answer.
var signedTexts = map[*sheet]func(merchant string, r *record) string{
	wsCancelSheet: signedCancel, orderStateSheet: signedState, orderResultSheet: signedState,
}

// prove writes the proof that the answer is ours into each order: a signature or a check value, as was agreed with the
// merchant, whose number is spelled as it was sent. What the answer tells has happened: the error says which could not be signed.
func (p *Proofs) prove(key *rsa.PrivateKey, merchant string, s *sheet, a *answer) error {
	text := signedCharge
	if special, ok := signedTexts[s]; ok {
		text = special
	}
	var failures []error
	for i := range a.orders {
		r := &a.orders[i].record
		if p.RSA {
			var err error
			r[outSignature], err = p.sign(key, text(merchant, r))
			failures = append(failures, err)
		} else if s.check != nil && p.SecretWord != "" {
			r[outCheckValue] = checkValue(p.SecretWord, signedState(merchant, r))
		}
	}
	return errors.Join(failures...)
}

// proveNotice writes the proof that a notification is ours: it covers the amount of the operation, not of the order.
func (p *Proofs) proveNotice(key *rsa.PrivateKey, merchant string, r *record) (err error) {
	text := merchant + r[outOrderNumber] + r[outAmount] + r[outCurrency] + r[outOrderState]
	switch {
	case p.RSA:
		r[outSignature], err = p.sign(key, text)
	case p.SecretWord != "":
		r[outCheckValue] = checkValue(p.SecretWord, text)
	}
	return err
}

// sign returns the Base64 of the signature over text.
func (p *Proofs) sign(key *rsa.PrivateKey, text string) (string, error) {
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, p.hash(), p.digest(text))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}
