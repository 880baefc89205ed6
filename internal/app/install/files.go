package install

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	_ "embed" // the template
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"settled/authorize/tenants"
	"settled/internal/config"
	"settled/internal/postgres/roles"
	"settled/internal/vault"

	"golang.org/x/crypto/ssh"
)

// The files of an installation, relative to its directory. docs/install.md lists them.
const (
	fileConfig   = "settled.yaml"
	fileKeys     = "settled.keys"
	fileKEK      = "secrets/settled.kek" // seals the keys
	filePass     = "secrets/pgpass"      // passwords of the logins
	fileKey      = "secrets/center.key"
	filePassword = "secrets/center.password"
	fileSimKey   = "secrets/pcsim.key"
	fileSim      = "pcsim.env"
	fileAdmin    = "admin.sql" // what an administrator of the database runs
)

//go:embed settled.yaml.tmpl
var templateText string

var configuration = template.Must(template.New(fileConfig).Funcs(template.FuncMap{"quote": quote}).Parse(templateText))

// quote writes a text as YAML reads it: the strings of JSON are strings of YAML, too.
func quote(text string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(text)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// Handed is what a merchant is given. It cannot be shown again.
type Handed struct {
	Merchant   string `json:"merchant"`
	Login      string `json:"login"`
	Password   string `json:"password"`
	SecretWord string `json:"secret_word"`
}

// draft is an installation before it has its name.
type draft struct {
	Answers
	Handed
	Horizon      string
	PasswordHash string
	final        string // absolute: what its directory will be
	dir          string // absolute: what it is until then
	logins       []login
	files        []string // relative, in the order in which they were written
}

// login is who works with the installation, and the file of what his processes have in their environment.
type login struct {
	roles.Login
	file, uses string
}

// Sim and Clears are for the template.
func (d *draft) Sim() bool    { return d.sim() }
func (d *draft) Clears() bool { return d.clears() }

// Merchant is for the template, where two embedded types have one.
func (d *draft) Merchant() string { return d.Answers.Merchant }

// horizonYears is how far the first calendar goes: to the end of the next year.
const horizonYears = 1

func newDraft(a Answers, at roles.Database, now time.Time) (*draft, error) {
	final, err := filepath.Abs(a.Dir)
	if err != nil {
		return nil, err
	}
	d := &draft{Answers: a, final: final, Horizon: fmt.Sprintf("%d-12-31", now.Year()+horizonYears)}
	if a.sim() {
		d.Horizon = "2099-12-31"
	}
	d.Handed = Handed{Merchant: a.Merchant, Login: "merchant_" + a.Merchant, Password: rand.Text(), SecretWord: rand.Text()}
	d.PasswordHash = tenants.HashPassword(d.Password)
	d.logins = []login{
		{at.NewLogin(roles.App, "app_1"), "settled.env", "settled run, and people's commands"},
		{at.NewLogin(roles.API, "api_1"), "serve.env", "settled serve"},
		{at.NewLogin(roles.Work, "work_1"), "work.env", "settled work"},
	}
	return d, nil
}

// write writes a file of the draft, which only its owner may read.
func (d *draft) write(name, text string) error {
	path := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	d.files = append(d.files, name)
	return errors.Join(err, f.Sync(), f.Close())
}

// fill writes everything but the configuration and what needs the database.
func (d *draft) fill(at roles.Database) error {
	steps := []func() error{d.secrets, d.center, d.keys, func() error { return d.environments(at) }}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("write the installation: %w", err)
		}
	}
	return nil
}

func (d *draft) secrets() error {
	return d.write("secrets/merchant-"+d.Answers.Merchant+".word", d.SecretWord+"\n")
}

// center writes what we show to the center's file server, and what the simulator is started with.
func (d *draft) center() error {
	switch {
	case d.sim():
		return d.simulator()
	case d.clears():
		_, err := d.keyPair(fileKey, true)
		return err
	}
	return nil
}

