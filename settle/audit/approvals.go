package audit

// The break of an approval that is not reversed is open: a person would not look otherwise. What a log says it made owed is
// there.
const sqlUnknownApprovals = `
SELECT format('approval %s of center %s: state %s, break opened %s, closed %s', u.exchange_id, u.center_id, u.state, b.opened_at, b.closed_at), u.amount
FROM unknown_approvals u LEFT JOIN breaks b USING (break_id)
WHERE b.break_id IS NULL OR b.center_id <> u.center_id OR b.amount <> u.amount OR u.state = 1 AND b.closed_at IS NOT NULL
UNION ALL
SELECT format('log %s: made %s reversals owed, %s are there', log_id, unknown, n), 0
FROM authorization_logs LEFT JOIN (SELECT log_id, count(*) AS n FROM unknown_approvals GROUP BY 1) u USING (log_id)
WHERE unknown <> coalesce(n, 0)`

const sqlUnknownKnown = `
SELECT format('order %s, transaction %s: approved, but reversed as unknown approval %s', t.order_id, t.transaction, u.exchange_id), u.amount
FROM unknown_approvals u JOIN transactions t ON t.exchange_id = u.exchange_id
WHERE t.kind IN (1, 2) AND t.state = 2 AND u.state <> 3
	AND NOT EXISTS (SELECT FROM transactions r WHERE r.merchant_id = t.merchant_id AND r.order_id = t.order_id AND r.original = t.transaction
		AND r.kind IN (3, 4) AND r.state = 2)
UNION ALL
SELECT format('order %s: waits for its outcome, but reversed as unknown approval %s', e.order_id, u.exchange_id), u.amount
FROM unknown_approvals u JOIN owed_exchanges e ON e.exchange_id = u.exchange_id WHERE e.kind IN (1, 2)`
