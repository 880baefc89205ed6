package audit

// What is marked as erased holds nothing of it any more, and nothing is missing that is not marked, or is still needed. The bytes of a file go in several
// transactions, the first of which marks it; a run that was cut off is gone on with by the next one, a day later.
const sqlErased = `
SELECT format('order %s was erased on %s and has its card, or a hash of it', order_id, card_erased_at::date), 0 FROM orders
WHERE card_erased_at IS NOT NULL AND (card <> '' OR fingerprint <> '')
UNION ALL
SELECT format('order %s has the mask of a card and not the card, and nobody erased it', order_id), 0 FROM orders
WHERE card_erased_at IS NULL AND card_mask <> '' AND card = ''
UNION ALL
SELECT format('order %s was erased on %s and tells of its buyer', order_id, personal_erased_at::date), 0 FROM orders o
WHERE personal_erased_at IS NOT NULL AND (details IS NOT NULL OR customer IS NOT NULL
	OR EXISTS (SELECT FROM cheques c WHERE (c.merchant_id, c.order_id) = (o.merchant_id, o.order_id) AND c.items <> '')
	OR EXISTS (SELECT FROM authentications a WHERE (a.merchant_id, a.order_id) = (o.merchant_id, o.order_id) AND a.browser <> ''))
UNION ALL
SELECT format('record %s of order %s lost its card before the verdict on its batch', record_id, order_id), 0
FROM records r JOIN windows w USING (window_id) LEFT JOIN batches b ON b.window_id = r.window_id AND b.currency = r.currency
WHERE r.card = '' AND (w.state IN ('open', 'sealing') OR b.state <> 'replied')
UNION ALL
SELECT format('file %s was erased on %s and has bytes', file_id, erased_at::date), 0 FROM files f
WHERE erased_at < @now::timestamptz - interval '3 days' AND EXISTS (SELECT FROM file_chunks c WHERE c.file_id = f.file_id)
UNION ALL
SELECT format('reply %s was erased on %s and has bytes', reply_id, erased_at::date), 0 FROM replies r
WHERE erased_at < @now::timestamptz - interval '3 days' AND EXISTS (SELECT FROM reply_chunks c WHERE c.reply_id = r.reply_id)`
