package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"settled/clearing"
	"settled/clearing/remote"
	"settled/internal/postgres"
	"settled/internal/vault"

	"golang.org/x/crypto/ssh"
)

// ChildCommand is the hidden subcommand by which a benchmark runs one step in a process of its own, so that its memory
// can be told from the benchmark's.
const ChildCommand = "bench-child"

// childResult is what a child prints.
type childResult struct {
	Seconds float64 `json:"seconds"`
	MaxRSS  int64   `json:"max_rss"` // bytes
}

// step is one step of the night, run by a child: build a batch or apply a reply.
type step struct {
	name string // "build" or "apply"
	id   int64
}

// inChild runs a step in its own process and returns how long the step took and the most memory the process used.
func (w *world) inChild(ctx context.Context, s step) (took float64, maxRSS int64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, self, ChildCommand, w.db.url, w.keyFile(), s.name, strconv.FormatInt(s.id, 10))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("%s %d in a child: %w", s.name, s.id, err)
	}
	var r childResult
	if err := json.Unmarshal(out, &r); err != nil {
		return 0, 0, fmt.Errorf("%s %d in a child printed %q: %w", s.name, s.id, out, err)
	}
	return r.Seconds, r.MaxRSS, nil
}

// Child is the other end: args are a database URL, a key file, the step's name and its id.
func Child(ctx context.Context, out io.Writer, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("%s wants a URL, a key file, a step and an id", ChildCommand)
	}
	id, err := strconv.ParseInt(args[3], 10, 64)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: args[0], MaxConns: 8, StatementTimeout: -1})
	if err != nil {
		return err
	}
	defer pool.Close()
	w := &world{}
	if w.keys, err = vault.Open(args[1]); err != nil {
		return err
	}
	if w.dir, err = directory(); err != nil {
		return err
	}
	if err := w.register(ctx, pool); err != nil {
		return err
	}
	n, err := w.night(pool, nowhere())
	if err != nil {
		return err
	}
	took, err := seconds(func() error { return step{args[2], id}.run(ctx, n) })
	if err != nil {
		return err
	}
	rss, err := peakRSS()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(childResult{took, rss})
}

// peakRSS is the most memory that this process has had resident. The usage that a parent sees of its child would count
// the parent's own memory at the time of the fork.
func peakRSS() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(text)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("the system does not tell the memory of a process")
}

func (s step) run(ctx context.Context, n *clearing.Night) error {
	switch s.name {
	case "build":
		return n.BuildBatch(ctx, s.id)
	case "apply":
		return n.ApplyReply(ctx, s.id)
	}
	return fmt.Errorf("no step %q", s.name)
}

// nowhere is a file server that is never dialed.
func nowhere() remote.Config {
	key, _, _, _, _ := ssh.ParseAuthorizedKey([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIKqiBl1l1l1l1l1l1l1l1l1l1l1l1l1l1l1l1l1l1l1"))
	return remote.Config{Address: "127.0.0.1:1", User: "nobody", Auth: []ssh.AuthMethod{ssh.Password("unused")},
		HostKeys: []ssh.PublicKey{key}, ConnectTimeout: time.Second}
}
