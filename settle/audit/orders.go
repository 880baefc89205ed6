package audit

const sqlAmounts = `
SELECT format('order %s: authorized %s, confirmed %s, released %s, refunded %s, pending %s', order_id, authorized, confirmed,
	released_cancel + released_deposit + released_expiry, refunded, refund_pending), 0
FROM orders
WHERE least(authorized, confirmed, released_cancel, released_deposit, released_expiry, refunded, refund_pending) < 0
	OR confirmed + released_cancel + released_deposit + released_expiry > authorized
	OR authorized > amount OR refunded > confirmed OR refund_pending > refunded`

// The releases are told apart by the operation that posted them (PR-M3, rule 3): a confirmation releases by AutoDeposit, a
// cancellation of reason 4 by expiry, any other by cancel.
const sqlOrderAmounts = `
WITH step AS (
	SELECT merchant_id, order_id, sum(amount) FILTER (WHERE kind = 100 AND state = 2) AS paid,
		sum(amount) FILTER (WHERE kind = 200 AND state = 2) AS confirmed, sum(refunded) AS refunded
	FROM operations GROUP BY 1, 2
), release AS (
	SELECT p.merchant_id, p.source_id AS order_id, sum(p.amount) FILTER (WHERE o.kind = 200) AS deposit,
		sum(p.amount) FILTER (WHERE o.kind = 300 AND o.reason = 4) AS expiry,
		sum(p.amount) FILTER (WHERE o.kind = 300 AND o.reason <> 4) AS cancel
	FROM postings p JOIN operations o ON o.merchant_id = p.merchant_id AND o.order_id = p.source_id AND o.operation = p.seq
	WHERE p.source = 1 AND p.rule = 3 GROUP BY 1, 2
), waiting AS (
	SELECT merchant_id, order_id, sum(amount) AS pending FROM transactions WHERE state IN (1, 7) AND slice IS NOT NULL GROUP BY 1, 2
)
SELECT format('order %s: %s is %s, its operations say %s', order_id, v.name, v.have, v.want), v.have - v.want
FROM orders o LEFT JOIN step s USING (merchant_id, order_id) LEFT JOIN release r USING (merchant_id, order_id)
	LEFT JOIN waiting w USING (merchant_id, order_id),
	LATERAL (VALUES
		('authorized', o.authorized, coalesce(s.paid, 0)::bigint),
		('confirmed', o.confirmed, coalesce(CASE WHEN o.two_stage THEN s.confirmed ELSE s.paid END, 0)::bigint),
		('released by cancel', o.released_cancel, coalesce(r.cancel, 0)::bigint),
		('released by AutoDeposit', o.released_deposit, coalesce(r.deposit, 0)::bigint),
		('released by expiry', o.released_expiry, coalesce(r.expiry, 0)::bigint),
		('refunded', o.refunded, coalesce(s.refunded, 0)::bigint),
		('refund pending', o.refund_pending, coalesce(w.pending, 0)::bigint)) AS v (name, have, want)
WHERE v.have <> v.want`

// A slice gives back by voids and reductions (beside its record), credits that were not given up, abandoned parts of its
// rejected record, and exchanges that were not declined. A slice without a record cleared by a single message.
const sqlSlices = effective + `, part AS (
	SELECT s.merchant_id, s.order_id, s.operation AS slice, s.amount - s.refunded AS left_over, s.amount AS confirmed, NULL::bigint AS sale, 0::bigint AS back
	FROM operations s JOIN orders o USING (merchant_id, order_id)
	WHERE s.state = 2 AND s.kind IN (100, 200) AND (s.kind = 200 OR NOT o.two_stage)
	UNION ALL
	SELECT merchant_id, order_id, slice, 0, 0, amount - coalesce(abandoned, 0), 0 FROM effective
	WHERE kind = 1 AND reject IS DISTINCT FROM 'superseded'
	UNION ALL
	SELECT merchant_id, order_id, slice, 0, 0, NULL, amount FROM effective WHERE kind = 2 AND (reject IS NULL OR reject = 'rejected')
	UNION ALL
	SELECT merchant_id, order_id, slice, 0, 0, NULL, amount FROM transactions WHERE slice IS NOT NULL AND state <> 3
), said AS (
	SELECT merchant_id, order_id, slice, sum(left_over) AS left_over, coalesce(sum(sale), sum(confirmed)) - sum(back) AS shown
	FROM part GROUP BY 1, 2, 3
)
SELECT format('order %s.%s: %s is left, records and exchanges say %s', order_id, slice, left_over, shown), (left_over - shown)::bigint
FROM said WHERE left_over <> shown OR left_over < 0`

