package retention

// judging makes the expression that tells why an order o is not erased: the first reason that holds. $1 is the end of the span, $2 now. An operation
// since is a use: the order is not due. A break is any that names the order: whoever closes it may have to give money back.
func judging(more string) string {
	return `CASE
	WHEN EXISTS (SELECT FROM operations p WHERE p.merchant_id = o.merchant_id AND p.order_id = o.order_id
			AND greatest(p.requested_at, p.completed_at) >= $1)
		THEN 'later'
	WHEN o.status = @OrderInProcess OR EXISTS (SELECT FROM instant_payments i
			WHERE i.merchant_id = o.merchant_id AND i.order_id = o.order_id AND i.poll_at IS NOT NULL)
		THEN 'open'
	WHEN o.hold_expires_at IS NOT NULL THEN 'hold'
	WHEN EXISTS (SELECT FROM owed_exchanges e WHERE e.merchant_id = o.merchant_id AND e.order_id = o.order_id) THEN 'owed'
	WHEN EXISTS (SELECT FROM transactions t WHERE t.merchant_id = o.merchant_id AND t.order_id = o.order_id
			AND t.state IN (@TransactionSent, @TransactionUnknown, @TransactionStuck, @TransactionApprovedLate))
		OR o.order_id IN (SELECT order_ref FROM unknown_approvals WHERE state <> @UnknownReversed)
		THEN 'unknown'
	WHEN EXISTS (SELECT FROM wishes x WHERE x.merchant_id = o.merchant_id AND x.order_id = o.order_id AND x.due_at IS NOT NULL) THEN 'wish'
	WHEN EXISTS (SELECT FROM rejects j WHERE j.merchant_id = o.merchant_id AND j.order_id = o.order_id AND j.state = @RejectUnresolved) THEN 'reject'
	WHEN EXISTS (SELECT FROM operations p JOIN windows w USING (window_id) LEFT JOIN batches b ON b.window_id = p.window_id AND b.currency = o.currency
			WHERE p.merchant_id = o.merchant_id AND p.order_id = o.order_id
				AND (w.state IN (@WindowOpen, @WindowSealing) OR b.state <> @BatchReplied))
		THEN 'clearing'
	WHEN o.order_id IN (SELECT order_ref FROM breaks WHERE closed_at IS NULL) THEN 'break'
	WHEN EXISTS (SELECT FROM notifications n WHERE n.merchant_id = o.merchant_id AND n.order_id = o.order_id AND n.state = @NotificationPending)
		THEN 'notification'` + more + `
	ELSE '' END`
}

// alive tells that a subscription s is gone on with at the instant $2.
const alive = `s.state IN (@SubscriptionActive, @SubscriptionSuspended) AND s.last_date >= ($2::timestamptz)::date`

// lives holds an order back whose subscription, or that of which it is a later payment, goes on: its buyer is told of the payments to come.
const lives = `
	WHEN EXISTS (SELECT FROM subscriptions s WHERE s.merchant_id = o.merchant_id AND s.order_id IN (o.order_id, o.parent) AND ` + alive + `)
		THEN 'subscription'`
