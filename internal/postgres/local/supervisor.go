//go:build unix

package local

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// supervisor runs the server until descriptor 3 ends, then stops it and removes its directory. It repeats the signal,
// because one that arrives before the server listens for it is lost. A new cluster gets its final name only when it is
// complete, so an interrupted one is made again.
const supervisor = `
bin=$1 run=$2 data=$3 signal=$4
shift 4
trap 'rm -rf "$run"' EXIT
if [ ! -f "$data/PG_VERSION" ]; then
	rm -rf "$data.new"
	"$bin/initdb" -D "$data.new" -U settled -A trust -E UTF8 --locale=C --data-checksums --no-sync || exit 1
	[ ! -d "$data" ] || rmdir "$data" || exit 1
	mv "$data.new" "$data" || exit 1
fi
"$bin/postgres" -D "$data" "$@" 3<&- &
server=$!
(
	trap - EXIT
	read -r end <&3
	while kill -s "$signal" "$server" 2>/dev/null; do sleep 0.05; done
) &
watch=$!
wait "$server"
result=$?
kill "$watch" 2>/dev/null
exit "$result"
`

// account is the user that the server runs as. The zero value is our own.
type account struct {
	other    bool
	uid, gid uint32
}

// serverUser is our own user, or for root, whom PostgreSQL refuses, postgres or else nobody.
func serverUser() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return account{other: true, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return account{}, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// attributes puts the process into a session of its own, away from our terminal and its Ctrl-C.
func (a account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.other {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// tempDir makes a private directory under /tmp: the path of a socket must be short, and $TMPDIR may be long or ours alone. One that is
// small and soon gone may be in memory.
func (a account) tempDir(small bool) (string, error) {
	parent := "/tmp"
	if small && spacious(inMemory) {
		parent = inMemory
	}
	dir, err := os.MkdirTemp(parent, "settled-pg-")
	if err != nil {
		return "", err
	}
	return dir, a.own(dir)
}

// keptDir makes dir and its parents and hands dir over to the server's user.
func (a account) keptDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, a.own(dir)
}

func (a account) own(dir string) error {
	if !a.other {
		return nil
	}
	return os.Chown(dir, int(a.uid), int(a.gid))
}

// hiddenFile is a file without a name: it is gone when the last process that holds it ends.
func hiddenFile() (*os.File, error) {
	f, err := os.CreateTemp("", "settled-pg-log-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
