package authentication

import (
	"time"

	"settled/settle/stored"
)

// State is where the 3-D Secure of a payment stands.
type State int16

// The states of authentications. The numbers are stored.
const (
	Method    State = 1 // the buyer's browser is being looked at
	Challenge State = 2 // the buyer is asked, by a page or by other ways
	Passed    State = 3 // final: the payment was sent
	Failed    State = 4 // final: nothing was sent
)

// Within is how long a buyer has to pass 3-D Secure.
const Within = 15 * time.Minute

// Authentication is the 3-D Secure of a payment operation. Status, ECI and DirectoryID are as the access control
// server gave them (EMV 3-D Secure, transStatus and its companions).
type Authentication struct {
	Operation   int16
	State       State
	ServerID    string // threeDSServerTransID
	Version     string
	Status      string // Y, A, N, U, R, C, D or I; empty: not known yet
	Required    int16  // 1 the card takes part, 0 it does not, -1 unknown
	ECI         string
	DirectoryID string // transaction id of the directory server
	StartedAt   time.Time
	ExpiresAt   time.Time
	CompletedAt *time.Time
	MethodURL   string // where the browser is looked at; empty: nowhere
	MethodDone  bool   // that look has ended
	Browser     string // what the buyer's browser says of itself, kept until the access control server is asked
}

// SecurityLevel says in clearing how far the buyer was authenticated (IPM, PDS 0052).
func (a *Authentication) SecurityLevel() string {
	switch a.Status {
	case "Y":
		return "212"
	case "A":
		return "211"
	}
	return "210"
}

// Waits tells that the authentication has no final result.
func (a *Authentication) Waits() bool {
	return a != nil && (a.State == Method || a.State == Challenge)
}

// decoupled is the 3-D Secure status of a buyer who is asked by other ways than his browser (EMV 3-D Secure, transStatus).
const decoupled = "D"

var states = map[State]string{Method: "method", Challenge: "challenge",
	Passed: "passed", Failed: "failed"}

// String is the state in a word.
func (s State) String() string { return stored.Word(states, s) }
