package audit

// counted is every record that was in a batch, with its fees at the prices that the seal noted for its contract. What a credit gives back was
// decided when it was asked for; one from before that was so has its own share.
const counted = `
WITH change AS (
	SELECT DISTINCT ON (window_id, record_id, merchant_id) window_id, record_id, merchant_id, amount
	FROM record_changes ORDER BY window_id, record_id, merchant_id, version DESC
), counted AS (
	SELECT t.batch_id, b.reply_id, t.merchant_id, t.kind, t.contract_id, b.center_id, b.currency, j.record_id IS NOT NULL AS rejected,
		coalesce(r.interchange_back, (x.amount * t.interchange_bps + 5000) / 10000) AS interchange,
		CASE t.kind WHEN 1 THEN (x.amount * t.scheme_bps + 5000) / 10000 ELSE 0 END AS scheme,
		t.processing_each AS processing,
		coalesce(r.mdr_back, (x.amount * t.mdr_bps + 5000) / 10000) AS mdr
	FROM records r LEFT JOIN change c USING (window_id, record_id, merchant_id) LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
		CROSS JOIN LATERAL (SELECT coalesce(c.amount, r.amount)::numeric AS amount) x
		JOIN batches b ON b.window_id = r.window_id AND b.currency = r.currency
		JOIN batch_totals t ON t.batch_id = b.batch_id AND t.merchant_id = r.merchant_id AND t.kind = r.kind AND t.contract_id = r.contract_id
	WHERE x.amount > 0 AND j.origin IS DISTINCT FROM 'hold'
), fee AS (
	SELECT batch_id, reply_id, merchant_id, kind, contract_id, center_id, currency, rejected, name, trunc(value)::bigint AS amount
	FROM counted, LATERAL (VALUES ('interchange', interchange::numeric), ('scheme fee', scheme::numeric), ('processing', processing::numeric), ('MDR', mdr::numeric)) v (name, value)
)`

// Each record's fee is cut off after a half was added to it.
const sqlFeeTotals = counted + `, summed AS (
	SELECT batch_id, merchant_id, kind, contract_id, name, sum(amount)::bigint AS amount FROM fee GROUP BY 1, 2, 3, 4, 5
), said AS (
	SELECT batch_id, merchant_id, kind, contract_id, v.name, v.amount
	FROM batch_totals, LATERAL (VALUES ('interchange', interchange), ('scheme fee', scheme), ('processing', processing), ('MDR', mdr)) v (name, amount)
)
SELECT format('batch %s, merchant %s, kind %s: %s of %s, its records come to %s', batch_id, merchant_id, kind, name, s.amount, f.amount),
	coalesce(s.amount, 0) - coalesce(f.amount, 0)
FROM said s FULL JOIN summed f USING (batch_id, merchant_id, kind, contract_id, name)
WHERE coalesce(s.amount, 0) <> coalesce(f.amount, 0)`

// The fees of what a reply accepted are posted with it: costs and price of sales, costs of credits, what credits bring back.
// What they return of the price is posted only where the contract says so, and then exactly.
const sqlFeePostings = counted + `, accepted AS (
	SELECT reply_id, merchant_id, center_id, currency, CASE WHEN kind = 2 AND name IN ('interchange', 'MDR') THEN name || ' back' ELSE name END AS name,
		sum(amount)::bigint AS amount
	FROM fee WHERE reply_id IS NOT NULL AND NOT rejected GROUP BY 1, 2, 3, 4, 5
), posted AS (
	SELECT p.source_id AS reply_id, p.merchant_id, p.center_id, p.currency, CASE
		WHEN r.name = 'PR-22' OR r.name = 'PR-09iv' AND p.undo THEN 'interchange back'
		WHEN r.name IN ('PR-09i', 'PR-09iv') THEN 'interchange' WHEN r.name IN ('PR-09s', 'PR-09sv') THEN 'scheme fee'
		WHEN r.name IN ('PR-09p', 'PR-09pv') THEN 'processing' WHEN r.name IN ('PR-10n', 'PR-10g') THEN 'MDR'
		ELSE 'MDR back' END AS name, sum(p.amount)::bigint AS amount
	FROM postings p JOIN posting_rules r USING (rule)
	WHERE p.source = 3 AND r.name IN ('PR-22', 'PR-09i', 'PR-09iv', 'PR-09s', 'PR-09sv', 'PR-09p', 'PR-09pv', 'PR-10n', 'PR-10g', 'PR-21', 'PR-21p')
	GROUP BY 1, 2, 3, 4, 5
)
SELECT format('reply %s, merchant %s, center %s, currency %s: %s of %s posted, accepted were %s', reply_id, merchant_id, center_id, currency, name, p.amount, a.amount),
	coalesce(p.amount, 0) - coalesce(a.amount, 0)
FROM accepted a FULL JOIN posted p USING (reply_id, merchant_id, center_id, currency, name)
WHERE coalesce(p.amount, 0) <> coalesce(a.amount, 0) AND NOT (name = 'MDR back' AND p.amount IS NULL)`

