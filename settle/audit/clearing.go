package audit

// effective is every record with the amount that counts, and its reject.
const effective = `
WITH change AS (
	SELECT DISTINCT ON (window_id, record_id, merchant_id) window_id, record_id, merchant_id, amount
	FROM record_changes ORDER BY window_id, record_id, merchant_id, version DESC
), effective AS (
	SELECT r.merchant_id, r.order_id, r.slice, r.kind, r.currency, r.contract_id, r.window_id, r.record_id, coalesce(c.amount, r.amount) AS amount,
		j.state AS reject, j.abandoned, coalesce(j.origin, '') AS origin
	FROM records r LEFT JOIN change c USING (window_id, record_id, merchant_id) LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
)`

// balanceOf sums an account per merchant, center and currency, with debits positive.
func balanceOf(code string) string {
	return `ledger AS (
	SELECT merchant_id, center_id, currency, sum(CASE WHEN debit = ` + code + ` THEN amount ELSE -amount END) AS amount
	FROM postings WHERE ` + code + ` IN (debit, credit) GROUP BY 1, 2, 3
)`
}

var sqlCaptured = effective + `, waiting AS (
	SELECT e.merchant_id, w.center_id, e.currency, sum(CASE e.kind WHEN 1 THEN e.amount ELSE -e.amount END) AS amount
	FROM effective e JOIN windows w USING (window_id) WHERE w.state NOT IN ('sealed', 'empty') AND e.origin <> 'hold' GROUP BY 1, 2, 3
), ` + balanceOf("1100") + compare(`account 1100 is %s, the records of open windows are %s`, "waiting")

var sqlSubmitted = `
WITH part AS (
	SELECT t.merchant_id, b.center_id, b.currency, CASE t.kind WHEN 1 THEN t.amount ELSE -t.amount END AS amount
	FROM batch_totals t JOIN batches b USING (batch_id) WHERE b.state <> 'replied'
	UNION ALL
	SELECT j.merchant_id, b.center_id, b.currency, CASE j.kind WHEN 1 THEN -j.amount ELSE j.amount END
	FROM rejects j JOIN batches b USING (window_id, currency) WHERE j.origin = 'build' AND b.state <> 'replied'
), sent AS (
	SELECT merchant_id, center_id, currency, sum(amount) AS amount FROM part GROUP BY 1, 2, 3
), ` + balanceOf("1110") + compare(`account 1110 is %s, the batches without a verdict are %s`, "sent")

var sqlRejected = `
WITH refused AS (
	SELECT j.merchant_id, w.center_id, j.currency, sum(CASE j.kind WHEN 1 THEN j.amount - j.abandoned ELSE j.abandoned - j.amount END) AS amount
	FROM rejects j JOIN windows w USING (window_id) WHERE j.state = 'rejected' GROUP BY 1, 2, 3
), ` + balanceOf("1130") + compare(`account 1130 is %s, the unresolved rejects are %s`, "refused")

// PR-05s, PR-05c, PR-06s and PR-06c are rules 12, 13, 15 and 16.
var sqlAccepted = `
WITH answered AS (
	SELECT t.merchant_id, b.center_id, b.currency, sum(CASE t.kind WHEN 1 THEN t.amount ELSE -t.amount END) AS amount
	FROM batch_totals t JOIN batches b USING (batch_id) WHERE b.state = 'replied' GROUP BY 1, 2, 3
), refused AS (
	SELECT j.merchant_id, b.center_id, j.currency, sum(CASE j.kind WHEN 1 THEN j.amount ELSE -j.amount END) AS amount
	FROM rejects j JOIN batches b USING (window_id, currency) WHERE b.state = 'replied' AND j.origin <> 'hold' GROUP BY 1, 2, 3
), expected AS (
	SELECT merchant_id, center_id, currency, coalesce(a.amount, 0) - coalesce(r.amount, 0) AS amount
	FROM answered a FULL JOIN refused r USING (merchant_id, center_id, currency)
), ledger AS (
	SELECT merchant_id, center_id, currency, sum(CASE WHEN (rule = 12) <> undo THEN amount ELSE -amount END) AS amount
	FROM postings WHERE rule IN (12, 13) GROUP BY 1, 2, 3
)` + compare(`accepted by posting %s, by verdict %s`, "expected")

