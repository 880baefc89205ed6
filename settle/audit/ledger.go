package audit

// Rules are data in posting_rules; a migration writes them and a test compares them with the rules of package ledger.
const sqlRuleAccounts = `
SELECT format('posting %s/%s/%s/%s/%s/%s by %s: %s to %s', p.merchant_id, p.source, p.source_id, p.seq, p.phase, p.line,
	coalesce(r.name, 'no rule'), p.debit, p.credit), p.amount, CASE WHEN p.debit >= 9000 THEN 'memo' ELSE 'financial' END, p.currency
FROM postings p LEFT JOIN posting_rules r USING (rule)
WHERE r.rule IS NULL OR (p.debit, p.credit) IS DISTINCT FROM
	(CASE WHEN p.undo THEN r.credit ELSE r.debit END, CASE WHEN p.undo THEN r.debit ELSE r.credit END)`

// Rights are read from the catalog; a superuser has them all and is found too.
const sqlAppendOnly = `
WITH guarded (relation, privilege) AS (
	SELECT relation, privilege FROM unnest('{postings,records,record_changes,balances,rolled_days,batch_totals,file_chunks,reply_chunks,file_resends,replans,erasures,events}'::text[]) relation,
		unnest('{UPDATE,DELETE,TRUNCATE}'::text[]) privilege
	UNION ALL
	SELECT relation, privilege FROM unnest('{accounts,posting_rules}'::text[]) relation,
		unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) privilege
)
SELECT format('%s may %s %s', @role::text, privilege, relation), 0
FROM guarded JOIN pg_roles ON rolname = @role::text
WHERE has_table_privilege(rolname, relation, privilege)
	OR privilege IN ('INSERT', 'UPDATE') AND has_any_column_privilege(rolname, relation, privilege)
UNION ALL
SELECT format('there is no role %s', @role::text), 0 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = @role::text)`

// legs is the turnover per account: roll-ups of finished days, postings of the others.
const legs = `
WITH legs (code, currency, debit, credit) AS (
	SELECT code, currency, debit, credit FROM balances
	UNION ALL
	SELECT leg.code, p.currency, leg.debit, leg.credit
	FROM postings p, LATERAL (VALUES (p.debit, p.amount, 0::bigint), (p.credit, 0::bigint, p.amount)) AS leg (code, debit, credit)
	WHERE NOT EXISTS (SELECT FROM rolled_days d WHERE d.accounting_date = p.accounting_date)
)`

const sqlTrialBalance = legs + `
SELECT format('%s ledger, currency %s: debits %s, credits %s', ledger, currency, sum(debit), sum(credit)), (sum(debit) - sum(credit))::bigint,
	ledger, currency
FROM legs, LATERAL (SELECT CASE WHEN code >= 9000 THEN 'memo' ELSE 'financial' END) AS part (ledger)
GROUP BY ledger, currency`

const sqlBalances = `
WITH posted AS (
	SELECT p.accounting_date, p.merchant_id, leg.code, p.center_id, p.currency, sum(leg.debit)::bigint AS debit, sum(leg.credit)::bigint AS credit
	FROM postings p JOIN rolled_days USING (accounting_date),
		LATERAL (VALUES (p.debit, p.amount, 0::bigint), (p.credit, 0::bigint, p.amount)) AS leg (code, debit, credit)
	GROUP BY 1, 2, 3, 4, 5
)
SELECT format('%s, merchant %s, account %s, center %s, currency %s: rolled up %s/%s, posted %s/%s', accounting_date, merchant_id, code,
		center_id, currency, b.debit, b.credit, p.debit, p.credit),
	coalesce(b.debit, 0) - coalesce(p.debit, 0) - coalesce(b.credit, 0) + coalesce(p.credit, 0)
FROM balances b FULL JOIN posted p USING (accounting_date, merchant_id, code, center_id, currency)
WHERE (b.debit, b.credit) IS DISTINCT FROM (p.debit, p.credit)`

// A rolled day is closed: its count may not grow, and no day before the last rolled one may have been passed over.
const sqlRolledDays = `
WITH day AS (SELECT accounting_date, count(*) AS postings FROM postings GROUP BY 1)
SELECT format('%s: %s postings, %s when it was rolled up', accounting_date, coalesce(p.postings, 0), coalesce(d.postings::text, 'none')),
	coalesce(p.postings, 0) - coalesce(d.postings, 0)
FROM rolled_days d FULL JOIN day p USING (accounting_date)
WHERE coalesce(p.postings, 0) IS DISTINCT FROM d.postings
	AND accounting_date <= (SELECT max(accounting_date) FROM rolled_days)`

const sqlFunds = `
WITH ledger AS (
	SELECT merchant_id, currency, sum(CASE WHEN credit = 2020 THEN amount ELSE -amount END)::bigint AS available
	FROM postings WHERE 2020 IN (debit, credit) GROUP BY 1, 2
)
SELECT format('merchant %s, currency %s: kept %s, account 2020 says %s', merchant_id, currency, f.available, l.available),
	coalesce(f.available, 0) - coalesce(l.available, 0), '', currency
FROM funds f FULL JOIN ledger l USING (merchant_id, currency)`
