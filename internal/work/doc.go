// Package work runs what nobody asks for over the API: recurring jobs and the steps of the night.
//
// # What is due is asked of rows
//
//	schedules (next_at)  ──┐
//	                       ├── Tick ──► river_job ──► a worker ──► a function that takes what it needs
//	windows, files, replies┤
//	notifications ─────────┘
//
// [Runner.Tick] finds the schedules whose next slot has come, under a row lock, and in one transaction notes the run (unique
// by schedule and slot), queues its job and moves the schedule on. So a slot runs once however many workers there are, a
// slot that was missed is made up for once, and a job cannot be lost between the note and the queue. The steps of the night
// (seal, build, deliver, apply) are queued the same way from the rows that say that they are next, unique while one for
// the same thing is queued or running.
//
// # A job is a shell
//
// A worker of River does nothing but call a function and note how it went. All functions may run twice, or be cut off at
// any point, and do the same. A step that fails is repeated by River with growing pauses; a recurring job is not, because
// its next slot does its work. A recurring job runs under the lease of its schedule, so a slow run is not overtaken.
//
// # Who lives
//
// A lease is a row with an end by the database's time and a fence that grows with each holder ([settled/internal/postgres.Lease]).
// Its holder renews it; a host that vanished, a process that was stopped and a network that is cut do not, and lose it within
// half a minute. Each worker has one of its own besides: when that ends, its jobs that the queue shows as running are given to
// others, at once and only then. A worker that comes back finds the contexts of its jobs ended, and notes nothing under an old
// fence. What it may have sent before that does no harm: a step is guarded by the row that it moves.
//
// # Notifications
//
// A try to tell a merchant's server a result is a job of a queue of its own, so that servers that do not answer hold up no step of
// the night. Which may be tried is asked of rows once per tick and after each try: a few of each merchant at a time. A job is
// unique by the notification and the tries before it, and claims the row; it is not repeated by River, because the row says when it
// is due again.
//
// River's periodic jobs are not used: they live in the memory of one process and lose what falls due while none is up.
package work
