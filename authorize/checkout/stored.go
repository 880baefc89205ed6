package checkout

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strconv"

	"settled/authorize/page"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/internal/vault"
	"settled/settle/credential"
	"settled/settle/order"
)

// wallet tells that the buyer of the order may keep cards and pay with those that are kept.
func (v *visit) wallet() bool {
	return v.settings.Page.OneClick && v.order.Customer != "" && v.decided.Proven && payment.AgreedOf(v.order) == nil
}

// keptCards are the stored cards of the order's buyer.
func (v *visit) keptCards(ctx context.Context) ([]*credential.Credential, error) {
	if !v.wallet() {
		return nil, nil
	}
	all, err := v.in.credentials.Of(ctx, v.order.Merchant, v.order.Customer)
	var cards []*credential.Credential
	for _, k := range all {
		if k.Means == order.MeansCard {
			cards = append(cards, k)
		}
	}
	return cards, err
}

// offerStored adds the stored cards, and the offer to store another, to the page.
func (v *visit) offerStored(ctx context.Context, body *page.Payment) error {
	cards, err := v.keptCards(ctx)
	for _, k := range cards {
		body.Saved = append(body.Saved, page.Saved{ID: v.savedID(k), Scheme: brandTitle(k.CardMask), Mask: lastDigits(k.CardMask),
			Expiry: k.CardExpiry[2:] + "/" + k.CardExpiry[:2], Expired: v.over(k), NeedsCVC: v.needsCode(k)})
	}
	body.OfferSave = v.wallet()
	return err
}

// savedID names a stored card on the page of this order: the token itself never comes to a browser.
func (v *visit) savedID(k *credential.Credential) string {
	_, sum := v.in.vault.Make(vault.Links, domainStored, v.storedName(k))
	return hex.EncodeToString(sum[:16])
}

func (v *visit) storedName(k *credential.Credential) []byte {
	return append(strconv.AppendInt(nil, v.order.ID, 10), k.ID[:]...)
}

// named tells that a form names a stored card, by a page of any generation that is not revoked.
func (v *visit) named(k *credential.Credential, id []byte) bool {
	for _, generation := range v.in.vault.Accepted(vault.Links) {
		sum, ok := v.in.vault.Sum(vault.Links, generation, domainStored, v.storedName(k))
		if ok && subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:16])), id) == 1 {
			return true
		}
	}
	return false
}

// needsCode tells that the buyer is asked for the verification code of a stored card: the merchant wants it, or the center
// has no other sign that the card was stored with its holder's consent.
func (v *visit) needsCode(k *credential.Credential) bool {
	return v.settings.Page.AskCode || k.NetworkID == ""
}

// over tells that a stored card has expired.
func (v *visit) over(k *credential.Credential) bool {
	month, year, ok := page.ParseExpiry(k.CardExpiry[2:] + k.CardExpiry[:2])
	return !ok || protocol.Expired(month, year, v.in.now())
}

// pick finds a stored card of the order's buyer by what a form names, nil when it names none.
func (v *visit) pick(ctx context.Context, id []byte) (*credential.Credential, error) {
	cards, err := v.keptCards(ctx)
	for _, k := range cards {
		if v.named(k, id) {
			return k, nil
		}
	}
	return nil, err
}

// readCard reads the card to pay with: one that is stored, of which only the code is typed, or a new one. The caller wipes
// the code. data takes what the order is to keep of it.
func (v *visit) readCard(ctx context.Context, f form, shown *page.Payment, data protocol.Details) (protocol.Card, error) {
	data[payment.StoredDetail] = ""
	chosen, err := v.pick(ctx, f[page.FieldSavedCard])
	if err != nil {
		return protocol.Card{}, err
	}
	if chosen == nil || v.over(chosen) {
		shown.Another, shown.Save = true, string(f[page.FieldSave]) == "1"
		k, holder := v.readTypedCard(f, shown)
		data[protocol.InCardholder.Detail()] = holder
		return k, nil
	}
	shown.SavedID, data[payment.StoredDetail] = v.savedID(chosen), chosen.ID.String()
	k := protocol.Card{Expiry: chosen.CardExpiry}
	code := protocol.StripCode.Apply(f[page.FieldCVC])
	if len(code) == 0 && v.needsCode(chosen) {
		shown.Errors[page.FieldCVC] = page.ProblemRequired
	} else if len(code) > 0 {
		if k.CVV, err = vault.ParseCVV(bytes.Clone(code)); err != nil {
			shown.Errors[page.FieldCVC] = page.ProblemFormat
		}
	}
	if len(shown.Errors) > 0 {
		return k, nil
	}
	k.PAN, err = v.in.credentials.Use(ctx, chosen)
	return k, err
}

// forget deletes a stored card of the order's buyer.
func (v *visit) forget(ctx context.Context, id []byte) error {
	k, err := v.pick(ctx, id)
	if k != nil && err == nil {
		err = v.in.credentials.Forget(ctx, v.order.Merchant, v.order.Customer, k.ID)
	}
	if err != nil && !errors.Is(err, credential.ErrNone) {
		return err
	}
	return v.again()
}
