package dial

import (
	"context"
	"fmt"
	"log/slog"

	"settled/clearing/remote"
	"settled/settle/breaks"
)

// Left are files at a center that have more bytes than are read of one: they are left unread, and a person has to see them.
type Left struct {
	Server Server
	What   string // reply or log
	Most   int64  // bytes that are read of one
	Files  []remote.Entry
}

// TellLeft opens a break for each file that is left, once for a name and a size, and closes those of files that were left before and are gone or
// taken now: what is left is all there is.
func (d *Dialer) TellLeft(ctx context.Context, l Left) error {
	under := fmt.Sprintf("%s/%d/%s", breaks.FileTooLarge, l.Server.Center, l.What)
	found := make([]breaks.Break, len(l.Files))
	for i, e := range l.Files {
		name := remote.Printable(e.Name)
		found[i] = breaks.Break{Category: breaks.FileTooLarge, Fingerprint: fmt.Sprintf("%s/%s/%d", under, name, e.Size), Center: l.Server.Center,
			Note: fmt.Sprintf("%s %q has %d bytes, %d at most are read: it is left at the center", l.What, name, e.Size, l.Most)}
	}
	opened, err := breaks.Keep(ctx, d.o.Pool, d.o.Now(), breaks.FileTooLarge, under, found...)
	if err != nil {
		return fmt.Errorf("files of %s that are too large: %w", l.Server.Name, err)
	}
	for _, b := range opened {
		d.o.Log.ErrorContext(ctx, "a file at a center is too large and is left there", slog.String("center", l.Server.Name), slog.String("reason", b.Note))
	}
	return nil
}
