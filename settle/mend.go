package settle

import (
	"context"
	"fmt"
	"time"
)

// Instants lie at most this far ahead: the longest pause of an owed message and of a question to a partner bank is an hour.
const (
	longestPause = time.Hour
	mendSlack    = time.Minute
)

// What a clock that was ahead wrote is found by an instant that the rules cannot have made. A hold is mended only where its
// payment lies in the future, too: a shorter time in the configuration changes no hold that stands.
const (
	mendOwed    = `UPDATE owed_exchanges SET due_at = $1 WHERE due_at > $2`
	mendInstant = `UPDATE instant_payments SET poll_at = $1 WHERE poll_at > $2`
	mendHolds   = `
WITH wrong AS (
	SELECT h.expires_at, h.merchant_id, h.order_id FROM open_holds h JOIN orders o USING (merchant_id, order_id)
		JOIN transactions t ON t.merchant_id = o.merchant_id AND t.order_id = o.order_id AND t.transaction = o.payment_transaction
	WHERE h.expires_at > $2 AND t.transmitted_at > $3
), o AS (
	UPDATE orders o SET hold_expires_at = $1 FROM wrong w
	WHERE o.merchant_id = w.merchant_id AND o.order_id = w.order_id AND o.hold_expires_at = w.expires_at
	RETURNING o.merchant_id, o.order_id
)
UPDATE open_holds h SET expires_at = $1 FROM wrong w JOIN o USING (merchant_id, order_id)
WHERE h.expires_at = w.expires_at AND h.merchant_id = w.merchant_id AND h.order_id = w.order_id`
)

// MendTimes puts right the instants of owed messages, questions to partner banks and ends of holds that lie further ahead than
// they can: a clock was ahead when they were written, and what they stand for would wait for that. It returns how many of each.
func (b *Books) MendTimes(ctx context.Context) (map[string]int, error) {
	now := b.Now()
	longest := b.longestHold()
	mended := map[string]int{}
	for _, m := range []struct {
		of, sql string
		args    []any
	}{
		{"owed", mendOwed, []any{now, now.Add(longestPause + mendSlack)}},
		{"instant", mendInstant, []any{now, now.Add(longestPause + mendSlack)}},
		{"hold", mendHolds, []any{now.Add(longest), now.Add(longest + mendSlack), now.Add(mendSlack)}},
	} {
		tag, err := b.Pool.Exec(ctx, m.sql, m.args...)
		if err != nil {
			return mended, fmt.Errorf("mend times of %s: %w", m.of, err)
		}
		mended[m.of] = int(tag.RowsAffected())
	}
	return mended, nil
}

// longestHold is the longest time that a hold of any route waits for its confirmation.
func (b *Books) longestHold() (longest time.Duration) {
	for _, m := range b.Directory.Merchants() {
		for i := range m.Routes {
			longest = max(longest, m.Routes[i].holdFor(false), m.Routes[i].holdFor(true))
		}
	}
	return longest
}