// The payment of a two-stage order makes no slice; a purchase (kind 2) clears by its message. A rejected record that was
// presented again is replaced by its successor.
const sqlLiveRecords = effective + `, live AS (
	SELECT merchant_id, order_id, slice, count(*) AS records FROM effective
	WHERE kind = 1 AND reject IS DISTINCT FROM 'superseded' GROUP BY 1, 2, 3
), slice AS (
	SELECT s.merchant_id, s.order_id, s.operation AS slice, s.amount, (t.kind = 1)::int AS records
	FROM operations s JOIN orders o USING (merchant_id, order_id)
		LEFT JOIN transactions t ON t.merchant_id = s.merchant_id AND t.order_id = s.order_id AND t.transaction = o.payment_transaction
	WHERE s.state = 2 AND s.kind IN (100, 200) AND (s.kind = 200 OR NOT o.two_stage)
)
SELECT format('order %s.%s: %s live records, not %s', order_id, slice, coalesce(l.records, 0), coalesce(s.records, 0)), coalesce(s.amount, 0)
FROM slice s FULL JOIN live l USING (merchant_id, order_id, slice)
WHERE coalesce(s.records, 0) <> coalesce(l.records, 0)`

// A round of numbers begins at 1 where the one before it ended; base counts the numbers of the rounds before. Numbers are given
// in order, and a file id names one batch, whatever the round.
// The numbers of lost files were given, too.
const sqlSequences = `
WITH given AS (
	SELECT center_id, stream, scope, base, sequence FROM files UNION SELECT center_id, stream, scope, base, sequence FROM lost_files
), numbered AS (
	SELECT center_id, stream, scope, count(DISTINCT base + sequence) AS n, min(base + sequence) AS first, max(base + sequence) AS last, max(base) AS base
	FROM given GROUP BY 1, 2, 3
)
SELECT format('center %s, stream %s, scope %s: %s numbers from %s to %s, last given %s', center_id, stream, scope, n, first, f.last, s.last), 0
FROM numbered f FULL JOIN file_sequences s USING (center_id, stream, scope)
WHERE f.first IS DISTINCT FROM 1 OR f.n <> f.last OR f.last IS DISTINCT FROM s.last OR f.base IS DISTINCT FROM s.base
UNION ALL
SELECT format('center %s, stream %s, scope %s: a round after %s numbers begins at %s', center_id, stream, scope, base, min(sequence)), 0
FROM given GROUP BY center_id, stream, scope, base HAVING min(sequence) <> 1
UNION ALL
SELECT format('center %s: file id %s names the files of %s batches', center_id, logical_id, count(DISTINCT batch_id)), 0
FROM files WHERE state <> 'unnumbered' GROUP BY center_id, logical_id HAVING count(DISTINCT batch_id) > 1
UNION ALL
SELECT format('file %s has number %s, file %s before it has none', f.file_id, f.sequence, w.file_id), 0
FROM files f JOIN files w USING (center_id, stream, scope)
WHERE w.state = 'unnumbered' AND f.state <> 'unnumbered' AND f.base + f.sequence > w.base + w.sequence`

