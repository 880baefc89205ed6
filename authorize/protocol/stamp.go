package protocol

import "time"

// timeFormat is how instants stand in answers, in UTC.
const timeFormat = "02.01.2006 15:04:05"

// Stamp writes an instant as answers have it, in UTC to the second.
func Stamp(t time.Time) string { return t.UTC().Format(timeFormat) }
