package clearing

import (
	"context"
	"fmt"
	"time"

	"settled/settle/breaks"
)

// A reply that does not come is watched for, and never asked for by sending again.

// overdueReplies: each delivery of a file has its own break. $5 is the limit of weak proofs.
var overdueReplies = `
SELECT $1::text || '/file/' || f.file_id || coalesce('/' || nullif(r.n, 0), '') AS fingerprint, center_id, ` + breaks.OfNoMerchant + `,
	'no reply to ' || name || ' since ' || delivered_at || ', whose delivery is proven by: ' || proof AS note
FROM files f, LATERAL (SELECT count(*) AS n FROM file_resends r WHERE r.file_id = f.file_id) r
WHERE center_id = $2 AND stream = $3 AND state = ` + quoted(FileDelivered) + `
	AND delivered_at <= CASE WHEN proof IN ('hash', 'present', 'reply') THEN $4::timestamptz ELSE $5 END`

// overdueOf is the fingerprint of the breaks of a file whose reply is overdue, without the number of the delivery.
func overdueOf(file int64) string { return fmt.Sprintf("%s/file/%d", breaks.ReplyOverdue, file) }

// watchReplies opens a break for each delivered file whose reply is overdue: sooner where the proof of the delivery is weak.
// It never sends anything again.
func (n *Night) watchReplies(ctx context.Context, s *station, now time.Time) (int, error) {
	opened, err := breaks.OpenEach(ctx, n.Pool, breaks.ReplyOverdue, now, overdueReplies, s.ID, s.Stream, now.Add(-s.ReplyTimeout), now.Add(-s.WeakTimeout))
	if err != nil {
		return 0, fmt.Errorf("watch for replies: %w", err)
	}
	if len(opened) > 0 {
		n.page(ctx, s, pageReplyOverdue, "files", len(opened), "first", opened[0].Note)
	}
	return len(opened), nil
}
