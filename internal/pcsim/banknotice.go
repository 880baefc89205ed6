package pcsim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"settled/internal/money"
)

// noticePauses are the times between the attempts to deliver a notification; the last one repeats until noticeLife.
var noticePauses = []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute}

const noticeLife = 24 * time.Hour

// noticeBody is a notification.
type noticeBody struct {
	ID      string      `json:"id"`
	Type    string      `json:"type"`
	Payment paymentBody `json:"payment"`
}

// notice is a notification that is owed.
type notice struct {
	id       string
	body     []byte
	copies   int // that have still to be delivered
	attempts int
	since    time.Time
	due      time.Time
}

// postman delivers notifications. Its lock is taken after that of the books.
type postman struct {
	mu        sync.Mutex
	url       string
	owed      []*notice
	kick      chan struct{} // receives when something new is owed
	delivered int
}

func newPostman(url string) postman {
	return postman{url: url, kick: make(chan struct{}, 1)}
}

// SetNotifyURL changes where notifications go, from the next attempt on; empty drops what becomes owed from now on.
// Errors: [ErrOptions].
func (b *Bank) SetNotifyURL(url string) error {
	if err := checkNotifyURL(url); err != nil {
		return err
	}
	b.post.mu.Lock()
	defer b.post.mu.Unlock()
	b.post.url = url
	return nil
}

// owe puts the notification of a payment on the list. The caller holds the books' lock.
func (b *Bank) owe(p *bankPayment) {
	b.post.mu.Lock()
	defer b.post.mu.Unlock()
	if b.post.url == "" || p.outcome == NoticeLost {
		return
	}
	n := &notice{id: "N" + b.identifier("notice", p.ID, 20), copies: 1, since: p.PaidAt, due: p.PaidAt}
	if p.outcome == NoticeTwice {
		n.copies = 2
	}
	content := noticeBody{ID: n.id, Type: "payment.paid", Payment: b.body(p)}
	if p.outcome == WrongNotice {
		content.Payment.Paid.Amount = b.amount(money.Amount{Minor: p.Amount.Minor + 1, Currency: p.Amount.Currency})
	}
	var err error
	if n.body, err = json.Marshal(content); err != nil { // the types marshal
		return
	}
	b.post.owed = append(b.post.owed, n)
	select {
	case b.post.kick <- struct{}{}:
	default:
	}
}

// Owed returns how many notifications still have to be delivered.
func (b *Bank) Owed() int {
	b.lock()
	defer b.books.mu.Unlock()
	b.post.mu.Lock()
	defer b.post.mu.Unlock()
	return len(b.post.owed)
}

// Delivered returns how many notifications were answered with 200.
func (b *Bank) Delivered() int {
	b.post.mu.Lock()
	defer b.post.mu.Unlock()
	return b.post.delivered
}

// Process is one step: it makes happen what is due at now, by which expiries, late payments and refunds are meant, and
// tries once to deliver each notification that is due, in order. It returns how many were delivered. The error is that of
// ctx only: a notification that was not taken is tried again later.
func (b *Bank) Process(ctx context.Context, now time.Time) (delivered int, err error) {
	b.books.mu.Lock()
	b.advance(now)
	b.books.mu.Unlock()
	for _, n := range b.post.take(now) {
		for n.copies > 0 && ctx.Err() == nil && b.deliver(ctx, n, now) == nil {
			n.copies--
			delivered++
		}
		b.post.put(n, now)
	}
	return delivered, ctx.Err()
}

// take removes what is due from the list.
func (p *postman) take(now time.Time) (due []*notice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest := p.owed[:0:0]
	for _, n := range p.owed {
		if now.Before(n.due) {
			rest = append(rest, n)
		} else {
			due = append(due, n)
		}
	}
	p.owed = rest
	return due
}

// put counts a notification as delivered, gives it up, or puts it back for later.
func (p *postman) put(n *notice, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n.copies == 0 {
		p.delivered++
		return
	}
	n.due = now.Add(noticePauses[min(n.attempts, len(noticePauses)-1)])
	if n.attempts++; n.due.Sub(n.since) < noticeLife {
		p.owed = append(p.owed, n)
	}
}

// deliver posts a notification once.
func (b *Bank) deliver(ctx context.Context, n *notice, now time.Time) error {
	b.post.mu.Lock()
	url := b.post.url
	b.post.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(n.body))
	if err != nil {
		return err
	}
	b.SignNotice(r.Header, n.id, n.body, now)
	answer, err := b.opt.NotifyClient.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxRequest))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("notification answered %d", answer.StatusCode)
	}
	return nil
}

// SignNotice sets the headers of a notification with this id and body, as the bank sends it at now.
func (b *Bank) SignNotice(h http.Header, id string, body []byte, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	h.Set("Content-Type", "application/json")
	h.Set(headerKey, b.opt.KeyID)
	h.Set(headerNotice, id)
	h.Set(headerTimestamp, stamp)
	h.Set(headerSignature, b.sign(stamp+"."+id+"."+string(body)))
}

// Run calls [Bank.Process] with the bank's clock each second, and at once when a payment was paid, until ctx ends. It
// returns the error of ctx.
func (b *Bank) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := b.Process(ctx, b.opt.Now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.post.kick:
		case <-tick.C:
		}
	}
}
