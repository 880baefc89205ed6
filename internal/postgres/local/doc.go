// Package local starts a PostgreSQL server of our own: a durable one for the demo, a throw-away one for tests.
//
// Start finds the server programs (see Binaries), makes a data directory, and runs the server on a private unix socket;
// as root it runs it as the user postgres, else nobody, since PostgreSQL refuses to run as root.
//
// # Nothing stays behind
//
// The server is not our child but the child of a small shell script in a session of its own, which holds the reading end
// of a pipe. The pipe ends when Stop closes it, and just the same when our process dies in any way, kill -9 included:
// then the script stops the server and removes what is not to be kept. Stop and sudden death are one path. Ctrl-C does
// not reach the server: its session has no terminal.
package local
