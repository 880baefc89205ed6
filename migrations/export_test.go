package migrations

import "io/fs"

// WithoutRights are files as the migrator reads them.
func WithoutRights(files fs.FS) fs.FS { return withoutRights{files} }
