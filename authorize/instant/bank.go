package instant

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Bank is a bank of the scheme whose app a buyer can choose on a telephone.
type Bank struct {
	ID string `json:"id"`
	// NameRU and NameEN are the bank's names to show.
	NameRU string `json:"name_ru"`
	NameEN string `json:"name_en"`
	// Scheme is the URL scheme that the bank's app listens to.
	Scheme string `json:"scheme"`
	// WebURL is where the bank's web page for buyers takes a QR id; empty when it has none.
	WebURL string `json:"web_url"`
}

// AppLink is the payload as a link that opens in the bank's app: the scheme of the payload is replaced.
func (b Bank) AppLink(payload string) string {
	_, rest, _ := strings.Cut(payload, "://")
	return b.Scheme + "://" + rest
}

// WebLink is the page of the bank for a QR id, empty when the bank has none.
func (b Bank) WebLink(qr string) string {
	if b.WebURL == "" {
		return ""
	}
	return b.WebURL + url.PathEscape(qr)
}

// appScheme is what the scheme of a bank's app looks like. Anything else, such as javascript, must not become a link.
var appScheme = regexp.MustCompile(`^bank[0-9a-z.+-]{1,60}$`)

// Banks returns the banks that a buyer can choose, in the bank's order. Entries without a name, an id or an app's scheme
// are left out. The list changes rarely: keep it for hours, not for days.
func (c *Client) Banks(ctx context.Context) ([]Bank, error) {
	type list struct {
		Banks []Bank `json:"banks"`
	}
	got, err := call(ctx, c, request{"banks", "", http.MethodGet, "/v1/banks", nil}, func(l *list) error {
		if len(l.Banks) == 0 {
			return fmt.Errorf("it has no bank")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	usable := slices.DeleteFunc(got.Banks, func(b Bank) bool { return !b.usable() })
	if len(usable) < len(got.Banks) {
		c.log.LogAttrs(ctx, slog.LevelWarn, "banks were left out", slog.Int("count", len(got.Banks)-len(usable)))
	}
	return usable, nil
}

func (b Bank) usable() bool {
	web, err := url.Parse(b.WebURL)
	secure := b.WebURL == "" || err == nil && (web.Scheme == "https" || web.Scheme == "http" && loopback(web.Hostname())) && web.Host != ""
	return bankID.MatchString(b.ID) && appScheme.MatchString(b.Scheme) && b.NameRU != "" && b.NameEN != "" && text(b.NameRU) && text(b.NameEN) && secure
}
