package postgres

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestDecide(t *testing.T) {
	const absent, present, silent = "absent", "present", "silent"
	for _, tt := range []struct {
		status, key string
		want        Outcome
		again       bool
	}{
		{"committed", present, Done, false},
		{"committed", silent, Done, false},
		{"committed", absent, Unknown, false}, // they contradict each other: nobody guesses
		{"aborted", absent, Rejected, false},
		{"aborted", silent, Rejected, false},
		{"aborted", present, Done, false}, // an earlier attempt wrote it, or the id is of another server
		{"in progress", absent, Unknown, true},
		{"in progress", silent, Unknown, true},
		{"in progress", present, Done, false},
		{"", absent, Rejected, false},
		{"", present, Done, false},
		{"", silent, Unknown, false},
	} {
		got, err := decide(tt.status, tt.key == present, tt.key != silent)
		if got != tt.want || (err != nil) != tt.again {
			t.Errorf("status %q, key %s: got %v, %v; want %v, again %v", tt.status, tt.key, got, err, tt.want, tt.again)
		}
	}
}

func TestOnlyTheServersOwnNoIsRefusal(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{&pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "23505"}, true},
		{&pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "40001"}, true},
		{&pgconn.PgError{SeverityUnlocalized: "FATAL", Code: "57P01"}, false},
		{&pgconn.PgError{SeverityUnlocalized: "PANIC", Code: "53100"}, false}, // the disk of the log is full
		{&pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "08006"}, false},
		{errors.New("conn closed"), false},
		{nil, false},
	} {
		if got := refusedByServer(tt.err); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.err, got, tt.want)
		}
	}
}
