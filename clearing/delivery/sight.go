package delivery

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"settled/clearing/remote"
)

// Sight is what a look at the file server of a center finds.
type Sight struct {
	Center    string
	Address   string
	Err       error    // the center could not be looked at; nil: it could
	Unread    []string // directories that cannot be listed, with why
	Temporary []string // names left over of deliveries, in the directory for our files
}

// LookAround connects to the file servers of all centers at once, logs in with the configured credentials and host keys, and lists the
// directories. It writes nothing, here or there. A center that is left alone after refused logins is not connected to (dial.ErrParked).
func (c *Courier) LookAround(ctx context.Context) (all []Sight) {
	all = make([]Sight, len(c.centers))
	var looks sync.WaitGroup
	for i, s := range c.centers {
		all[i] = Sight{Center: s.Name, Address: s.SFTP.Address}
		looks.Go(func() { all[i].Err = c.look(ctx, s, &all[i]) })
	}
	looks.Wait()
	return all
}

func (c *Courier) look(ctx context.Context, s *Center, sight *Sight) error {
	if _, err := c.dialer.Parked(ctx, s.ID); err != nil {
		return err
	}
	link, err := remote.Dial(ctx, s.SFTP)
	if err != nil {
		return err
	}
	defer func() { _ = link.Close() }()
	for _, dir := range append([]string{s.Outbox}, s.Directories...) {
		entries, err := link.List(ctx, dir)
		if err != nil {
			sight.Unread = append(sight.Unread, fmt.Sprintf("%s (%v)", dir, err))
			continue
		}
		for _, e := range entries {
			if dir == s.Outbox && strings.HasPrefix(e.Name, ".") && strings.HasSuffix(e.Name, temporarySuffix) {
				sight.Temporary = append(sight.Temporary, remote.Printable(e.Name))
			}
		}
	}
	return nil
}
