package pgtest

import (
	"errors"
	"net/url"
	"strings"
)

// databases returns a function that puts the name of a database into base, a PostgreSQL URL.
func databases(base string) (func(database string) string, error) {
	u, err := url.Parse(base)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return nil, errors.New("SETTLED_TEST_DATABASE_URL must be a URL, postgres://user@host/postgres")
	}
	return func(database string) string {
		named := *u
		named.Path = "/" + database
		return named.String()
	}, nil
}