// A posting is of the currency and the center of its cause. An exposure may be of a center that the order has left since.
const sqlPostingCauses = `
SELECT format('posting by rule %s on order %s.%s: center %s and currency %s, the order has %s and %s', p.rule, p.source_id, p.seq, p.center_id, p.currency,
	o.center_id, o.currency), p.amount
FROM postings p JOIN orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.source_id
WHERE p.source = 1 AND p.rule NOT IN (4, 5) AND (p.center_id, p.currency) IS DISTINCT FROM (o.center_id, o.currency)
UNION ALL
SELECT format('posting by rule %s on batch %s: center %s and currency %s, the batch has %s and %s', p.rule, p.source_id, p.center_id, p.currency, b.center_id, b.currency),
	p.amount
FROM postings p LEFT JOIN batches b ON b.batch_id = p.source_id
WHERE p.source = 2 AND (p.center_id, p.currency) IS DISTINCT FROM (b.center_id, b.currency)`

// What a slice has given back is the sum of its refunds that stand, and never more than the fees of its sale. An answered online
// refund returned exactly its share, where it returned any.
const sqlSharesBack = `
WITH part AS (
	SELECT r.merchant_id, r.order_id, r.slice, r.interchange_back AS interchange, r.mdr_back AS mdr
	FROM records r LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
	WHERE r.kind = 2 AND r.mdr_back IS NOT NULL AND coalesce(j.state, 'rejected') = 'rejected'
	UNION ALL
	SELECT merchant_id, order_id, slice, 0, mdr_back FROM transactions WHERE kind = 5 AND slice IS NOT NULL AND mdr_back IS NOT NULL AND state <> 3
), given AS (
	SELECT merchant_id, order_id, slice AS operation, sum(interchange) AS interchange, sum(mdr) AS mdr FROM part GROUP BY 1, 2, 3
), posted AS (
	SELECT merchant_id, source_id AS order_id, seq AS operation, (phase / 10)::smallint AS transaction, sum(amount) AS mdr
	FROM postings WHERE source = 1 AND rule IN (SELECT rule FROM posting_rules WHERE name IN ('PR-21', 'PR-21p')) GROUP BY 1, 2, 3, 4
)
SELECT format('slice %s.%s gives back MDR of %s and interchange of %s, its refunds %s and %s', order_id, operation, o.mdr_back, o.interchange_back, g.mdr, g.interchange),
	(o.mdr_back + o.interchange_back - coalesce(g.mdr + g.interchange, 0))::bigint
FROM (SELECT merchant_id, order_id, operation, mdr_back, interchange_back FROM operations WHERE mdr_back > 0 OR interchange_back > 0) o
	FULL JOIN given g USING (merchant_id, order_id, operation)
WHERE (coalesce(o.mdr_back, 0), coalesce(o.interchange_back, 0)) IS DISTINCT FROM (coalesce(g.mdr, 0)::bigint, coalesce(g.interchange, 0)::bigint)
UNION ALL
SELECT format('online refund %s/%s returned %s, its share is %s', p.order_id, p.transaction, p.mdr, t.mdr_back), (p.mdr - coalesce(t.mdr_back, 0))::bigint
FROM posted p LEFT JOIN transactions t USING (merchant_id, order_id, transaction)
WHERE p.mdr IS DISTINCT FROM t.mdr_back`

