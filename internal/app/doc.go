// Package app puts the parts together: the one place that opens connections, starts goroutines and reads the clock.
//
// [Open] makes the [Core]: database, keys, books and the night, enough for every operator command. [Start] adds what a
// server is: the merchants' API with its listener ([Serve]), recurring work and the steps of the night ([Work]), or both, and
// metrics with health on a listener of their own. Any number of processes of either kind run against one database.
//
// Everything that is opened is closed in the opposite order. Stop drains: no new request and no new job is taken, what runs
// gets its time, what is then left is found in the rows by whoever comes next.
package app
