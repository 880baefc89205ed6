-- The chart of accounts and the posting rules as rows, and the ledger with names for people.

-- +goose Up

INSERT INTO accounts (code, name, side, ledger) VALUES
	(1010, 'Settlement bank account', 'debit', 'financial'),
	(1100, 'Center receivable: captured, not submitted', 'debit', 'financial'),
	(1110, 'Center receivable: submitted, no verdict', 'debit', 'financial'),
	(1120, 'Center receivable: accepted, awaiting settlement', 'debit', 'financial'),
	(1130, 'Rejected clearing items', 'debit', 'financial'),
	(1150, 'Merchant receivable', 'debit', 'financial'),
	(1190, 'Suspense: unidentified debits', 'debit', 'financial'),
	(1200, 'Fees receivable', 'debit', 'financial'),
	(2010, 'Merchant payable: pending', 'credit', 'financial'),
	(2020, 'Merchant payable: available', 'credit', 'financial'),
	(2030, 'Payouts in transit', 'credit', 'financial'),
	(2040, 'Merchant reserve', 'credit', 'financial'),
	(2050, 'Online refunds in flight', 'credit', 'financial'),
	(2060, 'Disputed funds held', 'credit', 'financial'),
	(2070, 'Scheme and processing fees payable', 'credit', 'financial'),
	(2080, 'Tax on fees payable', 'credit', 'financial'),
	(2090, 'Suspense: unidentified receipts', 'credit', 'financial'),
	(3900, 'FX position', 'debit', 'financial'),
	(4010, 'MDR income', 'credit', 'financial'),
	(4020, 'Gateway and per-item fee income', 'credit', 'financial'),
	(4030, 'Dispute fee income', 'credit', 'financial'),
	(4040, 'FX gains', 'credit', 'financial'),
	(4050, 'Reconciliation gains', 'credit', 'financial'),
	(5010, 'Interchange', 'debit', 'financial'),
	(5020, 'Scheme fees', 'debit', 'financial'),
	(5030, 'Processing-center fees', 'debit', 'financial'),
	(5040, 'Merchant bad debt and dispute losses', 'debit', 'financial'),
	(5050, 'Reconciliation write-offs', 'debit', 'financial'),
	(5060, 'FX losses', 'debit', 'financial'),
	(9010, 'Memo: authorized holds', 'debit', 'memo'),
	(9019, 'Memo: holds contra', 'credit', 'memo'),
	(9020, 'Memo: unknown-outcome exposure', 'debit', 'memo'),
	(9029, 'Memo: unknown contra', 'credit', 'memo');
