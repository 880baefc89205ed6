package audit_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/settle/audit"
	"settled/settle/settletest"
)

// cardCorruptions are damages that only the keys show.
var cardCorruptions = []struct{ title, sql string }{
	{audit.CardChecks[0].Title, `UPDATE orders SET card_mask = '400012****0099' WHERE ordernumber = 'held'`},
	{audit.CardChecks[0].Title, `UPDATE orders SET card = '' WHERE ordernumber = 'held'`},
	{audit.CardChecks[0].Title, `UPDATE orders o SET card = x.card FROM orders x WHERE (o.ordernumber, x.ordernumber) IN (('held', 'open'), ('open', 'held'))`},
	{audit.CardChecks[1].Title, `UPDATE records r SET card = x.card FROM records x WHERE x.record_id = (SELECT max(record_id) FROM records)
		AND r.record_id = (SELECT min(record_id) FROM records)`},
	{audit.CardChecks[1].Title, `UPDATE orders SET card_mask = '400012****0099' WHERE ordernumber = 'one stage'`},
	{audit.CardChecks[2].Title, `UPDATE credentials SET customer = customer || '-2'`},
	{audit.CardChecks[2].Title, `UPDATE credentials SET seal_form = 1`},
	{audit.CardChecks[2].Title, `UPDATE credentials SET card_mask = '400012****0099'`},
	{audit.CardChecks[2].Title, `UPDATE credentials k SET sealed = o.card FROM orders o WHERE (o.merchant_id, o.order_id) = (k.merchant_id, k.order_id)`},
}

// TestSwappedCardsAreFound moves sealed cards and changes masks; without keys the audit must say that it did not look.
func TestSwappedCardsAreFound(t *testing.T) {
	b := live(t)
	owner := pgtest.Owner(t, b.Pool)
	for _, c := range cardCorruptions {
		tx, err := owner.Begin(t.Context())
		b.must(err)
		tag, err := tx.Exec(t.Context(), c.sql)
		b.must(err)
		if tag.RowsAffected() == 0 {
			t.Errorf("changes nothing: %s", c.sql)
		}
		report, err := audit.Run(t.Context(), inside{tx}, b.Clock.Now(), audit.Options{Vault: b.Vault, Only: []string{"INV-35"}})
		b.must(err)
		i := slices.IndexFunc(report.Broken(), func(f audit.Finding) bool { return f.Title == c.title })
		if i < 0 {
			t.Errorf("not found: %s", c.sql)
		} else if text := strings.Join(report.Broken()[i].Examples, " "); text == "" || strings.Contains(text, settletest.Card) {
			t.Errorf("examples %q", text)
		}
		blind, err := audit.Run(t.Context(), inside{tx}, b.Clock.Now(), audit.Options{Only: []string{"INV-35"}})
		b.must(err)
		if len(blind.Findings) != 0 || len(blind.Unchecked) != len(audit.CardChecks) {
			t.Errorf("without keys: findings %v, not checked %q", blind.Findings, blind.Unchecked)
		}
		_ = tx.Rollback(context.Background())
	}
}
