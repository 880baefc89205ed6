package audit

import (
	"context"
	"fmt"
	"strconv"

	"settled/internal/vault"
	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// FreeText is a column that holds what somebody said in words, or what a merchant or buyer may fill in as they like.
type FreeText struct {
	Table, Column string
	Name          string // in SQL: what names a row
}

// FreeTexts are all free texts of the books. Identifiers are none: what a number in one of them is, only who gave it knows.
var FreeTexts = []FreeText{
	{"orders", "details", "'order ' || order_id"},
	{"operations", "note", "format('operation %s.%s', order_id, operation)"},
	{"owed_exchanges", "last_error", "'owed message of order ' || order_id"},
	{"cheques", "items", "'cheque of order ' || order_id"},
	{"authentications", "browser", "'3-D Secure of order ' || order_id"},
	{"instant_payments", "last_error", "'instant payment of order ' || order_id"},
	{"notifications", "last_error", "'notification of order ' || order_id"},
	{"notifications", "first_code", "'notification of order ' || order_id"},
	{"notifications", "second_code", "'notification of order ' || order_id"},
	{"wishes", "last_error", "'wish of order ' || order_id"},
	{"unknown_approvals", "last_error", "'unknown approval ' || exchange_id"},
	{"break_notes", "words", "'note ' || no || ' of break ' || break_id"},
	{"breaks", "note", "'break ' || break_id"},
	{"rejects", "reason", "'reject of order ' || order_id"},
	{"files", "last_error", "'file ' || file_id"},
	{"file_resends", "reason", "'resend of file ' || file_id"},
	{"file_resends", "at_center", "'resend of file ' || file_id"},
	{"delivery_attempts", "error", "'attempt of file ' || file_id"},
	{"link_failures", "error", "'failed connection to center ' || center_id"},
	{"replies", "reason", "'reply ' || reply_id"},
	{"replans", "reason", "'replan ' || replan_id"},
	{"authorization_logs", "reason", "'log ' || log_id"},
	{"epochs", "reason", "'epoch ' || epoch"},
	{"key_revocations", "reason", "'revocation of key ' || generation"},
	{"lost_files", "evidence", "format('lost file %s', sequence)"},
	{"schedule_runs", "error", "format('run of %s', name)"},
	{"events", "actor", "format('event %s/%s', day, no)"},
	{"events", "source", "format('event %s/%s', day, no)"},
	{"events", "object", "format('event %s/%s', day, no)"},
	{"events", "reason", "format('event %s/%s', day, no)"},
	{"events", "before", "format('event %s/%s', day, no)"},
	{"events", "after", "format('event %s/%s', day, no)"},
}

// The invariant of free texts, which is checked after Checks.
const (
	TextInvariant = "INV-39"
	TextTitle     = "no free text holds a card number or a card's verification code"
)

// eachText reads the texts of a column that have enough digits for a card number, or a word that codes stand behind.
const eachText = `SELECT %s, %s::text FROM %s WHERE length(regexp_replace(%[2]s::text, '\D', '', 'g')) >= 13 OR %[2]s::text ~* 'c[vsc][vcn]'`

// texts searches all free texts as they were searched before they were kept (vault.Words). No number is in a finding.
func (r *Report) texts(ctx context.Context, tx pgx.Tx, o Options) error {
	if !o.wants(TextInvariant) {
		return nil
	}
	f := Finding{Invariant: TextInvariant, Title: TextTitle}
	bills, err := billsGiven(ctx, tx)
	if err != nil {
		return fmt.Errorf("check %s: %w", TextInvariant, err)
	}
	s := vault.Scanner{Ours: bills, Phones: true} // a telephone number may stand in any of them, and is kept
	for _, t := range FreeTexts {
		if err := f.search(ctx, tx, t, &s); err != nil {
			return fmt.Errorf("check %s, %s.%s: %w", TextInvariant, t.Table, t.Column, err)
		}
	}
	r.Findings = append(r.Findings, f)
	return nil
}

func (f *Finding) search(ctx context.Context, tx pgx.Tx, t FreeText, s *vault.Scanner) error {
	rows, err := tx.Query(ctx, fmt.Sprintf(eachText, t.Name, pgx.Identifier{t.Column}.Sanitize(), pgx.Identifier{t.Table}.Sanitize()))
	if err != nil {
		return err
	}
	var name string
	var text []byte
	_, err = pgx.ForEachRow(rows, []any{&name, &text}, func() error {
		if _, hidden := s.MaskJSON(text); hidden.Any() {
			f.add(fmt.Sprintf("%s of %s", t.Column, name))
		}
		clear(text)
		return nil
	})
	return err
}

// billsGiven returns what knows the bill numbers that were given out.
func billsGiven(ctx context.Context, tx pgx.Tx) (func(string) bool, error) {
	next, err := settle.BillCounters(ctx, tx)
	return func(number string) bool {
		bill, err := strconv.ParseInt(number, 10, 64)
		merchant, ours := settle.MerchantOf(bill)
		return err == nil && ours && settle.BillCounter(bill) < next[merchant]
	}, err
}
