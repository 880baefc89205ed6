package payment

import (
	"encoding/binary"
	"strconv"

	"settled/internal/vault"
	"settled/settle"
	"settled/settle/credential"
)

// Fingerprints tell an identical request from a different one with the same order number.
type Fingerprints struct{ Vault *vault.Vault }

// Payment is the fingerprint of a payment by card. The verification code is not part of it.
func (f Fingerprints) Payment(in *settle.Intent) []byte {
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
	sum := f.Vault.Fingerprint("payment", b)
	clear(b)
	return sum[:]
}

// Order is the fingerprint of an order for the page: what is paid, how, and by whom. What the buyer may change on the page is not part of it.
func (f Fingerprints) Order(r *settle.OpenRequest, agreed *agreement) []byte {
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
	sum := f.Vault.Fingerprint("page order", b)
	return sum[:]
}

// Keeping is the fingerprint of a payment whose card is kept: of the payment, and of what is kept.
func (f Fingerprints) Keeping(r *settle.OpenRequest, in *settle.Intent, agreed *agreement) []byte {
	sum := f.Vault.Fingerprint("payment with a card that is kept", append(f.Order(r, agreed), in.Fingerprint...))
	return sum[:]
}

// Later is the fingerprint of a later payment of a subscription.
func (f Fingerprints) Later(r *settle.OpenRequest) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(r.Parent))
	sum := f.Vault.Fingerprint("later payment", appendSale(b, r))
	return sum[:]
}

// Token is the fingerprint of a payment from what a token names.
func (f Fingerprints) Token(r *settle.OpenRequest, k *credential.Credential) []byte {
	b := append([]byte(nil), k.ID[:]...)
	b = strconv.AppendBool(b, r.TwoStage)
	sum := f.Vault.Fingerprint("token payment", appendSale(b, r))
	return sum[:]
}

// appendSale writes what is asked for: by whom, under which number, and how much.
func appendSale(b []byte, r *settle.OpenRequest) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(r.Merchant.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Original.Minor))
	b = binary.BigEndian.AppendUint16(b, uint16(r.Original.Currency))
	return append(append(b, r.OrderNumber...), 0)
}

// Proven is the fingerprint of an order whose shop has proven that it is its own.
func (f Fingerprints) Proven(order []byte) []byte {
	sum := f.Vault.Fingerprint("proven page order", order)
	return sum[:]
}
