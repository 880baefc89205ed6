package clearing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
)

// A center names a file by its logical id. Several files of ours may have one: a build that takes the number of a refused
// one, a file that was sent again, numbers that began anew. Which of them a reply answers is known from its name, from what
// was said before, and from the times; what cannot be told apart waits for a person.

const (
	filesByLogicalID = files.Select + `WHERE center_id = $1 AND logical_id = $2 ORDER BY file_id`
	fileByName       = files.Select + `WHERE center_id = $1 AND name = $2`
)

// answered finds our file that a reply is about: by the file id in its entries, or, when it has none because there was
// nothing to say, by its name.
func (n *Night) answered(ctx context.Context, s *station, reply Reply, c *content) (files.File, error) {
	named, err := files.One(ctx, n.Pool, fileByName, s.ID, s.answeredFile(reply.Name))
	if err != nil && !rows.Missing(err) {
		return files.File{}, err
	}
	if c.source == "" {
		if err != nil {
			return files.File{}, refuse(2, "answers file %q, which we did not send to %s", noFile, s.Name)
		}
		return named, nil
	}
	id := c.source
	all, failed := rows.Collect[files.File](ctx, n.Pool, filesByLogicalID, s.ID, id)
	switch {
	case failed != nil:
		return files.File{}, failed
	case len(all) == 0:
		return files.File{}, refuse(2, "answers file %q, which we did not send to %s", c.source, s.Name)
	case err == nil && named.LogicalID != id:
		return files.File{}, refuse(2, "is named for %s, but its entries are about %s", named.Name, id)
	case err == nil:
		return named, nil
	}
	last := all[len(all)-1]
	if all[0].Batch != last.Batch && !reply.Forced {
		return files.File{}, refuse(2, "answers file %q: %d files of several batches have this id, and its name tells none", c.source, len(all))
	}
	return last, nil
}

// saysDuplicate tells that a file reject means that the identical file was processed before.
func (p Profile) saysDuplicate(code uint16) bool { return slices.Contains(p.DuplicateCodes, code) }

// answeredFile is the name of our file that a reply's name says it answers; empty when it does not say.
func (s *station) answeredFile(reply string) string {
	match := s.ReplyName.FindStringSubmatch(reply)
	if i := s.ReplyName.SubexpIndex("file"); match != nil && i > 0 {
		return match[i] + s.Format.Extension()
	}
	return ""
}

var sameContent = `
SELECT count(*) FROM replies WHERE center_id = $1 AND content = $2 AND state = ` + states.Quoted(states.ReplyApplied) + ` AND reply_id <> $3`

// decidedBefore handles a reply about a file that has its verdict, or was never sent, or a late word about an earlier
// delivery: a repeat changes nothing, anything else waits for a person.
func (n *Night) decidedBefore(ctx context.Context, s *station, reply Reply, c *content, f files.File, b Batch, content []byte) (bool, error) {
	answered := f.State == states.FileReplied || f.State == states.FileRejected || b.State == states.BatchReplied
	if !answered && f.Presented() {
		return n.lateWord(ctx, s, reply, c, f, content)
	}
	var same int
	if err := n.Pool.QueryRow(ctx, sameContent, s.ID, content, reply.ID).Scan(&same); err != nil {
		return false, err
	}
	alreadyProcessed := c.reject != nil && s.saysDuplicate(c.reject.raw)
	switch {
	case same > 0:
		return true, n.duplicate(ctx, s, reply, "says what an earlier reply said", f, c, content)
	case alreadyProcessed && (f.State == states.FileReplied || b.State == states.BatchReplied):
		return true, n.duplicate(ctx, s, reply, "the center had processed the file before: the first reply stands", f, c, content)
	case !answered:
		return true, refuse(2, "answers %s, which was never sent", f.Name)
	}
	return true, refuse(2, "contradicts the verdict that %s has", f.Name)
}

