package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"settled/clearing/remote"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// LostFile is a file of ours that went to a center and that the books do not have.
type LostFile struct {
	Name         string    `json:"name"`
	BusinessDate time.Time `json:"business_date"`
	Sequence     int32     `json:"sequence"`
	Evidence     string    `json:"evidence"` // where it was seen, or who says so
}

// Survey is what a center has of us beside what the books have.
type Survey struct {
	Center  int16      `json:"center"`
	Name    string     `json:"name"`
	Lost    []LostFile `json:"lost"`    // without those that the books know as lost
	Waiting []string   `json:"waiting"` // files that the books have and that are not proven to be there
	// Blind tells why what was not found proves nothing: the center cannot be asked, or takes files away.
	Blind string `json:"blind,omitempty"`
	// Missed tells that a cut-off came, or a file was on its way to a center that takes it twice, in the time that the books may lack.
	Missed bool `json:"missed"`
	// passing is why the center could not be looked at now, where a later look may do.
	passing error
	// Next are the numbers that the next file would get, by the date or round that numbers belong to.
	Next map[string]int32 `json:"next"`
}

// clear tells that nothing speaks against numbering and sending.
func (v Survey) clear() bool { return len(v.Lost) == 0 && (v.Blind == "" || !v.Missed) }

// words say what was found.
func (v Survey) words() []string {
	out := []string{}
	for _, l := range v.Lost {
		out = append(out, fmt.Sprintf("%s: %s", l.Name, l.Evidence))
	}
	if v.Blind != "" && v.Missed {
		out = append(out, v.Blind+", and a cut-off came or a file was on its way in the time that the books may lack")
	}
	return out
}

// lostFile reads a name, or the id inside of a file; false when it is none of a file of ours for the center.
func (s *station) lostFile(name, evidence string) (LostFile, bool) {
	if l, ok := s.lostID(name, evidence); ok {
		return l, true
	}
	n, ok := s.Format.ParseFileName(s.Name, s.Stream, name)
	return LostFile{Name: strings.TrimSuffix(name, s.Format.Extension()) + s.Format.Extension(), BusinessDate: n.BusinessDate, Sequence: n.Sequence, Evidence: evidence}, ok
}

// lostID is lostFile of an id.
func (s *station) lostID(id, evidence string) (LostFile, bool) {
	date, sequence, ok := s.Format.ParseFileID(id)
	return LostFile{Name: id, BusinessDate: date, Sequence: sequence, Evidence: evidence}, ok
}

var (
	// unknownNames are those of $2 that the books have neither as files nor as lost.
	unknownNames = `
SELECT name FROM unnest($2::text[]) AS n (name)
WHERE NOT EXISTS (SELECT FROM files f WHERE f.center_id = $1 AND f.name = n.name AND f.state <> ` + states.Quoted(states.FileWaiting) + `)
	AND NOT EXISTS (SELECT FROM lost_files l WHERE l.center_id = $1 AND l.name = n.name)`
	waitingNames = `SELECT name FROM files WHERE center_id = $1 AND state IN ` + states.Undelivered + ` ORDER BY file_id`
	nextNumbers  = `SELECT scope, last - base + 1 FROM file_sequences WHERE center_id = $1 AND stream = $2 ORDER BY scope DESC LIMIT 5`
	// doubtSince is where the time begins that the books may lack, for a center that was last found in order in an earlier epoch.
	doubtSince = `
SELECT min(since), max(begun_at) FROM epochs
WHERE looks AND epoch > coalesce((SELECT max(epoch) FROM center_looks WHERE center_id = $1 AND state = ` + states.Quoted(states.LookClear) + `), 0)`
	// missedAny: a file that was on its way is sent again in any case where the center refuses what it has processed ($4).
	missedAny = `
SELECT EXISTS (SELECT FROM windows WHERE center_id = $1 AND cutoff_at > $2 AND cutoff_at <= $3)
	OR NOT $4 AND EXISTS (SELECT FROM files WHERE center_id = $1 AND state IN ` + states.Undelivered + ` AND planned_at < $3)`
)

