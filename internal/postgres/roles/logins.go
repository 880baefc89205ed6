package roles

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Login is who a process or a person logs in as: a member of one role of the database, with no right besides.
type Login struct {
	Name     string
	Role     Role
	Password string // 26 letters and digits, 130 bits of chance
}

// NewLogin is a login of a role, named by the prefix of the database and a word of at most eight bytes, with a new password. The database does not
// know it before Enroll, or before an administrator runs EnrollScript.
func (d Database) NewLogin(r Role, word string) Login {
	return Login{d.Prefix + "_" + word, r, rand.Text()}
}

// Enroll makes logins, or gives those that are there their new passwords, in one transaction. Who calls it may make roles, and the roles are
// there. Nothing that the server logs holds a password.
func Enroll(ctx context.Context, conn *pgx.Conn, d Database, logins ...Login) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lock); err != nil {
			return err
		}
		for _, sql := range d.enrollments(logins) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("make a login: %w", err)
			}
		}
		return nil
	})
}

// Dismiss takes logins away again, those that are there.
func Dismiss(ctx context.Context, conn *pgx.Conn, logins ...Login) error {
	for _, l := range logins {
		if _, err := conn.Exec(ctx, "DROP ROLE IF EXISTS "+quoted(l.Name)); err != nil {
			return fmt.Errorf("drop login %s: %w", l.Name, err)
		}
	}
	return nil
}

// EnrollScript is Enroll for an administrator with psql, who learns no password. It may be run any number of times, after Script.
func (d Database) EnrollScript(logins ...Login) string {
	var b strings.Builder
	b.WriteString("\n-- Who logs in, each as a member of its role. Of the passwords stands here what the server keeps of them.\nBEGIN;\n")
	for _, sql := range d.enrollments(logins) {
		b.WriteString(sql + ";\n")
	}
	b.WriteString("COMMIT;\n")
	return b.String()
}

func (d Database) enrollments(logins []Login) (all []string) {
	for _, l := range logins {
		all = append(all, makeRole(l.Name, "LOGIN"), "ALTER ROLE "+quoted(l.Name)+" LOGIN PASSWORD '"+verifier(l.Password, saltOf())+"'",
			"GRANT "+quoted(d.Named(l.Role))+" TO "+quoted(l.Name))
	}
	return all
}

// scramRounds is PostgreSQL's own default (scram_iterations).
const scramRounds = 4096

func saltOf() []byte {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: it ends the program instead
	return salt
}

// verifier is what PostgreSQL keeps of a password of ASCII for SCRAM-SHA-256 (RFC 5802, RFC 7677): it proves the password and does not tell it.
func verifier(password string, salt []byte) string {
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramRounds, sha256.Size)
	if err != nil {
		panic(err) // it refuses lengths that are not these
	}
	stored := sha256.Sum256(keyed(salted, "Client Key"))
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramRounds, text(salt), text(stored[:]), text(keyed(salted, "Server Key")))
}

func keyed(key []byte, word string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(word))
	return h.Sum(nil)
}

// Address is a connection string, in either of its forms, for the login, with its password in it.
func (l Login) Address(database string) string {
	u, err := without(database)
	if err != nil {
		return fmt.Sprintf("%s user=%s password=%s", database, l.Name, l.Password)
	}
	u.User = url.UserPassword(l.Name, l.Password)
	return u.String()
}

// Unlocked is as Address of a URL, without the password, which is then read from the file that PGPASSFILE names; its line there is Passline. The
// error is ErrURL.
func (l Login) Unlocked(database string) (string, error) {
	u, err := without(database)
	if err != nil {
		return "", err
	}
	u.User = url.User(l.Name)
	return u.String(), nil
}

// Passline is the login's line of a password file of libpq, for the database d on any host.
func (l Login) Passline(d Database) string {
	escape := strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace
	return fmt.Sprintf("*:*:%s:%s:%s\n", escape(d.Name), escape(l.Name), l.Password)
}

// without is a connection string without the one who logs in.
func without(database string) (*url.URL, error) {
	u, err := url.Parse(database)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, ErrURL
	}
	q := u.Query()
	for _, of := range []string{"user", "password", "passfile"} {
		q.Del(of)
	}
	u.RawQuery = q.Encode()
	return u, nil
}

// ErrURL is returned for a connection string of another form. It does not repeat it, for a password may stand in it.
var ErrURL = errors.New("the address of the database is no URL: write postgres://LOGIN:PASSWORD@HOST/DATABASE")
