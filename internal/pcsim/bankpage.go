package pcsim

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Scan is the buyer's side: a buyer opens the payment behind a QR id, a payload or an app link in his bank's app and
// confirms it or declines it. consent agrees to later payments, when the payment asks. It returns the payment as it is
// then. Errors: [ErrQR], [ErrQRClosed].
func (b *Bank) Scan(ref string, approve, consent bool) (BankPayment, error) {
	b.lock()
	defer b.books.mu.Unlock()
	p := b.books.byQR[qrOf(ref)]
	if p == nil {
		return BankPayment{}, ErrQR
	}
	if p.Status != BankActive || !p.decides.IsZero() {
		return p.BankPayment, ErrQRClosed
	}
	if approve {
		b.confirm(p, consent && p.Asks, b.opt.Now())
	} else {
		b.refuse(p, "declined_by_payer")
	}
	return p.BankPayment, nil
}

// confirm lets the buyer pay: the one behind the payment's token, or one drawn for it.
func (b *Bank) confirm(p *bankPayment, consent bool, now time.Time) {
	if p.outcome == BuyerRefused {
		b.refuse(p, "insufficient_funds")
		return
	}
	if s := b.books.subscriptions[p.Token]; s != nil {
		p.MemberID, p.Buyer = s.memberID, s.buyer
	} else {
		p.MemberID, p.Buyer = b.buyer(p.ID)
	}
	if consent && p.Token == "" {
		p.Token = "T" + b.identifier("token", p.ID, 31)
		b.books.subscriptions[p.Token] = &subscription{memberID: p.MemberID, buyer: p.Buyer}
	}
	if p.outcome == PaidLate {
		p.decides = p.ExpiresAt.Add(b.opt.LateBy)
		return
	}
	b.pay(p, now)
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Bank}}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:24rem;margin:2rem auto;padding:0 1rem}
button{font:inherit;padding:.6rem 1.2rem;margin-right:.5rem}dt{color:#555}dd{margin:0 0 .5rem}</style></head>
<body><h1>{{.Bank}}</h1>
<p>A test bank's app: no money moves.</p>
<dl><dt>Amount</dt><dd>{{.Payment.Amount}}</dd>
{{with .Payment.Description}}<dt>For</dt><dd>{{.}}</dd>{{end}}
<dt>State</dt><dd id="state">{{.State}}</dd></dl>
{{if .Open}}<form method="post">
{{if .Payment.Asks}}<p><label><input type="checkbox" name="consent" value="1"> Allow later payments without asking me</label></p>{{end}}
<button name="do" value="pay">Pay</button><button name="do" value="decline">Decline</button></form>{{end}}
{{with .Return}}<p><a href="{{.}}">Back to the shop</a></p>{{end}}
</body></html>
`))

var waitingPage = template.Must(template.New("waiting").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Bank}}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}li{margin:.4rem 0}</style></head>
<body><h1>{{.Bank}}</h1>
<p>A test bank's app: no money moves. Scanning a code leads to its payment; these wait to be paid, the newest first.</p>
<ul>{{range .Waiting}}<li><a href="/qr/{{.QR}}">{{.Amount}}</a> {{.Description}}</li>
{{else}}<li>None.</li>{{end}}</ul>
</body></html>
`))

// maxWaiting bounds the list of payments that wait.
const maxWaiting = 50

// showWaiting lists the payments that wait for their buyers: what stands for a telephone that scans codes.
func (b *Bank) showWaiting(w http.ResponseWriter, _ *http.Request) {
	b.lock()
	var waiting []BankPayment
	for _, p := range slices.Backward(b.books.order) {
		if p.QR != "" && p.Status == BankActive && p.decides.IsZero() && len(waiting) < maxWaiting {
			waiting = append(waiting, p.BankPayment)
		}
	}
	b.books.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = waitingPage.Execute(w, map[string]any{"Bank": b.opt.Name, "Waiting": waiting})
}

// showPage is the bank's app as a web page.
func (b *Bank) showPage(w http.ResponseWriter, r *http.Request) {
	b.lock()
	p := b.books.byQR[r.PathValue("qr")]
	if p == nil {
		b.books.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	view := map[string]any{
		"Bank": b.opt.Name, "Payment": p.BankPayment, "State": p.state(b.opt.Now()),
		"Open": p.Status == BankActive && p.decides.IsZero(), "Return": webURL(p.ReturnURL),
	}
	b.books.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = page.Execute(w, view)
}

// state says in words what the buyer sees.
func (p *bankPayment) state(now time.Time) string {
	switch {
	case !p.decides.IsZero():
		return "confirmed, on its way"
	case p.Status == BankActive:
		return "to be paid within " + p.ExpiresAt.Sub(now).Round(time.Second).String()
	case p.Code != "":
		return p.Status + " (" + p.Code + ")"
	}
	return p.Status
}

// webURL returns a link of a web page, empty for any other.
func webURL(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}

// answerPage takes the buttons of the page.
func (b *Bank) answerPage(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	do := r.PostFormValue("do")
	if do != "pay" && do != "decline" {
		http.Error(w, "neither pay nor decline", http.StatusBadRequest)
		return
	}
	// What cannot be done shows on the page.
	_, _ = b.Scan(r.PathValue("qr"), do == "pay", r.PostFormValue("consent") != "")
	http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
}
