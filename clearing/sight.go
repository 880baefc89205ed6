package clearing

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"settled/clearing/remote"
	"settled/settle/order"
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
// directories. It writes nothing, here or there. A center that is left alone after refused logins is not connected to (ErrParked).
func (n *Night) LookAround(ctx context.Context) (all []Sight) {
	all = make([]Sight, len(n.centers))
	var looks sync.WaitGroup
	for i, s := range n.centers {
		all[i] = Sight{Center: s.Name, Address: s.SFTP.Address}
		looks.Go(func() { all[i].Err = n.look(ctx, s, &all[i]) })
	}
	looks.Wait()
	return all
}

func (n *Night) look(ctx context.Context, s *station, sight *Sight) error {
	if err := n.parked(ctx, s, 0); err != nil {
		return err
	}
	link, err := remote.Dial(ctx, s.SFTP)
	if err != nil {
		return err
	}
	defer func() { _ = link.Close() }()
	for _, dir := range s.directories() {
		entries, err := link.List(ctx, dir)
		if err != nil {
			sight.Unread = append(sight.Unread, fmt.Sprintf("%s (%v)", dir, err))
			continue
		}
		for _, e := range entries {
			if dir == s.Outbox && strings.HasPrefix(e.Name, ".") && strings.HasSuffix(e.Name, temporarySuffix) {
				sight.Temporary = append(sight.Temporary, printable(e.Name))
			}
		}
	}
	return nil
}

// directories are those that a center is worked with in. Logs are fetched only where the center leaves them in files.
func (s *station) directories() []string {
	dirs := []string{s.Outbox, s.Inbox}
	if s.Capabilities.Log == order.LogByFile {
		dirs = append(dirs, s.LogDir)
	}
	return dirs
}
