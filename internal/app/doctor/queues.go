package doctor

import (
	"context"
	"errors"
	"fmt"

	"settled/clearing"
	"settled/clearing/dial"
	"settled/clearing/remote"
	"settled/internal/listing"
	"settled/settle/read"
	"settled/settle/reconcile"
)

// remedy is what to do about a file server that cannot be worked with.
func remedy(err error) string {
	if errors.Is(err, dial.ErrParked) {
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

func files(ctx context.Context, p *patient) []Finding {
	w, err := clearing.FilesThatWait(ctx, p.pool, p.now)
	if err != nil {
		return failed(err)
	}
	return counted("no file waits for a person",
		count{Bad, w.Unnumbered, "%d files have no number and do not go, such as %s: agree on numbers with the center (docs/delivery.md), then restart the worker"},
		count{Bad, w.Unknown, "of %d files nobody can tell whether the center has them, such as %s: settled file verify FILE --at-center, ask the center, then settled file mark-delivered or resend"},
		count{Bad, w.Frozen, "%d files are frozen, such as %s: settled file show says why, then settled file retry"},
		count{Bad, w.Late, "%d files are past their deadline and not delivered, such as %s: settled file show says what stands in their way"},
		count{Warning, w.Failing, "%d files failed and are tried again, such as %s: settled file show says why"},
		count{Warning, w.Refused, "%d files were refused whole and have no successor, such as %s: mend the cause, then settled batch rebuild"})
}

func replies(ctx context.Context, p *patient) []Finding {
	quarantined, err := clearing.QuarantinedReplies(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	return counted("no reply is quarantined",
		count{Bad, quarantined, "%d replies cannot be applied, such as %s: settled reply show says why, ask the center, then settled reply reconsider"})
}

func records(ctx context.Context, p *patient) []Finding {
	aside, refused, err := p.books().WaitingRejects(ctx)
	if err != nil {
		return failed(err)
	}
	return counted("no record waits for a decision",
		count{Warning, aside, "%d records are set aside, such as %s: settled reject list says why; repair the data, then settled record release, or cancel the order"},
		count{Warning, refused, "%d records that a center refused wait for a decision, such as %s: settled reject list, then represent, abandon, or a cancel of the order"})
}

func authorizations(ctx context.Context, p *patient) []Finding {
	held, err := clearing.HeldLogs(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	stuck, err := p.books().WaitingApprovals(ctx, reconcile.UnknownStuck)
	if err != nil {
		return failed(err)
	}
	owed, err := p.books().WaitingApprovals(ctx, reconcile.UnknownOwed)
	if err != nil {
		return failed(err)
	}
	return counted("no authorization waits for a person",
		count{Bad, held, "%d logs of authorizations are held, such as %s: settled recon authorizations list says why, then settled recon authorizations approve"},
		count{Bad, stuck, "the reversals of %d approvals that the books do not know are stuck, such as %s: ask the center, then settled recon authorizations retry"},
		count{Warning, owed, "the reversals of %d approvals that the books do not know are on their way, such as %s: settled recon authorizations list shows them"})
}

func openBreaks(ctx context.Context, p *patient) (all []Finding) {
	open, err := p.books().OpenBreaks(ctx)
	if err != nil {
		return failed(err)
	}
	for _, b := range open {
		all = append(all, found(Warning, "%d breaks %s are open: a person looks at each (docs/reconciliation.md)", b.Count, b.Category)...)
	}
	if len(all) == 0 {
		return found(Good, "no break is open")
	}
	return all
}

// books are those of the database. Without a configuration nobody is named.
func (p *patient) books() *read.Books { return read.New(p.pool, nil) }

// count is a number of rows with what it says.
type count struct {
	state State
	listing.Sample
	says string // with the number and the example
}

// counted says what is there of each.
func counted(good string, counts ...count) (all []Finding) {
	for _, c := range counts {
		if c.Count > 0 {
			all = append(all, Finding{c.state, fmt.Sprintf(c.says, c.Count, c.Example)})
		}
	}
	if len(all) == 0 {
		return found(Good, "%s", good)
	}
	return all
}
