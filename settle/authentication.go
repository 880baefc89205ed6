package settle

import (
	"time"
)

// AuthenticationState is where the 3-D Secure of a payment stands.
type AuthenticationState int16

// The states of authentications. The numbers are stored.
const (
	AuthenticationMethod    AuthenticationState = 1 // the buyer's browser is being looked at
	AuthenticationChallenge AuthenticationState = 2 // the buyer is asked, by a page or by other ways
	AuthenticationPassed    AuthenticationState = 3 // final: the payment was sent
	AuthenticationFailed    AuthenticationState = 4 // final: nothing was sent
)

// AuthenticateFor is how long a buyer has to pass 3-D Secure.
const AuthenticateFor = 15 * time.Minute

// responseAuthenticate is the response code of a payment that waits for 3-D Secure.
const responseAuthenticate = "AS110"

// Authentication is the 3-D Secure of a payment operation. Status, ECI and DirectoryID are as the access control
// server gave them (EMV 3-D Secure, transStatus and its companions).
type Authentication struct {
	Operation   int16
	State       AuthenticationState
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

// securityLevel says in clearing how far the buyer was authenticated (IPM, PDS 0052).
func (a *Authentication) securityLevel() string {
	switch a.Status {
	case "Y":
		return "212"
	case "A":
		return "211"
	}
	return "210"
}

// waits tells that the authentication has no final result.
func (a *Authentication) waits() bool {
	return a != nil && (a.State == AuthenticationMethod || a.State == AuthenticationChallenge)
}

// decoupled is the 3-D Secure status of a buyer who is asked by other ways than his browser (EMV 3-D Secure, transStatus).
const decoupled = "D"
