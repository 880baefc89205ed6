package audit

// An order is in process while its payment waits for an answer (owed, no operation yet), for 3-D Secure or the buyer's bank,
// or its outcome is unknown. An opened order is in process, and in the queue of open orders, until it is paid or closed. One
// that its shop canceled says so by an operation that moved nothing.
const sqlStatus = `
SELECT format('order %s: status %s, payment operation in state %s, transaction in state %s', o.order_id, o.status, p.state, t.state), 0
FROM orders o LEFT JOIN operations p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id AND p.operation = o.payment
	LEFT JOIN transactions t ON t.merchant_id = o.merchant_id AND t.order_id = o.order_id AND t.transaction = o.payment_transaction
	LEFT JOIN owed_exchanges w ON w.merchant_id = o.merchant_id AND w.order_id = o.order_id AND w.transaction = o.payment_transaction AND w.kind IN (1, 2)
	LEFT JOIN open_orders q ON q.merchant_id = o.merchant_id AND q.order_id = o.order_id
	LEFT JOIN authentications a ON a.merchant_id = o.merchant_id AND a.order_id = o.order_id AND a.operation = o.payment
	LEFT JOIN instant_payments i ON i.merchant_id = o.merchant_id AND i.order_id = o.order_id AND i.operation = o.payment
WHERE NOT CASE o.status
	WHEN 1 THEN (q.pay_before = o.pay_before) IS NOT DISTINCT FROM (CASE WHEN o.pay_before IS NOT NULL THEN true END) AND CASE
		WHEN w.kind IS NOT NULL THEN t.state IS NULL AND (p.state IS NULL OR p.state = 1 AND a.state = 3)
		WHEN o.payment = 0 THEN p.state IS NULL AND o.pay_before IS NOT NULL
		WHEN p.state = 1 THEN coalesce(t.state IN (4, 8), t.state IS NULL AND (a.state IN (1, 2) OR i.state IN (1, 2)))
		WHEN p.state IN (4, 5) THEN o.tries_left > 0 AND o.pay_before IS NOT NULL AND coalesce(t.state, 3) = 3
		ELSE false END
	WHEN 2 THEN coalesce(p.state = 2 AND t.state = 2, false) AND w.kind IS NULL
	WHEN 3 THEN w.kind IS NULL AND (coalesce(p.state = 4 AND coalesce(t.state, 3) = 3 OR p.state = 5 AND coalesce(t.state, 6) = 6, false)
		OR p.state IS NULL AND o.payment = 0)
	WHEN 5 THEN w.kind IS NULL AND coalesce(p.state IN (4, 5), o.payment = 0) AND coalesce(t.state, 3) = 3 AND EXISTS (SELECT FROM operations c
		WHERE c.merchant_id = o.merchant_id AND c.order_id = o.order_id AND c.kind = 300 AND c.state = 2 AND c.amount = 0)
	ELSE w.kind IS NULL AND coalesce(p.state IN (4, 5), o.payment = 0) AND coalesce(t.state, 3) = 3
END OR o.status <> 1 AND q.order_id IS NOT NULL`

const sqlNumbers = `
WITH counted AS (
	SELECT o.merchant_id, o.order_id, o.operations, o.transactions, (w.order_id IS NOT NULL)::int AS sent,
		(w.order_id IS NOT NULL AND a.order_id IS NULL)::int AS begun, p.n AS p_n, p.last AS p_last, t.n AS t_n, t.last AS t_last
	FROM orders o
		LEFT JOIN (SELECT merchant_id, order_id, count(*) AS n, max(operation) AS last FROM operations GROUP BY 1, 2) p USING (merchant_id, order_id)
		LEFT JOIN (SELECT merchant_id, order_id, count(*) AS n, max(transaction) AS last FROM transactions GROUP BY 1, 2) t USING (merchant_id, order_id)
		LEFT JOIN owed_exchanges w ON w.merchant_id = o.merchant_id AND w.order_id = o.order_id AND w.kind IN (1, 2)
		LEFT JOIN authentications a ON a.merchant_id = w.merchant_id AND a.order_id = w.order_id AND a.operation = w.operation
)
SELECT format('order %s: %s operations up to %s of %s, %s transactions up to %s of %s', order_id, p_n, p_last, operations, t_n, t_last, transactions), 0
FROM counted
WHERE coalesce(p_n, 0) <> operations - begun OR coalesce(p_last, 0) <> operations - begun
	OR coalesce(t_n, 0) <> transactions - sent OR coalesce(t_last, 0) <> transactions - sent`

