package config

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/clearing"
	"settled/internal/vault"
	"settled/schedules"
	"settled/settle"
	"settled/settle/retention"

	"go.yaml.in/yaml/v3"
)

// Config is what a configuration file means.
type Config struct {
	Environment vault.Environment
	PublicURL   string          // where buyers and banks reach the API, without a slash at its end; may be empty in tests
	SigningKey  *rsa.PrivateKey // signs answers and notifications; nil: there are no signatures
	Zone        *time.Location  // of accounting dates
	Directory   *settle.Directory
	ThreeDS     *ThreeDS // nil: cardholders are not authenticated
	Centers     []Center // in order of the file
	Merchants   []Merchant
	Schedules   []Schedule // in order of their names
	Retention   retention.Periods
	Warnings    []Problem // risks that a live installation takes by the word of its file, in order of their lines

	path    string     // of the file
	root    *yaml.Node // nil when there is none
	content *Content
}

// Content is what the configuration says, to be compared with another; nothing for one that was not read from a text.
func (c *Config) Content() *Content {
	if c.content == nil {
		return &Content{}
	}
	return c.content
}

// Path is where the configuration stands; empty when it was not read from a file.
func (c *Config) Path() string { return c.path }

// ThreeDS is how the 3-D Secure server is reached.
type ThreeDS struct {
	URL     string
	KeyID   string // names Secret in requests
	Secret  vault.Secret
	Timeout time.Duration // of one request
}

// Center is a processing center: as the books know it, and how it is reached.
type Center struct {
	*settle.Center
	Online   online.Settings   // zero of an instant center
	Instant  *Instant          // nil of every other
	Clearing *clearing.Profile // nil when the center takes no clearing files
}

// Instant is how a partner bank for instant payments is reached.
type Instant struct {
	URL     string
	KeyID   string // names Secret in requests and notifications
	Secret  vault.Secret
	Kopecks bool          // amounts are whole minor units; else decimal numbers of the currency
	Timeout time.Duration // of one request
	QRTTL   time.Duration // how long a code can be paid
}

// Merchant is who sells: as the books know it, and how it shows who it is.
type Merchant struct {
	*settle.Merchant
	Login        string
	PasswordHash string // argon2id in PHC form
	SecretWord   vault.Secret
	// SecretWordFile holds SecretWord, absolute; empty when the configuration itself does or there is none.
	SecretWordFile string
	TestMode       bool
	Russian        bool   // texts of payment answers are Russian unless the request says otherwise
	Charset        string // of its pages, whose forms do not say it
	OldCurrencies  bool   // RUR is read as RUB, BYR as BYN
	Page           tenants.Page
	Proofs         protocol.Proofs // without the secret word, which stays masked
	Notify         tenants.Notify  // of which operations, the books know
	CardTesting    tenants.CardTesting
}

// Schedule is a recurring job.
type Schedule struct {
	Name string
	Spec *schedules.Recurring
}

// Load reads the configuration file at path. An error is one of the file system or [Problems].
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, text)
}

// Parse is Load of a text that was read from path.
func Parse(path string, text []byte) (*Config, error) {
	var file File
	root, problems := decode(path, text, &file)
	if len(problems) > 0 {
		return nil, problems
	}
	c := &checker{path: path, dir: filepath.Dir(path), root: root}
	cfg := c.config(file)
	if len(c.problems) > 0 {
		slices.SortStableFunc(c.problems, byLine)
		return nil, c.problems
	}
	slices.SortStableFunc(c.warnings, byLine)
	cfg.Warnings, cfg.path, cfg.root, cfg.content = c.warnings, path, root, contentOf(&file, c.resolve)
	return cfg, nil
}

// Problem is something to tell of the setting with a key, such as "calendars.BY.horizon".
func (c *Config) Problem(key, why string) Problem {
	p := Problem{File: c.path, Place: key, Why: why}
	if c.root != nil {
		p.Line = place{}.under(key).line(c.root)
	}
	return p
}

func byLine(a, b Problem) int { return a.Line - b.Line }

// decode reads the text twice: strictly into file, and as a tree that knows the lines.
func decode(path string, text []byte, file *File) (*yaml.Node, Problems) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	err := d.Decode(file)
	if errors.Is(err, io.EOF) {
		return nil, Problems{{File: path, Why: "the file is empty"}}
	}
	if err != nil {
		return nil, syntaxProblems(path, err)
	}
	if err := d.Decode(new(File)); !errors.Is(err, io.EOF) {
		return nil, Problems{{File: path, Why: "there is more than one document in the file"}}
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, syntaxProblems(path, err)
	}
	return document.Content[0], nil
}
