package protocol

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
)

// The texts that signatures of answers cover, without delimiters, with the values as the answer tells them.

// signedCharge covers a flat answer, and each operation of a period.
func signedCharge(_ string, r *Row) string {
	return r[OutBillNumber] + r[OutOrderNumber] + r[OutResponseCode] + r[OutOrderAmount] + r[OutOrderCurrency] + r[OutMeansNumber] +
		r[OutApprovalCode] + r[OutOrderState] + r[OutPacketDate]
}

// signedCancel covers the answer of wscancel: the same with the amount of the operation.
func signedCancel(_ string, r *Row) string {
	return r[OutBillNumber] + r[OutOrderNumber] + r[OutResponseCode] + r[OutAmount] + r[OutCurrency] + r[OutMeansNumber] +
		r[OutApprovalCode] + r[OutOrderState] + r[OutPacketDate]
}

// signedState covers an order's state. Check values cover the same.
func signedState(merchant string, r *Row) string {
	return merchant + r[OutOrderNumber] + r[OutOrderAmount] + r[OutOrderCurrency] + r[OutOrderState]
}

// signedTexts say what the signatures of a layout cover, where it is not that of a flat answer.
var signedTexts = map[*Layout]func(merchant string, r *Row) string{
	WSCancelLayout: signedCancel, OrderStateLayout: signedState, OrderResultLayout: signedState,
}

// Prove writes the proof that the answer is ours into each order: a signature or a check value, as was agreed with the
// merchant, whose number is spelled as it was sent. What the answer tells has happened: the error says which could not be signed.
func (p *Proofs) Prove(key *rsa.PrivateKey, merchant string, s *Layout, a *Answer) error {
	text := signedCharge
	if special, ok := signedTexts[s]; ok {
		text = special
	}
	var failures []error
	for i := range a.Orders {
		r := &a.Orders[i].Row
		if p.RSA {
			var err error
			r[OutSignature], err = p.sign(key, text(merchant, r))
			failures = append(failures, err)
		} else if s.check != nil && p.SecretWord != "" {
			r[OutCheckValue] = checkValue(p.SecretWord, signedState(merchant, r))
		}
	}
	return errors.Join(failures...)
}

// ProveNotice writes the proof that a notification is ours: it covers the amount of the operation, not of the order.
func (p *Proofs) ProveNotice(key *rsa.PrivateKey, merchant string, r *Row) (err error) {
	text := merchant + r[OutOrderNumber] + r[OutAmount] + r[OutCurrency] + r[OutOrderState]
	switch {
	case p.RSA:
		r[OutSignature], err = p.sign(key, text)
	case p.SecretWord != "":
		r[OutCheckValue] = checkValue(p.SecretWord, text)
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
