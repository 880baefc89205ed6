package authorize_test

import (
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"settled/authorize"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// signing changes a world so that its answers to the first merchant are signed, and returns the key that verifies them.
func (w *world) signing(sha bool) *rsa.PublicKey {
	w.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	check(w.t, err)
	m := w.options.Merchants[settletest.Merchant]
	m.Proofs = protocol.Proofs{RSA: true, SHA256: sha}
	w.options.Merchants[settletest.Merchant] = m
	w.options.SigningKey, w.options.Registerer = key, nil
	w.open()
	return &key.PublicKey
}

// signed checks that the signature of an answer covers the values of these fields and nothing else.
func (w *world) signed(key *rsa.PublicKey, h crypto.Hash, f fields, prefix string, names ...string) {
	w.t.Helper()
	x := prefix
	for _, name := range names {
		x += f[name]
	}
	digest := md5.Sum([]byte(x))
	sum := digest[:]
	if h == crypto.SHA256 {
		long := sha256.Sum256([]byte(x))
		sum = long[:]
	}
	signature, err := base64.StdEncoding.DecodeString(f["signature"])
	check(w.t, err)
	if err := rsa.VerifyPKCS1v15(key, h, sum, signature); err != nil {
		w.t.Errorf("%s: %v", x, err)
	}
	if f["checkvalue"] != "" {
		w.t.Errorf("check value beside a signature: %s", f["checkvalue"])
	}
}

// flatSigned are the fields that the signature of a flat answer covers.
var flatSigned = []string{"billnumber", "ordernumber", "responsecode", "orderamount", "ordercurrency", "meannumber", "approvalcode", "orderstate", "packetdate"}

func TestSignedAnswers(t *testing.T) {
	for _, h := range []crypto.Hash{crypto.MD5, crypto.SHA256} {
		w := newWorld(t, pcsim.Behavior{})
		key := w.signing(h == crypto.SHA256)
		paid := w.call(pay, paymentOf("A-1").with(params{"Delay": "1"}))
		w.signed(key, h, paid.Order, "", flatSigned...)
		bill, _, _ := strings.Cut(paid.Order["billnumber"], ".")
		of := credentials().with(params{"Billnumber": bill})
		w.signed(key, h, w.call(charge, of).Order, "", flatSigned...)
		w.signed(key, h, w.call(cancel, of.with(ask("37.40"))).Order, "", flatSigned...)

		nested := w.nested(wsCancel, of.with(ask("37.40")))
		w.signed(key, h, nested, "", "extended", "ordernumber", "responsecode", "amount", "currency", "meannumber", "approvalcode", "orderstate", "packetdate")

		for _, path := range []string{orderState, orderResult} {
			r := w.call(path, credentials().with(params{"Ordernumber": "A-1"}))
			w.signed(key, h, r.Bare[0], "100001", "ordernumber", "orderamount", "ordercurrency", "orderstate")
		}
		list := w.call(resultByDate, credentials().with(params{"Operationtype": "C"}))
		w.signed(key, h, list.Order, "", flatSigned...)

		if r := w.call(pay, otherPayment("B-1")); r.Order["signature"] != "" {
			t.Errorf("signed for a merchant that did not ask: %+v", r.Order)
		}
	}
}

// nested reads an answer in sections as one set of fields, with the bill number of its operation as "extended".
func (w *world) nested(path string, p params) fields {
	w.t.Helper()
	body := w.form(path, p.with(params{"Format": "3"})).body
	all := fields{}
	order, rest, _ := strings.Cut(body, "<operation>")
	operation, packet, _ := strings.Cut(rest, "</operation>")
	for _, part := range []string{order, operation, packet} {
		for _, element := range strings.Split(part, "</") {
			if i := strings.LastIndexByte(element, '<'); i >= 0 {
				name, value, _ := strings.Cut(element[i+1:], ">")
				if name == "billnumber" && part == operation {
					name = "extended"
				}
				all[name] = value
			}
		}
	}
	return all
}

// A merchant without signatures gets check values, also from wscancel; nobody gets unsigned answers who wants them signed.
func TestSignatureOptions(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.paid(paymentOf("A-1"))
	bill := w.paid(paymentOf("A-2"))
	f := w.nested(wsCancel, credentials().with(params{"Billnumber": bill}))
	state := w.call(orderState, credentials().with(params{"Ordernumber": "A-2"})).Bare[0]
	if f["signature"] != "" || f["checkvalue"] == "" || f["checkvalue"] != state["checkvalue"] {
		t.Errorf("%v, %v", f, state)
	}
	w.options.Merchants[settletest.OtherMerchant] = tenants.Merchant{Login: "other_login", PasswordHash: passwordHash(otherPassword),
		Proofs: protocol.Proofs{RSA: true}}
	w.options.Registerer = nil
	if _, err := authorize.New(w.options); !errors.Is(err, authorize.ErrOptions) {
		t.Errorf("no key to sign with: %v", err)
	}
}

// A repeated charge is answered alike, signature included, but for the sentence that says that it is a repeat.
func TestSignedRepeats(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.signing(false)
	bill := w.paid(paymentOf("A-1").with(params{"Delay": "1"}))
	of := credentials().with(params{"Billnumber": bill, "Format": "3"})
	first, again := w.form(charge, of).body, w.form(charge, of).body
	if same := strings.Replace(again, "Повтор более раннего запроса: сейчас ничего не выполнено", "", 1); same != first || same == again || !strings.Contains(first, "<signature>") {
		t.Errorf("%s\n%s", first, again)
	}
}