// simulator writes the simulator's host key, whose public half is pinned, and its flags, as pcsim reads them from its environment.
func (d *draft) simulator() (err error) {
	if d.HostKey, err = d.keyPair(fileSimKey, false); err != nil {
		return err
	}
	password := rand.Text()
	if err := d.write(filePassword, password+"\n"); err != nil {
		return err
	}
	return d.write(fileSim, "# The flags of pcsim, the simulated center of this installation. They are its own after: set -a; . THIS_FILE\n"+
		variables("PCSIM_NAME", d.CenterName, "PCSIM_MEMBER", d.Acquirer, "PCSIM_ONLINE", d.Address, "PCSIM_SFTP", d.SFTP, "PCSIM_USER", d.SFTPUser,
			"PCSIM_PASSWORD", password, "PCSIM_HOST_KEY", filepath.Join(d.final, fileSimKey)))
}

// keyPair writes a new private key, and its public half beside it if that is for somebody else.
func (d *draft) keyPair(name string, publish bool) (public string, err error) {
	half, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, "settled")
	if err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(half)
	if err != nil {
		return "", err
	}
	text := string(ssh.MarshalAuthorizedKey(key))
	if err := d.write(name, string(pem.EncodeToMemory(block))); err != nil || !publish {
		return strings.TrimSpace(text), err
	}
	return strings.TrimSpace(text), d.write(name+".pub", text)
}

// keys makes the keys of the vault, and the key that seals them apart from them.
func (d *draft) keys() error {
	d.files = append(d.files, fileKeys, fileKEK)
	return vault.GenerateFor(filepath.Join(d.dir, fileKeys), vault.Environment(d.Environment), vault.Place{File: fileKEK})
}

// environments writes what each process has in its environment, and the file of the passwords, which a PGPASSWORD of whoever starts it would
// be used before.
func (d *draft) environments(at roles.Database) error {
	var passwords strings.Builder
	for _, l := range d.logins {
		address, err := l.Unlocked(d.Database)
		if err != nil {
			return err
		}
		passwords.WriteString(l.Passline(at))
		text := "# For " + l.uses + ": set -a; . THIS_FILE; set +a\n" + variables("DATABASE_URL", address, "PGPASSWORD", "", "PGPASSFILE", filepath.Join(d.final, filePass),
			"SETTLED_CONFIG", filepath.Join(d.final, fileConfig), "SETTLED_KEYS", filepath.Join(d.final, fileKeys), "SETTLED_LISTEN", d.listen())
		if err := d.write(l.file, text); err != nil {
			return err
		}
	}
	return d.write(filePass, passwords.String())
}

// listen is the address of the API: that of the installation's own URL where it is plain and of this host, else the usual one, behind a proxy or with a
// certificate.
func (d *draft) listen() string {
	if host, ok := strings.CutPrefix(d.URL, "http://"); ok && address(d.Answers, host) == nil && strings.HasPrefix(host, "127.") {
		return host
	}
	return "127.0.0.1:8080"
}

// variables are lines that a shell and systemd read alike.
func variables(pairs ...string) string {
	var b strings.Builder
	for pair := range slices.Chunk(pairs, 2) {
		fmt.Fprintf(&b, "%s='%s'\n", pair[0], strings.ReplaceAll(pair[1], "'", `'\''`))
	}
	return b.String()
}

// configure writes the configuration, and checks it as every command does. Of an installation that is to be live, what is only missing to that is left to
// do; everything else that is wrong comes from an answer, and is ErrAnswers.
func (d *draft) configure() (left []string, err error) {
	text, err := d.render()
	if err != nil {
		return nil, err
	}
	if err := d.write(fileConfig, text); err != nil {
		return nil, fmt.Errorf("write the installation: %w", err)
	}
	trial := *d
	trial.Environment = string(vault.Test)
	tried, err := trial.render()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(d.dir, fileConfig)
	if _, err := config.Parse(path, []byte(tried)); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrAnswers, strings.Join(places(err), "; "))
	}
	if _, err := config.Parse(path, []byte(text)); err != nil {
		left = places(err)
	}
	return left, nil
}

func (d *draft) render() (string, error) {
	var b strings.Builder
	if err := configuration.Execute(&b, d); err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	return b.String(), nil
}

// places are the problems of a configuration that has no name yet.
func places(err error) (all []string) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return []string{err.Error()}
	}
	for _, p := range problems {
		all = append(all, p.Place+": "+p.Why)
	}
	return all
}