func (n *Night) duplicate(ctx context.Context, s *station, reply Reply, reason string, f files.File, c *content, content []byte) error {
	_, err := n.decide(ctx, s, reply, states.RepeatReply, 0, reason, &f.ID, c, content)
	return err
}

// earlierReply is a reply that was applied to an earlier delivery of the same id.
type earlierReply struct {
	ID        int64
	File      int64
	LogicalID string
	Content   []byte
}

var (
	earlierReplies = `
SELECT r.reply_id, f.file_id, r.logical_id, r.content FROM files f JOIN replies r USING (file_id)
WHERE f.center_id = $1 AND f.logical_id = $2 AND r.state = ` + states.Quoted(states.ReplyApplied) + ` AND r.reply_id <> $3 ORDER BY r.reply_id`
	// earlierDeliveries counts those that a word could be about instead. The verdict on a file that went again is true whichever
	// delivery it answers, because the bytes are the same; a refusal ($4) is of one delivery.
	earlierDeliveries = `
SELECT (SELECT count(*) FROM files f WHERE f.center_id = $1 AND f.logical_id = $2 AND f.file_id < $3 AND f.attempts > 0)
	+ (SELECT count(*) FROM file_resends r WHERE r.file_id = $3 AND ($4 OR r.from_state = ` + states.Quoted(states.FileRejected) + `))`
	// deliveryBegan is when the first attempt of the file's last delivery began; NULL when none did.
	deliveryBegan = `
SELECT min(started_at) FROM delivery_attempts WHERE file_id = $1 AND attempt > (SELECT coalesce(max(attempts), 0) FROM file_resends WHERE file_id = $1)`
)

// lateWord handles a reply to a file whose id was delivered before: as an earlier build, or as itself. It lets a reply pass
// that can only be about the last delivery.
func (n *Night) lateWord(ctx context.Context, s *station, reply Reply, c *content, f files.File, content []byte) (bool, error) {
	if c.reject != nil && s.saysDuplicate(c.reject.raw) {
		return false, nil
	}
	var earlier int
	if err := n.Pool.QueryRow(ctx, earlierDeliveries, s.ID, f.LogicalID, f.ID, c.reject != nil).Scan(&earlier); err != nil || earlier == 0 {
		return false, err
	}
	before, err := rows.Collect[earlierReply](ctx, n.Pool, earlierReplies, s.ID, f.LogicalID, reply.ID)
	if err != nil {
		return false, err
	}
	var began *time.Time
	if err := n.Pool.QueryRow(ctx, deliveryBegan, f.ID).Scan(&began); err != nil {
		return false, err
	}
	repeated := repeats(before, c, content)
	switch {
	case repeated != nil && repeated.LogicalID == c.header.ID:
		return true, n.duplicate(ctx, s, reply, fmt.Sprintf("is reply %d once more", repeated.ID), f, c, content)
	case reply.tooOld(began) && repeated != nil:
		return true, n.duplicate(ctx, s, reply, fmt.Sprintf("says what reply %d said, and is older than the last delivery of %s", repeated.ID, f.Name), f, c, content)
	case reply.Forced:
		return false, nil
	case reply.tooOld(began):
		return true, refuse(2, "is older than the last delivery of %s: it is about an earlier one", f.Name)
	case repeated != nil && !namedFor(s, reply, f, repeated.File):
		return true, refuse(2, "says of %s what reply %d said of an earlier delivery: a late repeat, or the same again; a person must tell", f.Name, repeated.ID)
	}
	return false, nil
}

// repeats finds the earlier reply that said the same.
func repeats(before []earlierReply, c *content, hash []byte) *earlierReply {
	var found *earlierReply
	for i, b := range before {
		if string(b.Content) != string(hash) {
			continue
		}
		if found = &before[i]; b.LogicalID == c.header.ID {
			return found
		}
	}
	return found
}

// namedFor tells that a reply's name names the file, and that what it repeats was about another one.
func namedFor(s *station, reply Reply, f files.File, other int64) bool {
	return other != f.ID && s.answeredFile(reply.Name) == f.Name
}
