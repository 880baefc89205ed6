package audit

// An instant payment that was made is the payment of its order: an operation that took effect, of the same amount.
const sqlInstant = `
SELECT format('instant payment %s.%s in state %s: operation in state %s, payment of the order %s', i.order_id, i.operation, i.state, p.state, o.payment),
	i.amount
FROM instant_payments i LEFT JOIN orders o USING (merchant_id, order_id) LEFT JOIN operations p USING (merchant_id, order_id, operation)
WHERE NOT coalesce(CASE i.state
	WHEN 3 THEN p.state = 2 AND p.kind = 100 AND p.amount = i.amount AND o.payment = i.operation AND o.status = 2
	WHEN 4 THEN p.state = 5
	WHEN 5 THEN p.state = 4
	ELSE p.state = 1 AND o.status = 1 END, false)`

// An authentication that passed let its payment be sent: there is an exchange, or its outcome. One that waits let nothing out.
const sqlAuthenticated = `
SELECT format('authentication of %s.%s in state %s: %s exchanges of the operation', a.order_id, a.operation, a.state, sent.n), 0
FROM authentications a, LATERAL (
	SELECT (SELECT count(*) FROM transactions t WHERE (t.merchant_id, t.order_id, t.operation) = (a.merchant_id, a.order_id, a.operation) AND t.kind IN (1, 2))
		+ (SELECT count(*) FROM owed_exchanges w WHERE (w.merchant_id, w.order_id, w.operation) = (a.merchant_id, a.order_id, a.operation) AND w.kind IN (1, 2)) AS n) sent
WHERE sent.n <> CASE a.state WHEN 3 THEN 1 ELSE 0 END`

// What a subscription counts are its later payments that were paid; a payment in process has an order that may still be paid.
const sqlSubscriptions = `
WITH counted AS (
	SELECT p.merchant_id, p.parent, count(*) FILTER (WHERE p.state = 2) AS paid,
		count(*) FILTER (WHERE p.state = 2 AND o.status IS DISTINCT FROM 2 OR p.state = 3 AND (o.status = 1 OR o.status = 2 AND o.refunded < o.confirmed)
			OR o.parent IS DISTINCT FROM p.parent) AS odd
	FROM subscription_payments p LEFT JOIN orders o USING (merchant_id, order_id) GROUP BY 1, 2
)
SELECT format('subscription %s: %s later payments, %s were paid, %s do not fit their orders', coalesce(s.order_id, c.parent), s.payments, c.paid, c.odd), 0
FROM subscriptions s FULL JOIN counted c ON c.merchant_id = s.merchant_id AND c.parent = s.order_id
WHERE s.payments IS DISTINCT FROM coalesce(c.paid, 0) OR c.odd > 0
	OR s.state IN (2, 3) AND NOT EXISTS (SELECT FROM credentials k WHERE (k.merchant_id, k.credential_id) = (s.merchant_id, s.credential_id))`

// A wish of a paid order is done with the approval, which deletes it, or is due. A subscription that is not begun though its first
// payment stands has such a wish. A later payment that has ended is noted with its subscription.
const sqlWishes = `
SELECT format('order %s: paid, but wish %s waits since %s', w.order_id, w.kind, w.wished_at), o.amount
FROM wishes w JOIN orders o USING (merchant_id, order_id)
WHERE o.status = 2 AND coalesce(w.due_at < @now::timestamptz - @hold_slack::interval, true)
UNION ALL
SELECT format('order %s: paid, but the subscription with it is not begun', s.order_id), o.amount
FROM subscriptions s JOIN orders o USING (merchant_id, order_id) LEFT JOIN wishes w ON w.merchant_id = s.merchant_id AND w.order_id = s.order_id AND w.kind = 2
WHERE s.state = 1 AND w.order_id IS NULL AND (o.status = 1 OR o.status = 2 AND o.refunded < o.authorized)
UNION ALL
SELECT format('order %s: ended, but its subscription %s still waits for it', p.order_id, p.parent), o.amount
FROM subscription_payments p JOIN orders o USING (merchant_id, order_id) WHERE p.state = 1 AND o.status <> 1`