// Survey looks at what a center has of us: its directory of our files, and its replies. Where the names of those do not tell what they
// answer, it stores them, as every look into the inbox does, and reads them. It changes nothing else.
func (n *Night) Survey(ctx context.Context, center int16) (Survey, error) {
	s, err := n.station(center)
	if err != nil {
		return Survey{}, err
	}
	v := Survey{Center: s.ID, Name: s.Name, Lost: []LostFile{}, Next: map[string]int32{}}
	if s.RemovesFiles {
		v.Blind = "the center takes files away"
	}
	names, err := n.namesAt(ctx, s)
	if err != nil {
		v.Blind = fmt.Sprintf("the center could not be looked at: %v", err)
		if class := remote.ClassOf(err); class != remote.Permission && class != remote.Unsupported {
			v.passing = err
		}
	}
	if err := errors.Join(n.surveyNames(ctx, s, &v, names), n.surveyReplies(ctx, s, &v)); err != nil {
		return v, fmt.Errorf("survey %s: %w", s.Name, err)
	}
	return v, n.surveyBooks(ctx, s, &v)
}

// namesAt are the names of our files that the center shows: by themselves, and in those of its replies, with where each was seen.
func (n *Night) namesAt(ctx context.Context, s *station) (map[string]string, error) {
	seen := map[string]string{}
	if _, err := n.dialer.Parked(ctx, s.ID); err != nil {
		return seen, err
	}
	link, err := n.dialer.Dial(ctx, s.server())
	if err != nil {
		return seen, err
	}
	defer func() { _ = link.Close() }()
	ours, err := link.List(ctx, s.Outbox)
	for _, e := range ours {
		seen[e.Name] = fmt.Sprintf("in %s, %d bytes of %s", s.Outbox, e.Size, e.Modified.UTC().Format(time.RFC3339))
	}
	replies, unread := link.List(ctx, s.Inbox)
	for _, e := range replies {
		if name := s.answeredFile(e.Name); name != "" {
			seen[name] = "answered by " + path.Join(s.Inbox, e.Name)
		}
	}
	return seen, errors.Join(err, unread)
}

// surveyNames finds the names that the books do not have.
func (n *Night) surveyNames(ctx context.Context, s *station, v *Survey, seen map[string]string) error {
	var names []string
	lost := map[string]LostFile{}
	for name, where := range seen {
		if l, ok := s.lostFile(name, where); ok {
			names, lost[l.Name] = append(names, l.Name), l
		}
	}
	unknown, err := rows.Column[string](ctx, n.Pool, unknownNames, s.ID, names)
	slices.Sort(unknown)
	for _, name := range unknown {
		v.Lost = append(v.Lost, lost[name])
	}
	return err
}

var (
	strayReplies = `SELECT reply_id, name FROM replies WHERE center_id = $1 AND file_id IS NULL AND state IN ` + states.In(states.ReplyFetched, states.ReplyQuarantined) + ` ORDER BY reply_id`
	unknownID    = `
SELECT NOT EXISTS (SELECT FROM files WHERE center_id = $1 AND logical_id = $2) AND NOT EXISTS (SELECT FROM lost_files WHERE center_id = $1 AND name = $2)`
)

// strayReply is a reply of which the books do not know what it answers.
type strayReply struct {
	ID   int64
	Name string
}

// surveyReplies finds the files that replies answer, where their names do not tell.
func (n *Night) surveyReplies(ctx context.Context, s *station, v *Survey) error {
	if s.ReplyName.SubexpIndex("file") > 0 || v.passing != nil {
		return nil
	}
	if _, err := n.Inbox.Fetch(ctx, s.ID); err != nil {
		v.passing, v.Blind = err, fmt.Sprintf("the center's replies could not be read: %v", err)
		return nil
	}
	strays, err := rows.Collect[strayReply](ctx, n.Pool, strayReplies, s.ID)
	if err != nil {
		return err
	}
	for _, r := range strays {
		if err := n.surveyReply(ctx, s, v, r); err != nil {
			return err
		}
	}
	return nil
}

