package instant

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// MaxNotice is the length of the longest notification, in bytes. Whoever reads one from the network reads no more.
const MaxNotice = 64 << 10

// Notice is a notification of the bank: a payment or a charge was paid. It can come more than once, late, or not at all,
// and before the answer to the call that it is about.
type Notice struct {
	// ID is the same in repeats.
	ID      string
	Payment Payment
}

// VerifyNotification checks that the bank signed a notification at most MaxSkew from now, and reads it. A repeat within
// that time passes again: what is done about it has to be idempotent by the operation id of the receipt. The bank repeats
// a notification until it is answered with 200. Errors: ErrForged (answer 401), ErrMalformed (answer 400).
func (c *Client) VerifyNotification(h http.Header, body []byte, now time.Time) (Notice, error) {
	n, err := c.verify(h, body, now)
	c.options.Metrics.noticed(c.options.Name, err)
	return n, err
}

func (c *Client) verify(h http.Header, body []byte, now time.Time) (Notice, error) {
	id, err := c.authentic(h, body, now)
	if err != nil {
		return Notice{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	n, err := c.readNotice(id, body)
	if err != nil {
		return Notice{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return n, nil
}

// authentic checks the headers of a notification and returns its id.
func (c *Client) authentic(h http.Header, body []byte, now time.Time) (string, error) {
	id, hasID := only(h, headerNotice)
	stamp, hasStamp := only(h, headerTimestamp)
	signature, hasSignature := only(h, headerSignature)
	key, known := c.key(h)
	switch {
	case len(body) > MaxNotice:
		return "", fmt.Errorf("it is longer than %d bytes", MaxNotice)
	case !hasID || !hasStamp || !hasSignature || !known:
		return "", fmt.Errorf("a header is missing or repeated, or the key is unknown")
	case !key.verify(signature, []byte(stamp+"."+id+"."), body):
		return "", fmt.Errorf("the signature is wrong")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > MaxSkew {
		return "", fmt.Errorf("its time is more than %s off", MaxSkew)
	}
	return id, nil
}

// readNotice reads the body of an authentic notification.
func (c *Client) readNotice(id string, body []byte) (Notice, error) {
	var in struct {
		ID      string      `json:"id"`
		Type    string      `json:"type"`
		Payment paymentBody `json:"payment"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Notice{}, err
	}
	if in.ID != id || !bankID.MatchString(id) || in.Type != "payment.paid" {
		return Notice{}, fmt.Errorf("id %.70q and type %.40q under the header %.70q", in.ID, in.Type, id)
	}
	p, err := c.read(&in.Payment)
	if err != nil {
		return Notice{}, err
	}
	if p.Status != Paid {
		return Notice{}, fmt.Errorf("payment %s is %s", p.ID, p.Status)
	}
	return Notice{ID: id, Payment: p}, nil
}
