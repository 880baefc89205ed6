package protocol

import (
	"bytes"
	"crypto"
	"crypto/md5" //nolint:gosec // the protocol proves with MD5, unless the contract says SHA-256
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"

	"settled/authorize/charset"
	"settled/internal/money"
)

// Proofs says how the merchant proves its requests to us, and we our answers to it.
type Proofs struct {
	SecretWord string         // salt of check values; empty: check values are empty, and none can be verified
	Checkvalue bool           // orders for the payment page must carry a check value
	Signature  bool           // they must carry a signature
	PublicKey  *rsa.PublicKey // verifies signatures; nil: a signature is refused
	SHA256     bool           // signatures in both directions are over SHA-256 instead of MD5
	Joined     bool           // what proofs of requests cover has no delimiters between its values, as in old contracts
	RSA        bool           // answers and notifications are signed instead of carrying a check value
	Covers     Covered        // values that orders for the page may have; strict: none
}

// isZero tells whether v is zero, however it is written.
func isZero(v []byte) bool { return len(bytes.Trim(v, "0.")) == 0 }

// keepReceived keeps the bytes of a parameter that proofs cover, if its text is in another charset or stripping will change it.
// None of them holds card data.
func (c *Call) keepReceived(id Parameter, v, text []byte) {
	covered := slices.Contains(provenParams[:], id) || id.skippedWhenZero()
	if covered && (c.charset != nil && !charset.ASCII(text) || params[id].strip.removes(text)) {
		c.received = append(c.received, received{id, bytes.Clone(c.encoded(v))})
	}
}

// sent returns a parameter as it was received; empty when it was not.
func (c *Call) sent(id Parameter) string {
	for _, r := range c.received {
		if r.id == id {
			return string(r.value)
		}
	}
	return c.Text(id)
}

// proven are the texts that the proofs of a request may cover, the first of them as documented: the very strings that were
// sent. For a currency that was not sent, clients put the merchant's own, nothing, or not even its place; the last only
// where nothing could be taken for it that follows.
func (c *Call) proven(joined bool, own money.Currency) ([]string, error) {
	head, delimiter := c.sent(InMerchant)+";"+c.sent(InOrderNumber)+";"+c.sent(InOrderAmount), ";"
	if joined {
		head, delimiter = c.sent(InMerchant)+c.sent(InOrderNumber)+c.sent(InOrderAmount), ""
	}
	tail, err := c.provenTail(joined)
	currency := c.sent(InOrderCurrency)
	switch {
	case err != nil:
		return nil, err
	case currency != "":
		return []string{head + delimiter + currency + tail}, nil
	}
	texts := []string{head + delimiter + own.String() + tail, head + delimiter + tail}
	if tail == "" {
		texts = append(texts, head)
	}
	return texts, nil
}

// provenTail are the values that proofs cover if they are sent. Without delimiters one could stand for another, or for the
// currency: contracts that have none do not have these either.
func (c *Call) provenTail(joined bool) (string, error) {
	var b strings.Builder
	for _, id := range provenIfSent {
		text := c.sent(id)
		switch {
		case text == "":
			continue
		case joined:
			return "", Refuse(FirstProhibited, params[id].second, params[id].name+" cannot be proven without delimiters: ask for a contract that has them")
		case strings.Contains(text, ";"): // one value could stand for two
			return "", Unreadable(id, "must not hold a semicolon")
		}
		b.WriteString(";" + text)
	}
	return b.String(), nil
}

// Refusals of proofs.
var (
	errWrongProof  = &Fault{First: FirstAuthentication, Second: OnNothing, Detail: "Checkvalue or Signature is wrong"}
	errNoSecret    = &Fault{First: FirstEncryption, Second: OnNothing, Detail: "Checkvalue cannot be verified: the merchant has no secret word"}
	errNoPublicKey = &Fault{First: FirstEncryption, Second: OnNothing, Detail: "Signature cannot be verified: the merchant has no public key"}
)

// Check verifies that a request was made by the merchant's server and not changed on its way through a browser. A
// proof that is demanded must be there; one that is there must be right, demanded or not. own is the merchant's own currency.
func (p *Proofs) Check(c *Call, own money.Currency) error {
	if err := c.demand(InCheckvalue, p.Checkvalue); err != nil {
		return err
	}
	if err := c.demand(InSignature, p.Signature); err != nil {
		return err
	}
	if !c.Has(InCheckvalue) && !c.Has(InSignature) {
		return nil
	}
	if err := p.Covers.checkCovered(c); err != nil {
		return err
	}
	texts, err := c.proven(p.Joined, own)
	if err != nil {
		return err
	}
	if c.Has(InCheckvalue) {
		if err := p.verifyCheckvalue(texts, c.values[InCheckvalue]); err != nil {
			return err
		}
	}
	if c.Has(InSignature) {
		return p.verifySignature(texts, c.values[InSignature])
	}
	return nil
}

func (c *Call) demand(id Parameter, demanded bool) error {
	if !demanded {
		return nil
	}
	return c.Require(id)
}

// verifyCheckvalue compares in constant time, letters in either case.
func (p *Proofs) verifyCheckvalue(texts []string, given []byte) error {
	if p.SecretWord == "" {
		return errNoSecret
	}
	for _, x := range texts {
		want := checkValue(p.SecretWord, x)
		if subtle.ConstantTimeCompare([]byte(want), bytes.ToUpper(given)) == 1 {
			return nil
		}
	}
	return errWrongProof
}

// verifySignature takes a signature over one of the texts, or over its hexadecimal MD5, as different clients make it.
func (p *Proofs) verifySignature(texts []string, given []byte) error {
	if p.PublicKey == nil {
		return errNoPublicKey
	}
	signature, err := decodeSignature(given)
	if err != nil {
		return errWrongProof
	}
	for _, x := range texts {
		for _, text := range [...]string{x, md5Hex(x)} {
			if rsa.VerifyPKCS1v15(p.PublicKey, p.hash(), p.digest(text), signature) == nil {
				return nil
			}
		}
	}
	return errWrongProof
}

// decodeSignature reads Base64, with or without padding. A space is the plus of a client that did not encode it.
func decodeSignature(given []byte) ([]byte, error) {
	text := strings.TrimRight(strings.ReplaceAll(string(given), " ", "+"), "=")
	return base64.RawStdEncoding.DecodeString(text)
}

// hash is what signatures of the merchant are made with, in both directions. MD5 is the protocol's own choice.
func (p *Proofs) hash() crypto.Hash {
	if p.SHA256 {
		return crypto.SHA256
	}
	return crypto.MD5
}

func (p *Proofs) digest(text string) []byte {
	if p.SHA256 {
		sum := sha256.Sum256([]byte(text))
		return sum[:]
	}
	sum := md5.Sum([]byte(text)) //nolint:gosec // the protocol proves with MD5, unless the contract says SHA-256
	return sum[:]
}
