package pcsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// noticePath takes notifications.
const noticePath = "/notify"

// ShopNotice is a notification that a shop received.
type ShopNotice struct {
	// At is when it came, by the shop's clock.
	At time.Time
	ShopAnswer
	// Operation is the operation's type: 100 payment, 200 confirmation, 300 cancellation.
	Operation string
	// Means is the payment means, by name.
	Means string
	// Done is when the operation was, as the notification writes it.
	Done string
	// Genuine says that the check value is right, and the signature where there is a key for it. Others were answered with a failure.
	Genuine bool
	// Again says that the same notification was received before.
	Again bool
}

// Notices returns what was received, oldest first.
func (s *Shop) Notices() []ShopNotice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notices)
}

// noticeReply is the answer to a notification.
type noticeReply struct {
	XMLName xml.Name `xml:"pushpaymentresult"`
	First   int      `xml:"firstcode,attr"`
	Second  int      `xml:"secondcode,attr"`
	Order   *noticeReceipt
}

type noticeReceipt struct {
	XMLName    xml.Name `xml:"order"`
	BillNumber string   `xml:"billnumber"`
	PacketDate string   `xml:"packetdate"`
}

// receive takes a notification: it checks the check value, notes it, and answers with a receipt or a failure.
func (s *Shop) receive(w http.ResponseWriter, r *http.Request) {
	if s.deaf.Load() {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxShopNotice))
	if err != nil {
		http.Error(w, "body cannot be read", http.StatusBadRequest)
		return
	}
	f, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, "form cannot be read", http.StatusBadRequest)
		return
	}
	n := ShopNotice{At: s.opt.Now(), Operation: f.Get("operationtype"), Means: f.Get("meantypename"), Done: f.Get("operationdate"), ShopAnswer: ShopAnswer{
		OrderNumber: f.Get("ordernumber"), BillNumber: f.Get("billnumber"), OrderAmount: f.Get("orderamount"), OrderCurrency: f.Get("ordercurrency"),
		Amount: f.Get("amount"), Currency: f.Get("currency"), OrderState: f.Get("orderstate"), ResponseCode: f.Get("responsecode"),
		Message: f.Get("customermessage"), Checkvalue: f.Get("checkvalue")}}
	x := strconv.Itoa(int(s.opt.Merchant)) + n.OrderNumber + n.Amount + n.Currency + n.OrderState
	n.Genuine = f.Get("merchant_id") == strconv.Itoa(int(s.opt.Merchant)) &&
		subtle.ConstantTimeCompare([]byte(n.Checkvalue), []byte(s.checkvalue(x))) == 1 && s.signed(r.Header, body)
	s.note(n)
	reply := noticeReply{First: 7, Second: 0}
	if n.Genuine {
		s.learn(n.ShopAnswer)
		reply = noticeReply{Order: &noticeReceipt{BillNumber: n.BillNumber, PacketDate: f.Get("packetdate")}}
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	text, err := xml.Marshal(reply)
	if err != nil { // the types marshal
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(append([]byte(xml.Header), text...))
}

// signed tells that a body carries its signature of Standard Webhooks, made within five minutes. Without a key none is asked for.
func (s *Shop) signed(h http.Header, body []byte) bool {
	if s.opt.SigningKey == "" {
		return true
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.opt.SigningKey, "whsec_"))
	seconds, notNumber := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || notNumber != nil || s.opt.Now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%d.%s", h.Get("Webhook-Id"), seconds, body)
	want := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return slices.ContainsFunc(strings.Fields(h.Get("Webhook-Signature")), func(one string) bool { return hmac.Equal([]byte(one), want) })
}

// note keeps a notification, the oldest of too many not.
func (s *Shop) note(n ShopNotice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.Again = slices.ContainsFunc(s.notices, func(other ShopNotice) bool {
		return other.Genuine && other.ShopAnswer == n.ShopAnswer && other.Operation == n.Operation && other.Done == n.Done
	})
	if s.notices = append(s.notices, n); len(s.notices) > maxShopNotices {
		s.notices = s.notices[1:]
	}
}

// maxShopNotice bounds the body of a notification in bytes.
const maxShopNotice = 64 << 10

// maxShopNotices bounds the notifications that a shop remembers.
const maxShopNotices = 10_000
