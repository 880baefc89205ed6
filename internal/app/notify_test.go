package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"settled/internal/config"
	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/notification"
)

// toldShops adds notifications to the merchant of the text, and a second merchant.
func toldShops(t *testing.T, o *Options, first, second string) {
	t.Helper()
	notify := func(address string) string {
		return fmt.Sprintf("    notifications: {url: %q, allow_private: true}\n", address)
	}
	merchants := text[strings.Index(text, "  - id: 7"):]
	other := strings.NewReplacer("id: 7", "id: 8", "merchant_7", "merchant_8").Replace(merchants)
	path := o.Environment.Keys + ".yaml"
	if err := os.WriteFile(path, []byte(strings.Replace(text, "ADDRESS", "127.0.0.1:1", 1)+notify(first)+other+notify(second)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	o.Config = cfg
}

// pay makes payments that a center approved.
func pay(t *testing.T, c *Core, merchant int32, number int) {
	t.Helper()
	pan, err := vault.ParsePAN("4111111111111111")
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Config.Directory.Merchant(merchant)
	for n := range number {
		p, _, err := c.Books.Begin(t.Context(), settle.Intent{Merchant: m, OrderNumber: fmt.Sprint(n), Amount: money.Amount{Minor: 100, Currency: money.BYN},
			PAN: pan, CardExpiry: "3012", Fingerprint: settle.Fingerprint{Kept: []byte("f")}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Books.Finish(t.Context(), p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeadServerHoldsUpNobody gives two merchants much to be told, one of whose servers never answers.
func TestDeadServerHoldsUpNobody(t *testing.T) {
	release := make(chan struct{})
	dead := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer dead.Close()
	defer close(release)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<pushpaymentresult firstcode="0" secondcode="0"/>`)
	}))
	defer shop.Close()
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	toldShops(t, &o, shop.URL, dead.URL)
	core, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close()
	const each = 60
	pay(t, core, 8, each)
	pay(t, core, 7, each)
	s, err := Start(t.Context(), core, Roles{Work: true})
	if err != nil {
		t.Fatal(err)
	}
	delivered := func(merchant int32) int {
		all, err := core.Notifications.List(t.Context(), notification.Filter{Merchant: merchant, State: notification.Delivered, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	began := time.Now()
	for delivered(7) < each && time.Since(began) < 9*time.Second { // before the dead server's first tries end
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("%d notifications in %v", delivered(7), time.Since(began))
	if n := delivered(7); n != each {
		t.Errorf("%d of %d notifications are delivered while another server does not answer", n, each)
	}
	if n := delivered(8); n != 0 {
		t.Errorf("%d notifications are delivered to a server that does not answer", n)
	}
	dead.CloseClientConnections()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
