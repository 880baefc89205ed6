package pcsim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// clearing is what the center remembers about files and records. Its mutex is taken before that of the books.
type clearing struct {
	mu sync.Mutex
	// arrivals are the files of in/ that were read and not taken away.
	arrivals map[string]arrival
	// files holds the fate of every file id that was used.
	files map[string]fate
	// next is the sequence number expected in each scope.
	next map[string]int
	// presented holds the accepted records by reference data, salesByRRN and salesByCard the sales among them.
	presented   map[string]*presentment
	salesByRRN  map[string][]*presentment
	salesByCard map[cardKey][]*presentment
	refusedOnce map[string]bool
	// pending are the replies not yet given out, given how many there were per file name, made per date.
	pending []reply
	given   map[string]int
	made    map[string]int
	reports []FileReport
	replies Replies
	refused int // correct files that were refused whole
}

type arrival struct {
	size  int64
	mtime time.Time
	hash  [sha256.Size]byte
}

type fate struct {
	hash     [sha256.Size]byte
	accepted bool
}

type reply struct {
	file string // name in in/ without extension
	data []byte
	due  time.Time
	name string // given already in part under this name
	// ending is what the name of the answer adds to the file's; empty for a name of replies.
	ending string
}

func newClearing(r Replies) clearing {
	return clearing{
		arrivals: map[string]arrival{}, files: map[string]fate{}, next: map[string]int{},
		presented: map[string]*presentment{}, salesByRRN: map[string][]*presentment{},
		salesByCard: map[cardKey][]*presentment{}, refusedOnce: map[string]bool{},
		given: map[string]int{}, made: map[string]int{}, replies: r,
	}
}

// FileReport says what the center did with one file.
type FileReport struct {
	Name   string    `json:"name"`
	FileID string    `json:"file_id,omitempty"` // PDS 0105; empty when it could not be read
	SHA256 string    `json:"sha256"`
	At     time.Time `json:"at"`
	// Reject is the code of a file that was refused whole; empty otherwise.
	Reject string `json:"reject,omitempty"`
	// Accepted and Rejected count records.
	Accepted int `json:"accepted"`
	Rejected int `json:"rejected"`
}

// Reports returns a report on every file read so far, in order.
func (c *Center) Reports() []FileReport {
	c.clearing.mu.Lock()
	defer c.clearing.mu.Unlock()
	return append([]FileReport{}, c.reports...)
}

// SetReplies changes how replies are given out; those withheld so far go out at the next step that allows it.
func (c *Center) SetReplies(r Replies) {
	c.clearing.mu.Lock()
	defer c.clearing.mu.Unlock()
	c.replies = r
}

// Process reads the complete files of in/ that it has not read yet, the oldest first, and gives out the replies that are
// due at now. Names that begin with a point or end in .part are not complete. It returns the number of files read. An
// error is one of the file system or of ctx; what was judged before it stays judged.
func (c *Center) Process(ctx context.Context, now time.Time) (processed int, err error) {
	c.clearing.mu.Lock()
	defer c.clearing.mu.Unlock()
	infos, err := c.tree.list(InDir)
	if err != nil {
		return 0, err
	}
	slices.SortStableFunc(infos, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range infos {
		if err := ctx.Err(); err != nil {
			return processed, err
		}
		if info.IsDir() || strings.HasPrefix(info.Name(), ".") || strings.HasSuffix(info.Name(), ".part") {
			continue
		}
		read, err := c.take(info, now)
		if err != nil {
			return processed, fmt.Errorf("process %s: %w", info.Name(), err)
		}
		if read {
			processed++
		}
	}
	return processed, errors.Join(c.giveOut(now), c.leaveLogs(now))
}

// take reads one file of in/ unless it is the one read before under this name.
func (c *Center) take(info fs.FileInfo, now time.Time) (bool, error) {
	name := path.Join(InDir, info.Name())
	before, known := c.arrivals[info.Name()]
	if known && before.size == info.Size() && before.mtime.Equal(info.ModTime()) {
		return false, nil
	}
	data, err := readFile(c.tree, name)
	if errors.Is(err, fs.ErrNotExist) { // taken back since the listing
		return false, nil
	}
	if err != nil {
		return false, err
	}
	hash := sha256.Sum256(data)
	base := strings.TrimSuffix(info.Name(), path.Ext(info.Name()))
	v, report := c.judgeFile(data, hash, now)
	if err := c.promise(base, v, now); err != nil {
		return false, err
	}
	report.Name, report.SHA256, report.At = info.Name(), hex.EncodeToString(hash[:]), now
	c.reports = append(c.reports, report)
	if c.opt.RemovesFiles {
		delete(c.arrivals, info.Name())
		return true, c.tree.remove(name)
	}
	c.arrivals[info.Name()] = arrival{info.Size(), info.ModTime(), hash}
	return true, nil
}

// promise puts the replies with a verdict among those that are to be given out.
func (c *Center) promise(file string, v answerer, now time.Time) error {
	due := []time.Time{now.Add(c.replies.Delay)}
	if c.replies.AgainAfter > 0 {
		due = append(due, due[0].Add(c.replies.AgainAfter))
	}
	for _, at := range due {
		data, ending, err := v.answer(c, now)
		if err != nil {
			return err
		}
		c.pending = append(c.pending, reply{file: file, data: data, due: at, ending: ending})
	}
	return nil
}

// giveOut writes the replies that are due.
func (c *Center) giveOut(now time.Time) error {
	if c.replies.Withhold {
		return nil
	}
	var due, later []reply
	for _, r := range c.pending {
		if r.due.After(now) {
			later = append(later, r)
		} else {
			due = append(due, r)
		}
	}
	if c.replies.Reverse {
		slices.Reverse(due)
	}
	for i, r := range due {
		half, err := c.give(&r)
		if err != nil {
			c.pending = append(due[i:], later...)
			return err
		}
		if half {
			later = append(later, r)
		}
	}
	c.pending = later
	return nil
}

// give writes one reply, or its first half when it is to appear truncated first.
func (c *Center) give(r *reply) (half bool, err error) {
	if half = c.replies.TruncatedFirst && r.name == ""; half {
		r.name = c.replyName(r)
		return true, writeFile(c.tree, r.name, r.data[:len(r.data)/2])
	}
	if r.name == "" {
		r.name = c.replyName(r)
	}
	if err := writeFile(c.tree, r.name, r.data); err != nil {
		return false, err
	}
	if c.replies.Twice {
		return false, writeFile(c.tree, c.replyName(r), r.data)
	}
	return false, nil
}

func (c *Center) replyName(r *reply) string {
	c.given[r.file]++
	switch n := c.given[r.file]; {
	case r.ending == "":
		return path.Join(OutDir, fmt.Sprintf("RPY_%s_%d.ipm", r.file, n))
	case n > 1:
		return path.Join(OutDir, fmt.Sprintf("%s.csv%s.%d", r.file, r.ending, n))
	}
	return path.Join(OutDir, r.file+".csv"+r.ending)
}

// Run processes once a second until ctx ends, and returns its error or the first of Process.
func (c *Center) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := c.Process(ctx, c.opt.Now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
