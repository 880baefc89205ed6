package clearing

import (
	"time"

	"settled/clearing/states"
)

// Window is a cut-off row.
type Window struct {
	ID           int32              `json:"window"`
	Center       int16              `json:"center"`
	Stream       string             `json:"stream"`
	BusinessDate time.Time          `json:"business_date"`
	No           int16              `json:"window_no"`
	CutoffAt     time.Time          `json:"cutoff_at"`
	DeadlineAt   time.Time          `json:"deadline_at"`
	State        states.WindowState `json:"state"`
	SealedAt     *time.Time         `json:"sealed_at,omitempty"`
}

const selectWindow = `
SELECT window_id, center_id, stream, business_date, window_no, cutoff_at, deadline_at, state, sealed_at FROM windows `

var nextWindow = selectWindow + `
WHERE center_id = $1 AND stream = $2 AND state = ` + states.Quoted(states.WindowOpen) + ` ORDER BY cutoff_at LIMIT 1`