const sqlOpenHolds = `
SELECT format('order %s: holds %s, until %s; in the queue until %s', coalesce(o.order_id, h.order_id), o.hold, o.hold_expires_at, h.expires_at),
	coalesce(o.hold, 0)
FROM (SELECT merchant_id, order_id, center_id, hold_expires_at, authorized - confirmed - released_cancel - released_deposit - released_expiry AS hold
		FROM orders) o
	FULL JOIN open_holds h ON h.merchant_id = o.merchant_id AND h.order_id = o.order_id
WHERE (o.hold > 0 OR o.hold_expires_at IS NOT NULL OR h.order_id IS NOT NULL)
	AND NOT coalesce(o.hold > 0 AND o.hold_expires_at = h.expires_at AND o.center_id = h.center_id, false)`

const sqlStaleHolds = `
SELECT format('order %s: %s held, expired at %s', order_id, authorized - confirmed - released_cancel - released_deposit - released_expiry, hold_expires_at),
	authorized - confirmed - released_cancel - released_deposit - released_expiry
FROM orders WHERE hold_expires_at < @now::timestamptz - @hold_slack::interval`

// The message on the way is a reversal, or the refund of a purchase that had cleared; a parked one has a break.
const sqlUnknownOwed = `
SELECT format('order %s: %s of unknown outcome since %s', order_id, amount, transmitted_at), amount
FROM transactions t
WHERE kind IN (1, 2) AND state IN (4, 8)
	AND NOT EXISTS (SELECT FROM owed_exchanges w WHERE w.merchant_id = t.merchant_id AND w.order_id = t.order_id AND w.original = t.transaction AND w.kind IN (3, 5))
	AND NOT EXISTS (SELECT FROM transactions s WHERE s.merchant_id = t.merchant_id AND s.order_id = t.order_id AND s.original = t.transaction AND s.state = 7)`

const sqlStaleIntents = `
SELECT format('order %s: payment of %s was to be given up at %s', order_id, amount, due_at), amount
FROM owed_exchanges WHERE kind IN (1, 2) AND due_at < @now::timestamptz - @intent_slack::interval`

const sqlOwed = `
SELECT format('order %s, transaction %s: state %s, owed kind %s', coalesce(t.order_id, w.order_id), coalesce(t.transaction, w.transaction), t.state, w.kind),
	coalesce(t.amount, w.amount)
FROM (SELECT * FROM transactions WHERE state = 1) t
	FULL JOIN (SELECT * FROM owed_exchanges WHERE kind NOT IN (1, 2)) w
	ON w.merchant_id = t.merchant_id AND w.order_id = t.order_id AND w.transaction = t.transaction
WHERE (t.operation, t.kind, t.amount, t.exchange_id) IS DISTINCT FROM (w.operation, w.kind, w.amount, w.exchange_id)`

var sqlRefundsInFlight = `
WITH asked AS (
	SELECT t.merchant_id, o.center_id, o.currency, sum(t.amount) AS amount
	FROM transactions t JOIN orders o USING (merchant_id, order_id)
	WHERE t.kind = 5 AND t.slice IS NOT NULL AND t.state IN (1, 7) GROUP BY 1, 2, 3
), ledger AS (
	SELECT merchant_id, center_id, currency, sum(CASE WHEN credit = 2050 THEN amount ELSE -amount END) AS amount
	FROM postings WHERE 2050 IN (debit, credit) GROUP BY 1, 2, 3
)` + compare(`account 2050 is %s, the refunds without an answer are %s`, "asked")
