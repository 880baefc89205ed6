package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"settled/internal/postgres"
	"settled/settle"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Options of a run. Zero fields mean the defaults named at each.
type Options struct {
	Only    []string      // benchmarks to run; all when empty
	Rounds  int           // turns of product and limit; default 5
	Slice   time.Duration // length of one turn of a load; default 5 s
	Records int           // records of the large batch; default 1 000 000
	Stored  int           // records stored before the growth benchmarks; default 10 000 000
}

// Names lists the benchmarks in the order in which they run.
var Names = []string{"auth", "side", "build", "reply", "upload", "seal", "growth"}

type bench struct {
	Options
	out   io.Writer
	began time.Time
}

func (o Options) withDefaults() Options {
	if o.Rounds == 0 {
		o.Rounds = 5
	}
	if o.Slice == 0 {
		o.Slice = 5 * time.Second
	}
	if o.Records == 0 {
		o.Records = 1_000_000
	}
	if o.Stored == 0 {
		o.Stored = 10_000_000
	}
	return o
}

// Run runs the benchmarks and prints what they find. An error means that one could not be run; a missed goal is printed
// and is none.
func Run(ctx context.Context, out io.Writer, o Options) error {
	b := &bench{Options: o.withDefaults(), out: out, began: time.Now()}
	for _, name := range b.Only {
		if !slices.Contains(Names, name) {
			return fmt.Errorf("bench: no benchmark %q; there are %s", name, strings.Join(Names, ", "))
		}
	}
	fmt.Fprintf(out, "%d cores, %s, load average %s\n", runtime.NumCPU(), runtime.Version(), loadAverage())
	db, err := startDatabase(ctx)
	if err != nil {
		return err
	}
	err = b.all(ctx, db)
	if stop := db.server.Stop(); err == nil {
		err = stop
	}
	return err
}

func (b *bench) wants(name string) bool { return len(b.Only) == 0 || slices.Contains(b.Only, name) }

// stamp makes order numbers of a turn differ from those of every other turn and run.
func (b *bench) stamp(turn string) string { return fmt.Sprintf("%d-%s", b.began.UnixMilli(), turn) }

func (b *bench) all(ctx context.Context, db *database) error {
	w, err := newWorld(db)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.start(ctx); err != nil {
		return err
	}
	if err := w.planWindows(ctx); err != nil {
		return err
	}
	owner, err := db.owner(ctx)
	if err != nil {
		return err
	}
	defer owner.Close()
	f := &filler{owner: owner, keys: w.keys}
	benchmarks := map[string]func() error{
		"auth":   func() error { return b.auth(ctx, w) },
		"side":   func() error { return b.side(ctx, w) },
		"build":  func() error { return b.build(ctx, w, f) },
		"reply":  func() error { return b.reply(ctx, w, f) },
		"upload": func() error { return b.upload(ctx, w) },
		"seal":   func() error { return b.seal(ctx, w, f) },
		"growth": func() error { return b.growth(ctx, w, f) },
	}
	for _, name := range Names {
		if run := benchmarks[name]; run != nil && b.wants(name) {
			fmt.Fprintf(b.out, "\n%s\n", name)
			if err := run(); err != nil {
				return fmt.Errorf("bench %s: %w", name, err)
			}
		}
	}
	return nil
}

// lanes opens the sessions of the group commit with the settings that the product gives them.
func (w *world) lanes(ctx context.Context) (*pgxpool.Pool, error) {
	u, err := lanesURL(w.db.url, settle.LaneSettings)
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, postgres.Config{URL: u, MaxConns: 4})
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
