package delivery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"settled/clearing/files"
	"settled/clearing/remote"
)

// Found says what stands at a center under a file's name.
type Found string

// What may be found. FoundSize is the right size of a file that we may not read; FoundOther are other bytes than ours.
const (
	FoundSame  Found = "same"
	FoundSize  Found = "same_size"
	FoundOther Found = "other"
	Absent     Found = "absent"
)

// AtCenter is what a center's file server says of a file now.
type AtCenter struct {
	Found    Found        `json:"found"`
	Bytes    int64        `json:"bytes,omitempty"`
	SHA256   files.Digest `json:"sha256,omitempty"` // empty where the file may not be read
	Modified *time.Time   `json:"modified_at,omitempty"`
	LeftOver []string     `json:"left_over,omitempty"` // temporary names of the file
}

// String says it in words.
func (a AtCenter) String() string {
	var words string
	switch a.Found {
	case FoundSame:
		words = fmt.Sprintf("present: our %d bytes, sha256 %s", a.Bytes, a.SHA256)
	case FoundSize:
		words = fmt.Sprintf("present: %d bytes, as ours; they may not be read", a.Bytes)
	case FoundOther:
		words = fmt.Sprintf("present, but not ours: %d bytes, sha256 %s", a.Bytes, a.SHA256)
	default:
		words = "absent"
	}
	if len(a.LeftOver) > 0 {
		words += "; left over: " + strings.Join(a.LeftOver, ", ")
	}
	return words
}

// LookAtCenter tells what the center has under a built file's name now. Errors: states.ErrState, dial.ErrParked, *remote.Error.
func (c *Courier) LookAtCenter(ctx context.Context, file int64) (AtCenter, error) {
	f, s, err := c.built(ctx, file)
	if err != nil {
		return AtCenter{}, err
	}
	return c.lookAt(ctx, s, f)
}

func (c *Courier) built(ctx context.Context, id int64) (files.File, *Center, error) {
	f, err := files.Built(ctx, c.pool, id)
	if err != nil {
		return f, nil, err
	}
	s, err := c.center(f.Center)
	return f, s, err
}

// lookAt asks the center what stands under a file's name now, and reads it.
func (c *Courier) lookAt(ctx context.Context, s *Center, f files.File) (AtCenter, error) {
	if _, err := c.dialer.Parked(ctx, s.ID); err != nil {
		return AtCenter{}, err
	}
	link, err := c.dialer.Dial(ctx, s.server())
	if err != nil {
		return AtCenter{}, err
	}
	defer func() { _ = link.Close() }()
	a, err := found(link, s, f)
	if err != nil {
		return a, err
	}
	entries, err := link.List(ctx, s.Outbox)
	if err != nil && remote.Lost(err) {
		return a, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name, "."+f.Name+".") && strings.HasSuffix(e.Name, temporarySuffix) {
			a.LeftOver = append(a.LeftOver, e.Name)
		}
	}
	return a, nil
}

func found(link *remote.Link, s *Center, f files.File) (AtCenter, error) {
	name := path.Join(s.Outbox, f.Name)
	e, there, err := link.Stat(name)
	if err != nil || !there {
		return AtCenter{Found: Absent}, err
	}
	hash := sha256.New()
	read, err := link.Read(name, remote.AtMost(hash, *f.Bytes))
	if errors.Is(err, remote.ErrTooLarge) {
		return AtCenter{Found: FoundOther, Bytes: e.Size, Modified: &e.Modified}, nil
	}
	if err != nil && remote.ClassOf(err) == remote.Permission {
		a := AtCenter{Found: FoundOther, Bytes: e.Size, Modified: &e.Modified}
		if e.Size == *f.Bytes {
			a.Found = FoundSize
		}
		return a, nil
	}
	if err != nil {
		return AtCenter{}, err
	}
	a := AtCenter{Found: FoundOther, Bytes: read.Size, SHA256: hash.Sum(nil), Modified: &read.Modified}
	if string(a.SHA256) == string(f.SHA256) {
		a.Found = FoundSame
	}
	return a, nil
}
