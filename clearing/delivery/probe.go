package delivery

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"

	"settled/clearing/remote"
)

// Trial is what came of a probe file at a center.
type Trial struct {
	Center  string
	Address string
	Step    string // what failed: the connection, or a step as docs/doctor.md names them; empty: none
	Err     error  // of that step
	Unread  error  // why it could not be read back, where the rest went well: some centers let nobody read their inbox
	Left    string // name of what stands there, because it may not be removed; empty: nothing
}

// probePrefix begins the names of probe files. No file of ours and no reply is called so, and names that begin with a dot are for nobody to take.
const probePrefix = ".settled-probe."

// Probe writes a file of a hundred bytes to the file server of each center, in the directory for our files, as a delivery does: under a temporary
// name, renamed, listed, read back; then it is removed. Its names are its own, and no file of ours has such. Nothing is written here. A center that
// is left alone after refused logins is not connected to.
func (c *Courier) Probe(ctx context.Context) (all []Trial) {
	all = make([]Trial, len(c.centers))
	var trials sync.WaitGroup
	for i, s := range c.centers {
		all[i] = Trial{Center: s.Name, Address: s.SFTP.Address}
		trials.Go(func() { c.try(ctx, s, &all[i]) })
	}
	trials.Wait()
	return all
}

func (c *Courier) try(ctx context.Context, s *Center, t *Trial) {
	t.Step = "connect"
	if _, t.Err = c.dialer.Parked(ctx, s.ID); t.Err != nil {
		return
	}
	link, err := remote.Dial(ctx, s.SFTP)
	if err != nil {
		t.Err = err
		return
	}
	defer func() { _ = link.Close() }()
	p := newProbe(link, s.Outbox)
	t.Step, t.Err = p.deliver(ctx)
	if t.Err == nil {
		t.Unread = p.readBack()
	}
	t.Left = p.remove()
}

// probe is a probe file on its way.
type probe struct {
	link             *remote.Link
	temporary, final string
	content          []byte
	written, moved   bool // something may stand under the temporary name, under the final one
}

func newProbe(link *remote.Link, outbox string) *probe {
	token := strings.ToLower(rand.Text())
	final := path.Join(outbox, probePrefix+token)
	return &probe{link: link, final: final, temporary: final + temporarySuffix,
		content: bytes.Repeat([]byte("settled doctor --probe: remove this\n"), 3)}
}

// deliver writes, renames and finds the file. It returns the step that failed.
func (p *probe) deliver(ctx context.Context) (step string, err error) {
	blocks := [][]byte{p.content}
	p.written = true
	_, err = p.link.Put(p.temporary, func() ([]byte, error) {
		if len(blocks) == 0 {
			return nil, io.EOF
		}
		defer func() { blocks = nil }()
		return blocks[0], nil
	})
	if err != nil {
		return "write", err
	}
	p.moved = true
	if err := p.link.Rename(p.temporary, p.final); err != nil {
		return "rename", err
	}
	p.written = false
	_, found, err := p.link.Stat(p.final)
	if err == nil && !found {
		err = fmt.Errorf("%s is not there after its rename", p.final)
	}
	if err != nil {
		return "find", err
	}
	return "", ctx.Err()
}

// readBack compares what stands there with what was written.
func (p *probe) readBack() error {
	var back bytes.Buffer
	if _, err := p.link.Read(p.final, &back); err != nil {
		return err
	}
	if !bytes.Equal(back.Bytes(), p.content) {
		return &remote.Error{Op: "read " + p.final, Class: remote.Mismatch, Err: fmt.Errorf("%d bytes came back, %d were written, and they differ", back.Len(), len(p.content))}
	}
	return nil
}

// remove takes away what may stand there, and returns the name of what stays.
func (p *probe) remove() (left string) {
	for _, one := range []struct {
		may  bool
		name string
	}{{p.written, p.temporary}, {p.moved, p.final}} {
		if !one.may || p.link.Remove(one.name) == nil {
			continue
		}
		if _, found, err := p.link.Stat(one.name); found || err != nil {
			left = one.name
		}
	}
	return left
}
