package delivery

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/states"
)

// longestWait is further ahead than any next attempt: a center that refused us is left alone for an hour.
const longestWait = 2 * time.Hour

var mendFiles = `
UPDATE files SET next_attempt_at = $1 WHERE state IN ` + states.In(states.FilePlanned, states.FileBuilt, states.FileReleased, states.FileSending) + ` AND next_attempt_at > $2`

// MendTimes lets files go on whose next attempt lies further ahead than it can, because a clock was ahead when it was written.
// It returns how many.
func (c *Courier) MendTimes(ctx context.Context) (int, error) {
	now := c.now()
	tag, err := c.pool.Exec(ctx, mendFiles, now, now.Add(longestWait))
	if err != nil {
		return 0, fmt.Errorf("mend times of files: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
