package doctor

import (
	"context"
	"fmt"

	"settled/internal/postgres"
)

// Bounds of the room on the disk of the database, in hundredths of it.
const (
	lowRoom    = 20
	littleRoom = 10
)

// space looks at how much the database holds, and at the room where it lies when that is on this host and PostgreSQL tells where.
func space(ctx context.Context, p *patient) []Finding {
	held, err := postgres.Held(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	holds := fmt.Sprintf("the database holds %s", bytesOf(held.Bytes))
	if held.Directory == "" {
		return found(Good, "%s; how much room its disk has left is not told to our login, or it is on another host: watch it there", holds)
	}
	free, whole, err := p.Space(held.Directory)
	if err != nil || whole == 0 {
		return found(Good, "%s; the room left at %s cannot be seen from here: watch it there", holds, held.Directory)
	}
	switch part := free * 100 / whole; {
	case part < littleRoom:
		return found(Bad, "%s; %s has %s left, %d %%: make room before it is full, PostgreSQL stops then", holds, held.Directory, bytesOf(free), part)
	case part < lowRoom:
		return found(Warning, "%s; %s has %s left, %d %%: make room", holds, held.Directory, bytesOf(free), part)
	default:
		return found(Good, "%s; %s has %s left, %d %%", holds, held.Directory, bytesOf(free), part)
	}
}

// bytesOf writes a number of bytes for people.
func bytesOf(n uint64) string {
	unit := 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f := float64(n)
	for ; f >= 1024 && unit < len(units)-1; unit++ {
		f /= 1024
	}
	return fmt.Sprintf("%.1f %s", f, units[unit])
}
