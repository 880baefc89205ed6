package authorize

import (
	"context"
	"encoding/json"

	"settled/authorize/page"
	"settled/settle"
)

// body is the page of the instant payment that the order waits for, nil when it waits for none. Without a code it offers to
// ask for one again.
func (d *desk) body(ctx context.Context, o *settle.Order) (*page.QR, error) {
	p, err := d.waiting(ctx, o)
	if p == nil || err != nil {
		return nil, err
	}
	code := &page.QR{Payload: p.Payload, Until: p.ExpiresAt}
	if p.Payload == "" {
		return code, nil
	}
	russian := keptLanguage(o) == "RU"
	for _, b := range d.banks(ctx, p.Center) {
		name := b.NameEN
		if russian {
			name = b.NameRU
		}
		code.Banks = append(code.Banks, page.Bank{Name: name, URL: b.AppLink(p.Payload)})
	}
	return code, nil
}

// keptLanguage is the language that the order was opened in.
func keptLanguage(o *settle.Order) string {
	var kept struct {
		Language string `json:"language"`
	}
	_ = json.Unmarshal(o.Details, &kept) // details without a language are of no language
	return kept.Language
}
