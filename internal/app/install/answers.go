package install

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The centers that an installation can begin with.
const (
	CenterSim    = "pcsim"          // the simulator on this host: authorizes, clears in files
	CenterDual   = "dual-message"   // authorizes online, clears in files of IPM by SFTP
	CenterSingle = "single-message" // the online answer moves the money
)

// Answers say what to write. Empty: not answered.
type Answers struct {
	Dir         string // of the installation, which must not exist
	Environment string // test or live
	URL         string // where buyers and shops reach us
	Database    string // a URL, for the owner of the database; it is not kept
	Center      string // one of the constants above
	CenterName  string
	Address     string // of the center's online host, host:port
	Acquirer    string // our institution and member id there
	BIN         string // our acquirer BIN
	SFTP        string // of the center's file server, host:port
	SFTPUser    string
	HostKey     string // of the file server, as in authorized_keys
	Country     string // ISO 3166 alpha-3, of the merchant
	Currency    string // ISO 4217, of the merchant and its route
	Zone        string // IANA time zone of accounting, center and cut-offs
	Merchant    string // Merchant_ID
	Name        string // of the merchant, as buyers read it
	Street      string
	City        string
	Postal      string
	MCC         string
	Terminal    string
	Acceptor    string
}

// live tells that the installation is to move money.
func (a Answers) live() bool { return a.Environment == "live" }

// sim tells that the center is the simulator.
func (a Answers) sim() bool { return a.Center == CenterSim }

// clears tells that the center takes clearing files.
func (a Answers) clears() bool { return a.Center == CenterSim || a.Center == CenterDual }

// Question is one thing that has to be known.
type Question struct {
	Flag string // without its dashes
	Asks string
	// Words are the answers that there are; nil: any.
	Words []string

	field    func(*Answers) *string
	standard func(Answers) string // answer when nobody gives one; nil, or empty: it has to be given
	asked    func(Answers) bool   // nil: always
	check    func(Answers, string) error
}

// Field is where the answer belongs.
func (q Question) Field(a *Answers) *string { return q.field(a) }

// ErrAnswers says that answers are missing or wrong. Nothing was written.
var ErrAnswers = errors.New("nothing was written")

// Ask asks a person. standard is what no answer means, and complaint what was wrong with the answer before; both may be empty.
type Ask func(q Question, standard, complaint string) (answer string, err error)

// Complete checks the answers that are there and completes them: by asking, or, with a nil ask, with those that stand for no answer. The error
// names each flag that is missing.
func (a *Answers) Complete(ask Ask) error {
	var missing []string
	for _, q := range Questions() {
		err := a.complete(q, ask)
		if errors.Is(err, errMissing) {
			missing = append(missing, "--"+q.Flag)
			continue
		}
		if err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: nobody was there to be asked; say %s", ErrAnswers, strings.Join(missing, ", "))
	}
	return nil
}

var errMissing = errors.New("an answer is needed")

func (a *Answers) complete(q Question, ask Ask) error {
	field := q.field(a)
	if q.asked != nil && !q.asked(*a) {
		if *field != "" {
			return fmt.Errorf("%w: --%s is not for a %s installation with the center %s", ErrAnswers, q.Flag, a.Environment, a.Center)
		}
		return nil
	}
	standard := ""
	if q.standard != nil {
		standard = q.standard(*a)
	}
	if *field == "" && ask != nil {
		return a.inquire(q, standard, ask)
	}
	if *field == "" {
		*field = standard
	}
	switch err := q.wrong(*a, *field); {
	case errors.Is(err, errMissing):
		return err
	case err != nil:
		return fmt.Errorf("%w: --%s: %w", ErrAnswers, q.Flag, err)
	}
	return nil
}

// inquire asks until the answer is one.
func (a *Answers) inquire(q Question, standard string, ask Ask) error {
	for complaint := ""; ; {
		answer, err := ask(q, standard, complaint)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrAnswers, err)
		}
		if answer = strings.TrimSpace(answer); answer == "" {
			answer = standard
		}
		if err = q.wrong(*a, answer); err == nil {
			*q.field(a) = answer
			return nil
		}
		complaint = err.Error()
	}
}

// wrong says what is wrong with an answer.
func (q Question) wrong(a Answers, answer string) error {
	switch {
	case answer == "":
		return errMissing
	case strings.ContainsFunc(answer, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("it holds a control character")
	case q.Words != nil && !slices.Contains(q.Words, answer):
		return fmt.Errorf("%q is not one of %s", answer, strings.Join(q.Words, ", "))
	case q.check != nil:
		return q.check(a, answer)
	}
	return nil
}
