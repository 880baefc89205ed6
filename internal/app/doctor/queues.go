package doctor

import (
	"context"
	"errors"
	"fmt"

	"settled/clearing"
	"settled/clearing/remote"
	"settled/settle/breaks"
)

// remedy is what to do about a file server that cannot be worked with.
func remedy(err error) string {
	if errors.Is(err, clearing.ErrParked) {
		return "renew the password or the key with the center, then settled center unpark"
	}
	switch remote.ClassOf(err) {
	case remote.Auth:
		return "renew the password or the key with the center, then settled center unpark"
	case remote.HostKey:
		return "ask the center by another way whether its key changed, before host_keys is changed"
	case remote.Connection, remote.Timeout:
		return "see the network and clearing.sftp.address, and ask the center"
	default:
		return "see clearing.sftp, and ask the center"
	}
}

// some is a count of rows of a table with one of their names; $1 is now.
func some(table, name, where string) string {
	return fmt.Sprintf(`SELECT count(*), coalesce(min(%s::text), '') FROM %s WHERE %s AND $1::timestamptz IS NOT NULL`, name, table, where)
}

var fileCounts = []count{
	{Bad, some("files", "name", "state = 'unnumbered'"), "%d files have no number and do not go, such as %s: agree on numbers with the center (docs/delivery.md), then restart the worker"},
	{Bad, some("files", "name", "state = 'unknown_delivery'"), "of %d files nobody can tell whether the center has them, such as %s: settled file verify FILE --at-center, ask the center, then settled file mark-delivered or resend"},
	{Bad, some("files", "name", "frozen AND state <> 'unknown_delivery'"), "%d files are frozen, such as %s: settled file show says why, then settled file retry"},
	{Bad, some("files", "name", "state IN ('planned', 'built', 'released', 'sending') AND NOT frozen AND deadline_at < $1"), "%d files are past their deadline and not delivered, such as %s: settled file show says what stands in their way"},
	{Warning, some("files", "name", "state IN ('planned', 'released', 'sending') AND NOT frozen AND failures > 0 AND deadline_at >= $1"), "%d files failed and are tried again, such as %s: settled file show says why"},
	{Warning, some("files", "name", "state = 'rejected' AND NOT EXISTS (SELECT FROM files g WHERE g.batch_id = files.batch_id AND g.build > files.build)"), "%d files were refused whole and have no successor, such as %s: mend the cause, then settled batch rebuild"},
}

func files(ctx context.Context, p *patient) []Finding {
	return counted(ctx, p, "no file waits for a person", fileCounts)
}

func replies(ctx context.Context, p *patient) []Finding {
	return counted(ctx, p, "no reply is quarantined", []count{
		{Bad, some("replies", "name", "state = 'quarantined'"), "%d replies cannot be applied, such as %s: settled reply show says why, ask the center, then settled reply reconsider"}})
}

func records(ctx context.Context, p *patient) []Finding {
	return counted(ctx, p, "no record waits for a decision", []count{
		{Warning, some("rejects", "record_id", "state = 'rejected' AND origin <> 'center'"), "%d records are set aside, such as %s: settled reject list says why; repair the data, then settled record release, or cancel the order"},
		{Warning, some("rejects", "record_id", "state = 'rejected' AND origin = 'center'"), "%d records that a center refused wait for a decision, such as %s: settled reject list, then represent, abandon, or a cancel of the order"}})
}

func authorizations(ctx context.Context, p *patient) []Finding {
	return counted(ctx, p, "no authorization waits for a person", []count{
		{Bad, some("authorization_logs", "log_id", "state = 'held'"), "%d logs of authorizations are held, such as %s: settled recon authorizations list says why, then settled recon authorizations approve"},
		{Bad, some("unknown_approvals", "exchange_id", "state = 3"), "the reversals of %d approvals that the books do not know are stuck, such as %s: ask the center, then settled recon authorizations retry"},
		{Warning, some("unknown_approvals", "exchange_id", "state = 1"), "the reversals of %d approvals that the books do not know are on their way, such as %s: settled recon authorizations list shows them"}})
}

func openBreaks(ctx context.Context, p *patient) (all []Finding) {
	waiting, err := breaks.Count(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	for _, w := range waiting {
		all = append(all, found(Warning, "%d breaks %s are open: a person looks at each (docs/reconciliation.md)", w.Count, w.Category)...)
	}
	if len(all) == 0 {
		return found(Good, "no break is open")
	}
	return all
}
