package migrations

import (
	"bytes"
	"io"
	"io/fs"
	"regexp"
)

// The files up to 00020 also made a role and gave it rights, which an owner who may not make roles cannot. What was released is never edited, so
// they are read without that: rights stand in package roles alone (docs/adr/0036-roles-of-the-database.md).

// ofRights are the statements of the files that make the role or say rights.
var ofRights = regexp.MustCompile(`(?ms)^-- \+goose StatementBegin\nDO \$\$\nBEGIN\n\tIF NOT EXISTS \(SELECT FROM pg_roles.*?^-- \+goose StatementEnd\n|` +
	`^(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES)\s[^;]*;[^\n]*\n`)

// withoutRights are files, read without what they say of rights.
type withoutRights struct{ files fs.FS }

// Open opens a file.
func (w withoutRights) Open(name string) (fs.File, error) {
	f, err := w.files.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return f, err
	}
	text, err := io.ReadAll(f)
	return &schemaFile{f, bytes.NewReader(ofRights.ReplaceAll(text, nil))}, err
}

// schemaFile is a file that reads otherwise.
type schemaFile struct {
	fs.File
	text *bytes.Reader
}

// Read reads what is left of it.
func (f *schemaFile) Read(p []byte) (int, error) { return f.text.Read(p) }