// The event of a phase is its last digit; what an operation must have posted depends on its kind. A refund that was refused
// is undone (PR-20 = rule 42; PR-18p and PR-18n = rules 39 and 40, undone). A payment that waits for 3-D Secure or for the
// buyer's bank puts nothing in doubt: nothing was sent to a center.
const sqlOperationJournals = `
WITH posted AS (
	SELECT merchant_id, source_id AS order_id, seq AS operation,
		sum(amount) FILTER (WHERE rule IN (1, 6, 48, 52)) AS paid,
		sum(amount) FILTER (WHERE rule = 2) AS consumed,
		sum(amount) FILTER (WHERE rule = 4) AS doubted, sum(amount) FILTER (WHERE rule = 5) AS resolved,
		sum(CASE WHEN undo OR rule = 42 THEN -amount ELSE amount END)
			FILTER (WHERE rule IN (3, 7, 19, 35, 36, 37, 38, 39, 40, 42, 49)) AS given_back
	FROM postings WHERE source = 1 GROUP BY 1, 2, 3
), said AS (
	SELECT o.merchant_id, o.order_id, o.operation, o.kind, o.state, o.amount, coalesce(p.paid, 0) AS paid,
		coalesce(p.consumed, 0) AS consumed, coalesce(p.doubted, 0) AS doubted, coalesce(p.resolved, 0) AS resolved,
		coalesce(p.given_back, 0) AS given_back,
		EXISTS (SELECT FROM authentications a WHERE (a.merchant_id, a.order_id, a.operation) = (o.merchant_id, o.order_id, o.operation))
		OR EXISTS (SELECT FROM instant_payments i WHERE (i.merchant_id, i.order_id, i.operation) = (o.merchant_id, o.order_id, o.operation)) AS certain
	FROM operations o LEFT JOIN posted p USING (merchant_id, order_id, operation)
)
SELECT format('operation %s.%s of %s in state %s: paid %s, consumed %s, given back %s, doubted %s, resolved %s', order_id, operation,
	amount, state, paid, consumed, given_back, doubted, resolved), 0
FROM said WHERE NOT CASE
	WHEN kind = 100 THEN paid = CASE state WHEN 2 THEN amount ELSE 0 END AND given_back = 0 AND consumed = 0
		AND doubted = CASE WHEN state IN (1, 5) AND NOT certain OR doubted > 0 THEN amount ELSE 0 END
		AND resolved = CASE state WHEN 1 THEN 0 ELSE doubted END
	WHEN kind = 200 THEN state = 2 AND paid = amount AND consumed = amount AND given_back >= 0
	WHEN state = 2 THEN given_back = amount AND paid = 0
	WHEN state = 4 THEN given_back = 0 AND paid = 0
	ELSE given_back BETWEEN 0 AND amount AND paid = 0
END`

const sqlOrphans = `
SELECT format('operation %s.%s', order_id, operation), 0 FROM operations x
WHERE NOT EXISTS (SELECT FROM orders o WHERE (o.merchant_id, o.order_id) = (x.merchant_id, x.order_id))
UNION ALL
SELECT format('transaction %s/%s', order_id, transaction), amount FROM transactions x
WHERE NOT EXISTS (SELECT FROM operations o WHERE (o.merchant_id, o.order_id, o.operation) = (x.merchant_id, x.order_id, x.operation))
UNION ALL
SELECT format('owed exchange %s/%s', order_id, transaction), amount FROM owed_exchanges x
WHERE NOT EXISTS (SELECT FROM orders o WHERE (o.merchant_id, o.order_id) = (x.merchant_id, x.order_id))
UNION ALL
SELECT format('record %s of window %s', record_id, window_id), amount FROM records x
WHERE NOT EXISTS (SELECT FROM operations o WHERE (o.merchant_id, o.order_id, o.operation) = (x.merchant_id, x.order_id, x.operation))
UNION ALL
SELECT format('change %s of record %s', version, record_id), amount FROM record_changes x
WHERE NOT EXISTS (SELECT FROM records r WHERE (r.window_id, r.record_id, r.merchant_id) = (x.window_id, x.record_id, x.merchant_id))
UNION ALL
SELECT format('record %s named by operation %s.%s', record_id, order_id, operation), amount FROM operations x
WHERE record_id IS NOT NULL
	AND NOT EXISTS (SELECT FROM records r WHERE (r.window_id, r.record_id, r.merchant_id) = (x.window_id, x.record_id, x.merchant_id))
UNION ALL
SELECT format('posting by rule %s on %s.%s', rule, source_id, seq), amount FROM postings x
WHERE source = 1 AND NOT EXISTS (SELECT FROM operations o WHERE (o.merchant_id, o.order_id, o.operation) = (x.merchant_id, x.source_id, x.seq))`

var sqlHolds = `
WITH held AS (
	SELECT merchant_id, center_id, currency, sum(authorized - confirmed - released_cancel - released_deposit - released_expiry) AS amount
	FROM orders GROUP BY 1, 2, 3
), ledger AS (
	SELECT merchant_id, center_id, currency, sum(CASE WHEN debit = 9010 THEN amount ELSE -amount END) AS amount
	FROM postings WHERE 9010 IN (debit, credit) GROUP BY 1, 2, 3
)` + compare(`account 9010 is %s, the orders hold %s`, "held")

var sqlUnknownExposure = `
WITH unresolved AS (
	SELECT t.merchant_id, o.center_id, o.currency, sum(t.amount) AS amount
	FROM transactions t JOIN orders o USING (merchant_id, order_id) WHERE t.kind IN (1, 2) AND t.state IN (4, 8) GROUP BY 1, 2, 3
), ledger AS (
	SELECT merchant_id, center_id, currency, sum(CASE WHEN debit = 9020 THEN amount ELSE -amount END) AS amount
	FROM postings WHERE 9020 IN (debit, credit) GROUP BY 1, 2, 3
)` + compare(`account 9020 is %s, the payments of unknown outcome are %s`, "unresolved")

// What was asked for is what its hash is of. An order without a hash was written by nobody we know.
const sqlAsked = `
SELECT format('order %s of merchant %s is not what was asked for', order_id, merchant_id), 0 FROM orders
WHERE asked IS DISTINCT FROM what_was_asked(merchant_id, order_id, ordernumber, attempt, coalesce(original_amount, amount),
	coalesce(original_currency, currency), two_stage, customer, parent, details)
UNION ALL
SELECT format('the terms of subscription %s of merchant %s are not what was agreed', order_id, merchant_id), 0 FROM subscriptions
WHERE agreed IS DISTINCT FROM what_was_agreed(merchant_id, order_id, min_amount, max_amount, currency, period_days, last_date)`
