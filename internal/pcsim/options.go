package pcsim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"settled/fileformats/iso8583"
)

// ErrOptions says that the options of a center contradict themselves.
var ErrOptions = errors.New("pcsim: bad options")

// Model is the archetype of a center: how money moves through it.
type Model uint8

const (
	// DualMessage authorizes online (1100, a hold) and clears in files. Purchases and refunds online are declined.
	DualMessage Model = iota
	// SingleMessage moves the money with the online message (1200): there are no holds and no clearing records.
	SingleMessage
)

// String returns "dual-message" or "single-message".
func (m Model) String() string {
	if m == SingleMessage {
		return "single-message"
	}
	return "dual-message"
}

// SequenceScope says where the sequence numbers of file ids start again at 1.
type SequenceScope uint8

const (
	// SequencePerDate numbers files 1, 2, 3 … within each date of the file id.
	SequencePerDate SequenceScope = iota
	// SequenceForever numbers files 1, 2, 3 … whatever their date.
	SequenceForever
)

// User may log in to the SFTP server with a password, a key or either.
type User struct {
	Name     string
	Password string        // empty: no password login
	Key      ssh.PublicKey // nil: no key login
}

// Behavior holds the seeded shares and delays of a center. Shares are between 0 and 1. The zero value approves every
// valid card at once and accepts every correct record.
type Behavior struct {
	// Decline is the share of payments declined; the action code follows a fixed mix (half of them 116).
	Decline float64
	// Silent is the share of approved payments without an answer. Half of them are booked, half never arrived.
	Silent float64
	// Late is the share of approved payments answered LateBy later.
	Late float64
	// Twice is the share of approved payments answered twice.
	Twice float64
	// ReversalLost is the share of payments whose first reversal or online refund works but is not answered.
	ReversalLost float64
	// LateBy is how long a late answer takes, in real time. Default 2 s.
	LateBy time.Duration
	// Latency is the longest ordinary answer time, in real time; each payment takes a seeded part of it.
	Latency time.Duration
	// RejectRecords is the share of correct clearing records rejected at their first presentment.
	RejectRecords float64
	// RefuseFiles is how many correct files, the first ones, are refused whole.
	RefuseFiles int
}

// Replies says how the center gives its replies out.
type Replies struct {
	// Delay is the time, by the center's clock, between reading a file and its reply.
	Delay time.Duration
	// Withhold gives out no reply at all.
	Withhold bool
	// Twice gives each reply out again under another name.
	Twice bool
	// AgainAfter tells each verdict again this long after the first time, in a reply with an id and a name of its own.
	// Zero: never.
	AgainAfter time.Duration
	// TruncatedFirst writes the first half under the final name and replaces it by the whole at the next step.
	TruncatedFirst bool
	// Reverse gives the replies that are due in one step out in reverse order.
	Reverse bool
	// UnknownRecord adds the reject of a message that the file does not have.
	UnknownRecord bool
}

