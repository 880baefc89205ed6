package authorize

import "time"

// timeFormat is how instants stand in answers, in UTC.
const timeFormat = "02.01.2006 15:04:05"

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }
