package postgres

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestDecide(t *testing.T) {
	one, other, none := [16]byte{1}, [16]byte{2}, [16]byte{}
	for _, tt := range []struct {
		found, alive bool
		begun, asked [16]byte
		want         Outcome
		why          error
	}{
		{true, false, one, one, Done, nil},
		{true, true, one, one, Done, nil},
		{true, false, one, other, Done, nil}, // recovered with it
		{false, false, one, one, Rejected, nil},
		{false, true, one, one, Unknown, errUndecided},
		{false, false, one, other, Unknown, errRecovered},
		{false, false, none, one, Unknown, errRecovered}, // nobody knows what was before
		{false, false, one, none, Unknown, errUndecided}, // asked a standby
		{false, false, none, none, Unknown, errUndecided},
	} {
		got, err := decide(tt.found, tt.alive, tt.begun, tt.asked)
		if got != tt.want || !errors.Is(err, tt.why) {
			t.Errorf("found %v, alive %v, begun in %v, asked in %v: got %v, %v; want %v, %v", tt.found, tt.alive, tt.begun[0], tt.asked[0],
				got, err, tt.want, tt.why)
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