// PR-03s and PR-03c are rules 8 and 9. Records count when they are not withdrawn.
const sqlBatchTotals = effective + `, held AS (
	SELECT b.batch_id, e.merchant_id, e.kind, e.contract_id, count(*) AS count, sum(e.amount) AS amount
	FROM effective e JOIN batches b ON b.window_id = e.window_id AND b.currency = e.currency
	WHERE e.amount > 0 AND e.origin <> 'hold' GROUP BY 1, 2, 3, 4
), unbatched AS (
	SELECT e.window_id, e.currency, e.merchant_id, e.kind, sum(e.amount) AS amount
	FROM effective e JOIN windows w USING (window_id) LEFT JOIN batches b ON b.window_id = e.window_id AND b.currency = e.currency
	WHERE e.amount > 0 AND e.origin <> 'hold' AND b.batch_id IS NULL AND w.state IN ('sealed', 'empty') GROUP BY 1, 2, 3, 4
), posted AS (
	SELECT source_id AS batch_id, merchant_id, CASE rule WHEN 8 THEN 1 ELSE 2 END::smallint AS kind, sum(amount) AS amount
	FROM postings WHERE source = 2 AND rule IN (8, 9) AND NOT undo GROUP BY 1, 2, 3
), total AS (
	SELECT batch_id, merchant_id, kind, sum(amount) AS amount FROM batch_totals GROUP BY 1, 2, 3
), summed AS (
	SELECT batch_id, coalesce(sum(count) FILTER (WHERE kind = 1), 0) AS sales_count, coalesce(sum(amount) FILTER (WHERE kind = 1), 0) AS sales,
		coalesce(sum(count) FILTER (WHERE kind = 2), 0) AS credits_count, coalesce(sum(amount) FILTER (WHERE kind = 2), 0) AS credits
	FROM batch_totals GROUP BY 1
)
SELECT format('batch %s, merchant %s, kind %s, contract %s: %s records of %s, totals %s of %s', batch_id, merchant_id, kind, contract_id,
	h.count, h.amount, t.count, t.amount), (coalesce(h.amount, 0) - coalesce(t.amount, 0))::bigint
FROM held h FULL JOIN batch_totals t USING (batch_id, merchant_id, kind, contract_id)
WHERE (h.count, h.amount) IS DISTINCT FROM (t.count::bigint, t.amount::numeric)
UNION ALL
SELECT format('batch %s, merchant %s, kind %s: totals of %s, posted %s', batch_id, merchant_id, kind, t.amount, p.amount),
	(coalesce(t.amount, 0) - coalesce(p.amount, 0))::bigint
FROM total t FULL JOIN posted p USING (batch_id, merchant_id, kind)
WHERE t.amount IS DISTINCT FROM p.amount
UNION ALL
SELECT format('batch %s: %s sales of %s and %s credits of %s, totals say %s of %s and %s of %s', b.batch_id, b.sales_count, b.sales_amount,
	b.credits_count, b.credits_amount, s.sales_count, s.sales, s.credits_count, s.credits), (b.sales_amount - coalesce(s.sales, 0))::bigint
FROM batches b LEFT JOIN summed s USING (batch_id)
WHERE (b.sales_count, b.sales_amount, b.credits_count, b.credits_amount)
	IS DISTINCT FROM (coalesce(s.sales_count, 0), coalesce(s.sales, 0), coalesce(s.credits_count, 0), coalesce(s.credits, 0))
UNION ALL
SELECT format('window %s is sealed, but its records of %s in currency %s of merchant %s are in no batch', window_id, amount, currency, merchant_id), amount::bigint
FROM unbatched`

// Header and trailer are the two further messages. What was set aside at an earlier build is in none of the later ones.
const sqlFileMessages = `
WITH aside AS (SELECT window_id, currency, file_id, count(*) AS records FROM rejects WHERE origin = 'build' GROUP BY 1, 2, 3), held AS (
	SELECT f.name, f.state, f.messages, b.sales_count + b.credits_count - coalesce(sum(a.records), 0) AS records
	FROM files f JOIN batches b USING (batch_id)
		LEFT JOIN aside a ON a.window_id = b.window_id AND a.currency = b.currency AND a.file_id <= f.file_id
	GROUP BY f.file_id, b.batch_id
)
SELECT format('file %s: %s messages for %s records', name, messages, records), 0
FROM held WHERE state NOT IN ('unnumbered', 'planned') AND messages IS DISTINCT FROM records + 2`

// A record that we set aside left its window or its batch by a journal of its own: PR-06s and PR-06c are rules 15 and 16,
// PR-23s and PR-23c rules 53 and 54. The file that leaves it out is one of its batch.
const sqlAside = `
WITH posted AS (
	SELECT merchant_id, source_id AS record_id, sum(amount) FILTER (WHERE rule IN (15, 16)) AS built, sum(amount) FILTER (WHERE rule IN (53, 54)) AS held
	FROM postings WHERE source = 5 AND phase = 5 GROUP BY 1, 2
), aside AS (
	SELECT j.*, EXISTS (SELECT FROM files f JOIN batches b USING (batch_id)
		WHERE f.file_id = j.file_id AND b.window_id = j.window_id AND b.currency = j.currency) AS own_file
	FROM rejects j WHERE j.origin <> 'center'
)
SELECT format('record %s of %s set aside (%s): posted %s before the seal and %s after it', record_id, a.amount, a.origin, p.held, p.built),
	(coalesce(a.amount, 0) - coalesce(p.built, 0) - coalesce(p.held, 0))::bigint
FROM aside a FULL JOIN posted p USING (merchant_id, record_id)
WHERE (CASE a.origin WHEN 'build' THEN a.amount END, CASE a.origin WHEN 'hold' THEN a.amount END) IS DISTINCT FROM (p.built::bigint, p.held::bigint)
	OR a.own_file <> (a.origin = 'build')`