// Options configure a center.
type Options struct {
	// Name is the center's name; it also names the host key that Seed derives.
	Name string
	// MemberID is our member id at the center, 11 digits: the id that our file ids and records must carry.
	MemberID string
	// InstitutionID is the center's own id, 6 to 11 digits; it is the member of its replies. Default "00000999999".
	InstitutionID string
	// Seed drives every share. Equal seeds give equal outcomes.
	Seed uint64
	// Model is the archetype.
	Model Model
	// Location is the zone of the center's bank day. Default UTC.
	Location *time.Location
	// Now is the center's clock. Default time.Now.
	Now func() time.Time
	// Behavior holds the shares.
	Behavior Behavior
	// Replies says how replies are given out.
	Replies Replies
	// OnlineAddr and SFTPAddr are the listen addresses. Default 127.0.0.1:0.
	OnlineAddr, SFTPAddr string
	// TLS makes the online host speak TLS 1.2 or newer under a certificate of its own: see [Center.Certificate].
	TLS bool
	// ClientCAs sign the certificates that the online host then asks for. Nil: it asks for none.
	ClientCAs *x509.CertPool
	// MAC authenticates every message of the online host, both ways. Nil: none is. A message without its code ends the
	// connection.
	MAC *iso8583.MAC
	// HostKey is the SSH host key. Default: derived from Name and Seed.
	HostKey ed25519.PrivateKey
	// Users may log in to the SFTP server. None: nobody can.
	Users []User
	// Root is the directory served over SFTP. Empty: a tree in memory.
	Root string
	// RemovesFiles takes a file out of in/ when it has been read.
	RemovesFiles bool
	// Sequence is the scope of file sequence numbers.
	Sequence SequenceScope
	// LastSequence is the number after which files begin again at 1. Default 99999.
	LastSequence int
	// ReuseRejected frees the sequence number of a file that was rejected whole. Otherwise the number is consumed and
	// the corrected file must carry the next one.
	ReuseRejected bool
	// Charset is the character set of clearing files. Nil: found out for each file, Latin-1 or EBCDIC (cp500). Blocking
	// is always found out, and a reply is written as its file was.
	Charset *iso8583.Charset
	// Delimited makes the center take files of delimited lines instead of IPM; see [Delimited].
	Delimited *Delimited
	// LogEvery is the length of the periods for which a log of authorizations is left in LogDir; zero: none is. LogAfter is the
	// time from the end of a period to its log.
	LogEvery, LogAfter time.Duration
	// EchoEvery and KeepAliveEvery are the pauses, in real time, between echo tests (1804) of the center and between frames
	// without a message, on each connection of the online host. Zero: none.
	EchoEvery, KeepAliveEvery time.Duration
	// Faults are the misbehaviors of the SFTP server; see [Center.SetFaults].
	Faults Faults
}

func (o Options) withDefaults() (Options, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LastSequence == 0 {
		o.LastSequence = 99_999
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.OnlineAddr == "" {
		o.OnlineAddr = "127.0.0.1:0"
	}
	if o.SFTPAddr == "" {
		o.SFTPAddr = "127.0.0.1:0"
	}
	if o.InstitutionID == "" {
		o.InstitutionID = "00000999999"
	}
	o.Behavior = o.Behavior.withDefaults()
	if o.HostKey == nil {
		o.HostKey = o.derivedKey("host key")
	}
	return o, o.check()
}

// derivedKey is the same for the same name and seed.
func (o Options) derivedKey(of string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(of + "\x00" + o.Name + "\x00" + strconv.FormatUint(o.Seed, 10)))
	return ed25519.NewKeyFromSeed(seed[:])
}

func (o Options) check() error {
	if len(o.MemberID) != 11 || !digits(o.MemberID) || strings.Trim(o.MemberID, "0") == "" {
		return fmt.Errorf("%w: member id %q is not 11 digits, or zero", ErrOptions, o.MemberID)
	}
	if n := len(o.InstitutionID); n < 6 || n > 11 || !digits(o.InstitutionID) {
		return fmt.Errorf("%w: institution id %q is not 6 to 11 digits", ErrOptions, o.InstitutionID)
	}
	if o.ClientCAs != nil && !o.TLS {
		return fmt.Errorf("%w: certificates of clients without TLS", ErrOptions)
	}
	if strings.ContainsAny(o.Name, "/\x00") {
		return fmt.Errorf("%w: name %q", ErrOptions, o.Name)
	}
	if o.Replies.Delay < 0 || o.LogEvery < 0 || o.LogAfter < 0 || o.EchoEvery < 0 || o.KeepAliveEvery < 0 {
		return fmt.Errorf("%w: negative delay", ErrOptions)
	}
	return o.Behavior.check()
}

func (b Behavior) withDefaults() Behavior {
	if b.LateBy == 0 {
		b.LateBy = 2 * time.Second
	}
	return b
}

func (b Behavior) check() error {
	for _, share := range []float64{b.Decline, b.Silent, b.Late, b.Twice, b.ReversalLost, b.RejectRecords, b.Silent + b.Late + b.Twice} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("%w: share %v is not between 0 and 1", ErrOptions, share)
		}
	}
	if b.LateBy < 0 || b.Latency < 0 {
		return fmt.Errorf("%w: negative delay", ErrOptions)
	}
	return nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