INSERT INTO posting_rules (rule, name, debit, credit, event) VALUES
	(1, 'PR-M1', 9010, 9019, 'hold placed'),
	(2, 'PR-M2', 9019, 9010, 'hold consumed by a confirmation'),
	(3, 'PR-M3', 9019, 9010, 'hold released'),
	(4, 'PR-M4', 9020, 9029, 'outcome unknown'),
	(5, 'PR-M5', 9029, 9020, 'unknown outcome resolved'),
	(6, 'PR-01', 1100, 2010, 'slice confirmed'),
	(7, 'PR-02', 2010, 1100, 'voided or reduced before the seal'),
	(8, 'PR-03s', 1110, 1100, 'batch sealed: sales'),
	(9, 'PR-03c', 1100, 1110, 'batch sealed: credits'),
	(10, 'PR-04s', 1100, 1110, 'unsent file voided: sales'),
	(11, 'PR-04c', 1110, 1100, 'unsent file voided: credits'),
	(12, 'PR-05s', 1120, 1110, 'sales accepted'),
	(13, 'PR-05c', 1110, 1120, 'credits accepted'),
	(14, 'PR-05r', 2010, 1120, 'financial transaction withdrawn'),
	(15, 'PR-06s', 1130, 1110, 'sales rejected'),
	(16, 'PR-06c', 1110, 1130, 'credits rejected'),
	(17, 'PR-07s', 1100, 1130, 'sale presented again'),
	(18, 'PR-07c', 1130, 1100, 'credit presented again'),
	(19, 'PR-08a', 2010, 1130, 'rejected sale abandoned, merchant bears'),
	(20, 'PR-08w', 5050, 1130, 'rejected sale abandoned, we bear'),
	(21, 'PR-08b', 1130, 2020, 'rejected credit abandoned'),
	(22, 'PR-09i', 5010, 1120, 'interchange accrued, netted'),
	(23, 'PR-09s', 5020, 1120, 'scheme fee accrued, netted'),
	(24, 'PR-09p', 5030, 1120, 'processing fee accrued, netted'),
	(25, 'PR-09iv', 5010, 2070, 'interchange accrued, invoiced'),
	(26, 'PR-09sv', 5020, 2070, 'scheme fee accrued, invoiced'),
	(27, 'PR-09pv', 5030, 2070, 'processing fee accrued, invoiced'),
	(28, 'PR-10n', 2010, 4010, 'MDR, net'),
	(29, 'PR-10g', 1200, 4010, 'MDR, invoiced'),
	(30, 'PR-11', 1010, 1120, 'settlement received'),
	(31, 'PR-11m', 1120, 1010, 'settlement paid'),
	(32, 'PR-13', 2010, 2020, 'funding'),
	(33, 'PR-14', 2020, 2030, 'payout instructed'),
	(34, 'PR-15', 2030, 1010, 'payout debited'),
	(35, 'PR-17', 2020, 1100, 'refund queued for a file'),
	(36, 'PR-17p', 2010, 1100, 'refund queued for a file, sale not funded'),
	(37, 'PR-17n', 1150, 1100, 'refund queued for a file, funds short'),
	(38, 'PR-18', 2020, 2050, 'online refund requested'),
	(39, 'PR-18p', 2010, 2050, 'online refund requested, sale not funded'),
	(40, 'PR-18n', 1150, 2050, 'online refund requested, funds short'),
	(41, 'PR-19', 2050, 1120, 'online refund confirmed'),
	(42, 'PR-20', 2050, 2020, 'online refund declined'),
	(43, 'PR-21', 4010, 2020, 'MDR returned on a refund'),
	(44, 'PR-21p', 4010, 2010, 'MDR returned on a refund, sale not funded'),
	(45, 'PR-22', 1120, 5010, 'interchange credit on an accepted refund'),
	(46, 'PR-28', 2010, 2040, 'reserve withheld'),
	(47, 'PR-29', 2040, 2020, 'reserve released'),
	(48, 'PR-36', 1120, 2010, 'single-message purchase approved'),
	(49, 'PR-37', 2010, 1120, 'single-message purchase reversed'),
	(50, 'PR-12p', 5030, 1120, 'true-up of processing fees'),
	(51, 'open', 1010, 2020, 'opening balance');

-- journal_lines: every posting with the names of its rule and accounts. phase is the event; transaction the exchange that
-- brought it, null for none.
CREATE VIEW journal_lines AS
SELECT p.merchant_id, (ARRAY['order', 'batch', 'reply', 'manual', 'record'])[p.source] AS source, p.source_id, p.seq,
	(ARRAY['done', 'unknown', 'resolved', 'answered', 'refused', 'verdict', 'release'])[p.phase % 10 + 1] AS event,
	nullif(p.phase / 10, 0) AS transaction, p.line, r.name AS rule, r.event AS what, p.undo,
	p.debit, d.name AS debit_name, p.credit, c.name AS credit_name, p.amount, p.currency, p.center_id, p.at, p.accounting_date
FROM postings p
	LEFT JOIN posting_rules r ON r.rule = p.rule
	LEFT JOIN accounts d ON d.code = p.debit
	LEFT JOIN accounts c ON c.code = p.credit;

-- journals: one row per journal, the postings that share a business key.
CREATE VIEW journals AS
SELECT merchant_id, (ARRAY['order', 'batch', 'reply', 'manual', 'record'])[source] AS source, source_id, seq,
	(ARRAY['done', 'unknown', 'resolved', 'answered', 'refused', 'verdict', 'release'])[phase % 10 + 1] AS event,
	nullif(phase / 10, 0) AS transaction, currency, min(at) AS at, min(accounting_date) AS accounting_date,
	count(*) AS lines, sum(amount)::bigint AS turnover
FROM postings
GROUP BY merchant_id, source, source_id, seq, phase, currency;

GRANT SELECT ON journal_lines, journals TO settled_app;
REVOKE INSERT, UPDATE, DELETE ON journal_lines, journals FROM settled_app;
