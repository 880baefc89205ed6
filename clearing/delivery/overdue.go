package delivery

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/states"
	"settled/settle/breaks"
)

// A reply that does not come is watched for, and never asked for by sending again.

// overdueReplies: each delivery of a file has its own break. $5 is the limit of weak proofs.
var overdueReplies = `
SELECT $1::text || '/file/' || f.file_id || coalesce('/' || nullif(r.n, 0), '') AS fingerprint, center_id, ` + breaks.OfNoMerchant + `,
	'no reply to ' || name || ' since ' || delivered_at || ', whose delivery is proven by: ' || proof AS note
FROM files f, LATERAL (SELECT count(*) AS n FROM file_resends r WHERE r.file_id = f.file_id) r
WHERE center_id = $2 AND stream = $3 AND state = ` + states.Quoted(states.FileDelivered) + `
	AND delivered_at <= CASE WHEN proof IN ('hash', 'present', 'reply') THEN $4::timestamptz ELSE $5 END`

// OverdueOf is, for breaks.Where.Under, the fingerprint of the breaks of a file whose reply is overdue, without the number of the delivery.
func OverdueOf(file int64) string { return fmt.Sprintf("%s/file/%d", breaks.ReplyOverdue, file) }

// WatchReplies opens a break for each delivered file of a center whose reply is overdue: sooner where the proof of the delivery is weak.
// It never sends anything again. It returns how many it opened.
func (c *Courier) WatchReplies(ctx context.Context, center int16, now time.Time) (int, error) {
	s, err := c.center(center)
	if err != nil {
		return 0, err
	}
	opened, err := breaks.OpenEach(ctx, c.pool, breaks.ReplyOverdue, now, overdueReplies, s.ID, s.Stream, now.Add(-s.ReplyAfter), now.Add(-s.WeakAfter))
	if err != nil {
		return 0, fmt.Errorf("watch for replies: %w", err)
	}
	if len(opened) > 0 {
		c.pager.Page(ctx, s.Name, pageReplyOverdue, "files", len(opened), "first", opened[0].Note)
	}
	return len(opened), nil
}
