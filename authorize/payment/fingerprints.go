package payment

import (
	"encoding/binary"
	"strconv"

	"settled/internal/vault"
	"settled/settle"
	"settled/settle/credential"
)

// Fingerprints tell an identical request from a different one with the same order number. Each is made of what is asked for as it is when its
// function is called, also when it is made later under another generation of the key.
type Fingerprints struct{ Vault *vault.Vault }

// of is the fingerprint that under makes.
func (f Fingerprints) of(under func(generation uint16) []byte) settle.Fingerprint {
	made := settle.Fingerprint{Under: under}
	for made.Kept == nil { // a generation may be revoked just now; the next is not
		made.Kept = under(f.Vault.Newest(vault.Prints))
	}
	return made
}

// Payment is the fingerprint of a payment by card. The verification code is not part of it.
func (f Fingerprints) Payment(in *settle.Intent) settle.Fingerprint {
	asked := *in
	return f.of(func(generation uint16) []byte { return f.payment(generation, &asked) })
}

func (f Fingerprints) payment(generation uint16, in *settle.Intent) []byte {
	var plain [256]byte
	b := append(plain[:0], in.OrderNumber...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(in.Merchant.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(in.Amount.Minor))
	b = binary.BigEndian.AppendUint16(b, uint16(in.Amount.Currency))
	if in.TwoStage {
		b = append(b, 1)
	}
	b = append(b, in.CardExpiry...)
	b = in.PAN.AppendReveal(b)
	defer clear(b)
	return f.Vault.Print(generation, "payment", b)
}

// Order is the fingerprint of an order for the page: what is paid, how, and by whom. What the buyer may change on the page is not part of it.
func (f Fingerprints) Order(r *settle.OpenRequest, agreed *agreement) settle.Fingerprint {
	asked := *r
	return f.of(func(generation uint16) []byte { return f.order(generation, &asked, agreed) })
}

func (f Fingerprints) order(generation uint16, r *settle.OpenRequest, agreed *agreement) []byte {
	var plain [512]byte
	b := append(plain[:0], r.OrderNumber...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(r.Merchant.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Original.Minor))
	b = binary.BigEndian.AppendUint16(b, uint16(r.Original.Currency))
	b = strconv.AppendBool(b, r.TwoStage)
	b = append(append(b, 0), r.Customer...)
	if agreed != nil {
		b = append(b, 0)
		b = binary.BigEndian.AppendUint64(b, uint64(agreed.Min.Minor))
		b = binary.BigEndian.AppendUint64(b, uint64(agreed.Max.Minor))
		b = binary.BigEndian.AppendUint32(b, uint32(agreed.Days))
		b = agreed.Until.AppendFormat(b, dayFormat)
	}
	return f.Vault.Print(generation, "page order", b)
}

// Keeping is the fingerprint of a payment whose card is kept: of the payment, and of what is kept.
func (f Fingerprints) Keeping(r *settle.OpenRequest, in *settle.Intent, agreed *agreement) settle.Fingerprint {
	asked, paid := *r, in.Fingerprint
	return f.of(func(generation uint16) []byte {
		return f.Vault.Print(generation, "payment with a card that is kept", append(f.order(generation, &asked, agreed), paid.Under(generation)...))
	})
}

// Later is the fingerprint of a later payment of a subscription.
func (f Fingerprints) Later(r *settle.OpenRequest) settle.Fingerprint {
	b := appendSale(binary.BigEndian.AppendUint64(nil, uint64(r.Parent)), r)
	return f.of(func(generation uint16) []byte { return f.Vault.Print(generation, "later payment", b) })
}

// Token is the fingerprint of a payment from what a token names.
func (f Fingerprints) Token(r *settle.OpenRequest, k *credential.Credential) settle.Fingerprint {
	b := append([]byte(nil), k.ID[:]...)
	b = appendSale(strconv.AppendBool(b, r.TwoStage), r)
	return f.of(func(generation uint16) []byte { return f.Vault.Print(generation, "token payment", b) })
}

// appendSale writes what is asked for: by whom, under which number, and how much.
func appendSale(b []byte, r *settle.OpenRequest) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(r.Merchant.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Original.Minor))
	b = binary.BigEndian.AppendUint16(b, uint16(r.Original.Currency))
	return append(append(b, r.OrderNumber...), 0)
}

// Proven is the fingerprint of an order whose shop has proven that it is its own.
func (f Fingerprints) Proven(order settle.Fingerprint) settle.Fingerprint {
	return f.of(func(generation uint16) []byte {
		return f.Vault.Print(generation, "proven page order", order.Under(generation))
	})
}
