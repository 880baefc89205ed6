package pgtest

import "net/url"

// withDatabase replaces the database in a PostgreSQL URL.
func withDatabase(raw, database string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.Path = "/" + database
	return u.String()
}