// The payment of an order and its exchange are of the amount of the order.
const sqlPaymentAmounts = `
SELECT format('order %s of %s: its payment is of %s, the exchange of %s', o.order_id, o.amount, p.amount, t.amount), o.amount - coalesce(nullif(p.amount, o.amount), t.amount, p.amount)
FROM orders o LEFT JOIN operations p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id AND p.operation = o.payment
	LEFT JOIN transactions t ON t.merchant_id = o.merchant_id AND t.order_id = o.order_id AND t.transaction = o.payment_transaction
WHERE p.amount <> o.amount OR t.amount <> o.amount`

// A record that is presented again is what was left of the rejected one.
const sqlPresentedAgain = `
SELECT format('record %s of %s presents %s again, of which %s was left', n.record_id, n.amount, n.supersedes, j.amount - j.abandoned), n.amount - coalesce(j.amount - j.abandoned, 0)
FROM records n LEFT JOIN rejects j ON j.record_id = n.supersedes AND j.merchant_id = n.merchant_id AND j.order_id = n.order_id
WHERE n.supersedes IS NOT NULL AND (j.state IS DISTINCT FROM 'superseded' OR n.amount <> j.amount - j.abandoned)`

// Who sells by a single message, or is paid from account to account, owes the costs and the price of the contract at once.
const sqlFeesAtOnce = `
WITH sold AS (
	SELECT t.merchant_id, t.order_id, t.operation, v.name, trunc(v.amount)::bigint AS amount
	FROM transactions t JOIN contracts c USING (merchant_id, contract_id), LATERAL (VALUES
		('interchange', (t.amount::numeric * c.interchange_bps + 5000) / 10000), ('scheme fee', (t.amount::numeric * c.scheme_bps + 5000) / 10000),
		('processing', c.processing), ('MDR', (t.amount::numeric * c.mdr_bps + 5000) / 10000)) v (name, amount)
), posted AS (
	SELECT p.merchant_id, p.source_id AS order_id, p.seq AS operation, CASE
		WHEN r.name IN ('PR-09i', 'PR-09iv') THEN 'interchange' WHEN r.name IN ('PR-09s', 'PR-09sv') THEN 'scheme fee'
		WHEN r.name IN ('PR-09p', 'PR-09pv') THEN 'processing' ELSE 'MDR' END AS name, sum(p.amount)::bigint AS amount
	FROM postings p JOIN posting_rules r USING (rule)
	WHERE p.source = 1 AND NOT p.undo AND r.name IN ('PR-09i', 'PR-09iv', 'PR-09s', 'PR-09sv', 'PR-09p', 'PR-09pv', 'PR-10n', 'PR-10g')
		AND NOT EXISTS (SELECT FROM transactions t -- from before transactions had a contract
			WHERE (t.merchant_id, t.order_id, t.operation) = (p.merchant_id, p.source_id, p.seq) AND t.kind = 2 AND t.contract_id = 0)
	GROUP BY 1, 2, 3, 4
)
SELECT format('payment %s.%s of merchant %s: %s of %s posted, its contract says %s', order_id, operation, merchant_id, name, coalesce(p.amount, 0), coalesce(s.amount, 0)),
	coalesce(p.amount, 0) - coalesce(s.amount, 0)
FROM sold s FULL JOIN posted p USING (merchant_id, order_id, operation, name)
WHERE coalesce(p.amount, 0) <> coalesce(s.amount, 0)`

// What is undone of an order was posted with it, each line once: by the same rule, of the same amount.
const sqlUndone = `
SELECT format('order %s: %s postings of %s by rule %s are undone, %s were made', source_id, count(*) FILTER (WHERE undo), amount, rule,
	count(*) FILTER (WHERE NOT undo)), amount * (count(*) FILTER (WHERE undo) - count(*) FILTER (WHERE NOT undo))
FROM postings WHERE source = 1 GROUP BY merchant_id, source_id, rule, amount
HAVING count(*) FILTER (WHERE undo) > count(*) FILTER (WHERE NOT undo)`