const sqlAfterSeal = `
SELECT format('record %s of window %s: born %s, cut-off %s', r.record_id, r.window_id, r.born_at, w.cutoff_at), r.amount
FROM records r LEFT JOIN windows w USING (window_id) WHERE w.window_id IS NULL OR r.born_at > w.cutoff_at
UNION ALL
SELECT format('record %s of window %s: changed %s, sealed %s', c.record_id, c.window_id, c.at, w.sealing_at), c.amount
FROM record_changes c JOIN windows w USING (window_id) WHERE c.at > w.cutoff_at OR c.at > w.sealing_at`

// A record belongs to the first window whose cut-off comes after its birth. The clocks of two processes may lie apart by a minute,
// then seals pause; within it a writer may come after the seal of a window whose cut-off has not come by its own clock.
const sqlWindowOrder = `
WITH w AS (
	SELECT *, lag(cutoff_at) OVER stream AS opens_at, lag(business_date) OVER stream AS date_before
	FROM windows WINDOW stream AS (PARTITION BY center_id, stream ORDER BY cutoff_at)
)
SELECT format('record %s of window %s: born %s, before the window opened at %s', r.record_id, r.window_id, r.born_at, w.opens_at), r.amount
FROM records r JOIN w USING (window_id) WHERE r.born_at < w.opens_at - interval '1 minute'
UNION ALL
SELECT format('window %s of center %s: business date %s, cut off after one of %s', window_id, center_id, business_date, date_before), 0
FROM w WHERE business_date < date_before`

// A file that was refused and then sent again may be answered once more.
const sqlReplies = `
SELECT format('file %s: %s replies applied', file_id, count(*)), 0::bigint FROM replies r WHERE state = 'applied' AND file_id IS NOT NULL
GROUP BY file_id HAVING count(*) > 1 + (SELECT count(*) FROM file_resends s WHERE s.file_id = r.file_id AND s.from_state = 'rejected')
UNION ALL
SELECT format('batch %s: answered by reply %s in state %s', b.batch_id, b.reply_id, r.state), 0
FROM batches b LEFT JOIN replies r USING (reply_id)
WHERE b.reply_id IS NOT NULL AND r.state IS DISTINCT FROM 'applied' OR b.state = 'replied' AND b.reply_id IS NULL
UNION ALL
SELECT format('reject of record %s: reply %s gave no verdict on a batch of window %s', j.record_id, j.reply_id, j.window_id), j.amount
FROM rejects j WHERE j.origin = 'center' AND NOT EXISTS (SELECT FROM batches b WHERE b.window_id = j.window_id AND b.currency = j.currency AND b.reply_id = j.reply_id)
UNION ALL
SELECT format('reject of record %s of %s: the record is of %s', j.record_id, j.amount, e.amount), j.amount - coalesce(e.amount, 0)
FROM rejects j LEFT JOIN (` + effective + ` SELECT * FROM effective) e USING (window_id, record_id, merchant_id) WHERE e.amount IS DISTINCT FROM j.amount`

// A reversal of an amount and its presentment are never both effective. Reversals of purchases name their slice and are
// left out, and so are those of payments that never succeeded.
const sqlReversed = effective + `, presented AS (
	SELECT merchant_id, order_id, sum(amount) AS amount FROM effective WHERE kind = 1 AND reject IS NULL GROUP BY 1, 2
), reversed AS (
	SELECT merchant_id, order_id, sum(amount) AS amount FROM transactions
	WHERE kind IN (3, 4) AND slice IS NULL AND state <> 3 GROUP BY 1, 2
)
SELECT format('order %s: %s reversed and %s presented of %s', order_id, r.amount, p.amount, o.authorized),
	(r.amount + coalesce(p.amount, 0) - o.authorized)::bigint
FROM orders o JOIN reversed r USING (merchant_id, order_id) LEFT JOIN presented p USING (merchant_id, order_id)
WHERE o.status = 2 AND r.amount + coalesce(p.amount, 0) > o.authorized`
