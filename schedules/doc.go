// Package schedules answers three questions about time: which business dates a calendar has, which clearing windows a
// processing center's plan makes from them, and when a recurring job runs. It decides; it never waits. Every function is
// pure: what it needs to know of the present is a parameter.
//
// # From the wall clock to an instant
//
// People write local times; machines store instants. [Resolve] is the only bridge: it returns the first instant at which
// the clock on the wall of the zone shows the given date and time, or a later one. So a time that the spring change skips
// happens at the first instant after the gap, and a time that the autumn change repeats happens at its first occurrence,
// once. Resolve is monotonic: a later wall time is never an earlier instant.
//
// # Calendars
//
// A [Calendar] is data: weekend days, holidays, and working days that replace holidays (a Saturday that was swapped). It
// knows the last date that it covers and refuses to guess beyond it ([ErrBeyondHorizon]).
//
// # Plans
//
// A [Plan] holds the clearing windows of one stream of a processing center. Its occurrences are made ahead as rows; what
// is due is asked of the rows, so a worker that was down catches up and none runs twice:
//
//	     window 1 of Friday                      window 1 of Monday
//	├─────────────────────────────┼──────────────────────────────────────────────────┤
//	OpensAt                    CutoffAt = OpensAt                                 CutoffAt
//	                                 └─ DeadlineAt                                      └─ DeadlineAt
//
// The windows of a plan tile time: a record belongs to the window with OpensAt ≤ instant < CutoffAt. A record of a
// holiday thus falls into the next window that exists and takes its business date: the roll is "following".
//
// # Recurring jobs
//
// A [Recurring] is a cron spec with a zone. The key of a slot is the same whenever and wherever it is computed; a UNIQUE
// (schedule, slot) in the database makes a slot run exactly once. There are two kinds of spec, and a change of clocks
// treats them differently:
//
//   - Wall-clock specs name their hours ("30 2 * * *", "0 8-18/2 * * 1-5", @daily). Every slot happens exactly once, where
//     Resolve puts it. Slots that meet at the end of a gap are one run, named after the last of them.
//   - Interval specs cover every hour ("*/10 * * * *", "0 * * * *", @hourly, @every 90s). They follow elapsed time: the
//     minutes of a repeated hour happen in both, those of a skipped hour in neither, and so ten minutes stay ten minutes.
//
// # Durations
//
// An expiry, such as 48 hours from an approval, is a duration: instant plus duration, in no zone, by no calendar. It is
// not "two midnights", so no change of clocks shortens or lengthens it, and nothing in this package is needed for it.
package schedules
