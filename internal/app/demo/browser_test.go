package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"settled/authorize/page/pagetest"
	"settled/internal/pcsim"
	"settled/internal/postgres/local"
)

func TestMain(m *testing.M) { pagetest.Main(m) }

// kept plays a small demo that is kept, and returns its report while it goes on.
func kept(t *testing.T) Report {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "report.json")
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Options{Orders: 12, Seed: 3, Keep: true, Report: path, Out: writer})
		writer.CloseWithError(err)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, local.ErrNoServer) {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(reader)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Test cards") {
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	if err := lines.Err(); errors.Is(err, local.ErrNoServer) {
		pagetest.Missing(t, err)
	} else if err != nil {
		t.Fatal(err)
	}
	var r Report
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAPersonClicksThrough buys something in the shop of a demo that is kept: by card with a code of the cardholder's bank,
// on a desktop, and by QR code with the bank's page, on a telephone.
func TestAPersonClicksThrough(t *testing.T) {
	if testing.Short() {
		t.Skip("plays a demo")
	}
	desktop := pagetest.Browser(t, 1280, 800, true)
	phone := pagetest.Browser(t, 390, 800, true)
	app := pagetest.Browser(t, 390, 800, true)
	r := kept(t)

	desktop.Open(r.ShopURL)
	desktop.Picture("shop-goods")
	desktop.Click(`input[value="mug"]`)
	desktop.Click("#buy")
	desktop.Wait("#pay")
	desktop.Picture("shop-checkout")
	desktop.Click("#pay")
	desktop.Wait(`[name="Cardnumber"]`)
	desktop.Picture("pay-by-card")
	desktop.Fill(`[name="Cardnumber"]`, pcsim.CardChallenge)
	desktop.Fill(`[name="Expiry"]`, "1230")
	desktop.Fill(`[name="Cvc2"]`, "123")
	desktop.Fill(`[name="Cardholder"]`, "DEMO CUSTOMER")
	desktop.Click("#pay button.main")
	desktop.Wait(`[name="code"]`)
	desktop.Picture("pay-by-card-bank")
	desktop.Fill(`[name="code"]`, pcsim.ChallengeCode)
	desktop.Click("button")
	desktop.Wait("#state")
	desktop.Picture("shop-paid")
	if got := desktop.Text("#state"); got != "Approved" {
		t.Errorf("the shop says %q of the payment by card", got)
	}
	number := desktop.Text("#number")
	desktop.Open(r.ShopURL + "/notifications")
	if !awaitText(desktop, r.ShopURL+"/notifications", number) {
		t.Errorf("no notification of %s came", number)
	}
	desktop.Picture("shop-notifications")
	desktop.Open(r.ShopURL + "/orders")
	desktop.Click(`button[value="cancel"]`)
	desktop.Wait(`[role="status"]`)
	desktop.Picture("shop-orders")
	if got := desktop.Text("#" + number); !strings.Contains(got, "Canceled") {
		t.Errorf("after the cancel the order is %q", got)
	}

	payByCode(t, r, phone, app)
}

// payByCode buys with the QR code: the telephone shows the page, the app is the bank's page.
func payByCode(t *testing.T, r Report, phone, app *pagetest.Tab) {
	t.Helper()
	phone.Open(r.ShopURL + "/?lang=ru")
	pagetest.Eval[string](phone, `document.querySelector("[name=means]").value = "instant"`)
	phone.Picture("shop-goods-phone")
	phone.Click("#buy")
	phone.Wait("#pay")
	phone.Click("#pay")
	phone.Wait("button.main")
	phone.Click("button.main")
	phone.Wait(".ways")
	phone.Picture("pay-by-code-phone")
	app.Open(r.BankURL)
	app.Picture("bank-waiting")
	app.Click("li a")
	app.Wait(`button[value="pay"]`)
	app.Click(`button[value="pay"]`)
	app.Wait("#state")
	phone.Wait("#state")
	phone.Picture("shop-paid-phone")
	if got := phone.Text("#state"); got != "Approved" {
		t.Errorf("the shop says %q of the payment by code", got)
	}
	if got := phone.Text("h1"); !regexp.MustCompile("Спасибо").MatchString(got) {
		t.Errorf("the shop thanks with %q", got)
	}
}

// awaitText looks at a page again until it has a text.
func awaitText(tab *pagetest.Tab, address, text string) bool {
	for range 50 {
		tab.Open(address)
		if strings.Contains(tab.Text("main"), text) {
			return true
		}
		time.Sleep(200 * time.Millisecond)
	}
	return false
}