// surveyReply adds the file that a reply answers, if it is ours and unknown. A reply that is none is quarantined when it is applied; one that
// our own store does not give back says nothing of the center, and is no look.
func (n *Night) surveyReply(ctx context.Context, s *station, v *Survey, r strayReply) error {
	c, err := n.readContent(ctx, s, r.ID)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return nil
	}
	if err != nil {
		return err
	}
	l, ours := s.lostID(c.source, "answered by "+path.Join(s.Inbox, r.Name))
	same := func(o LostFile) bool { return o.Sequence == l.Sequence && o.BusinessDate.Equal(l.BusinessDate) }
	if !ours || slices.ContainsFunc(v.Lost, same) {
		return nil
	}
	var unknown bool
	if err := n.Pool.QueryRow(ctx, unknownID, s.ID, l.Name).Scan(&unknown); err != nil || !unknown {
		return err
	}
	v.Lost = append(v.Lost, l)
	return nil
}

// surveyBooks reads what the books have.
func (n *Night) surveyBooks(ctx context.Context, s *station, v *Survey) error {
	var err error
	if v.Waiting, err = rows.Column[string](ctx, n.Pool, waitingNames, s.ID); err != nil {
		return err
	}
	var scope string
	var next int32
	rows, err := n.Pool.Query(ctx, nextNumbers, s.ID, s.Stream)
	if err != nil {
		return err
	}
	if _, err = pgx.ForEachRow(rows, []any{&scope, &next}, func() error { v.Next[scope] = next; return nil }); err != nil {
		return err
	}
	var since, until *time.Time
	if err := n.Pool.QueryRow(ctx, doubtSince, s.ID).Scan(&since, &until); err != nil || since == nil {
		return err
	}
	return n.Pool.QueryRow(ctx, missedAny, s.ID, since, until, s.DedupesByFileID).Scan(&v.Missed)
}

const (
	noteLook = `
INSERT INTO center_looks (epoch, center_id, at, state, found) SELECT max(epoch), $1, $2, $3, $4 FROM epochs HAVING max(epoch) IS NOT NULL
ON CONFLICT (epoch, center_id) DO UPDATE SET at = excluded.at, state = excluded.state, found = excluded.found`
	foundNow = `
SELECT format('%s/epoch/%s/center/%s', $1::text, max(epoch), $2::smallint) AS fingerprint, $2::smallint AS center_id, ` + breaks.OfNoMerchant + `,
	$3::text AS note FROM epochs`
	unlooked = `SELECT held($1) = 'the center was not looked at yet'`
)

// lookCenter looks at a center once in each epoch that asks for it, before anything is numbered for it or sent to it. What the books lack
// is a break, and a page: a person decides, with AfterRestore. A center that cannot be reached is looked at again by the next step.
func (n *Night) lookCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	var due *bool
	if err := n.Pool.QueryRow(ctx, unlooked, s.ID).Scan(&due); err != nil || due == nil || !*due {
		return 0, err
	}
	v, err := n.Survey(ctx, s.ID)
	if err != nil {
		return 0, err
	}
	if v.Missed && v.passing != nil {
		return 0, v.passing
	}
	if err := n.noteLook(ctx, s, v, now); err != nil {
		return 0, fmt.Errorf("note the look at %s: %w", s.Name, err)
	}
	return 1, nil
}

// noteLook keeps what a look found, and calls a person where the books lack something.
func (n *Night) noteLook(ctx context.Context, s *station, v Survey, now time.Time) error {
	if v.clear() {
		n.Log.InfoContext(ctx, "center looked at: the books lack nothing that it shows", slog.String("center", s.Name))
		_, err := n.Pool.Exec(ctx, noteLook, s.ID, now, states.LookClear, v.words())
		return err
	}
	found := strings.Join(v.words(), "; ")
	note := "the center has what the books lack: " + found
	if _, err := breaks.OpenEach(ctx, n.Pool, breaks.BooksLackFiles, now, foundNow, s.ID, note); err != nil {
		return err
	}
	if _, err := n.Pool.Exec(ctx, noteLook, s.ID, now, states.LookOpen, v.words()); err != nil {
		return err
	}
	n.page(ctx, s, pageBooksLack, "found", found)
	return nil
}
