package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSIGHUPTakesUpTheConfiguration changes the file of a process, tells it so, and stops it.
func TestSIGHUPTakesUpTheConfiguration(t *testing.T) {
	server := durable(t)
	env := map[string]string{"DATABASE_URL": server.URL("postgres"), "SETTLED_CONFIG": small(t, "127.0.0.1:1"), "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys"),
		"SETTLED_LISTEN": "127.0.0.1:0", "SETTLED_METRICS_LISTEN": "127.0.0.1:0"}
	for _, args := range [][]string{{"migrate"}, {"keys", "new"}} {
		if _, errOut, code := settled(t, env, args...); code != exitOK {
			t.Fatalf("%v: %s", args, errOut)
		}
	}
	p := start(t, env, nil, "run")
	p.errOut.await(t, `"started"`)
	text, err := os.ReadFile(env["SETTLED_CONFIG"])
	if err != nil {
		t.Fatal(err)
	}
	tell := func(text, want string) {
		t.Helper()
		write(t, env["SETTLED_CONFIG"], text)
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.errOut.await(t, want)
	}
	tell("ledger: {zone", "is not taken up")
	tell(strings.Replace(string(text), "city: Minsk", "city: Brest", 1), "merchants[7].city: Minsk → Brest")
	if _, errOut, code := settled(t, env, "merchant", "set", "7", "city=Grodno"); code != exitOK || !strings.Contains(errOut, "within 10 seconds") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
	p.errOut.await(t, "merchants[7].city: Brest → Grodno") // without a signal
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}
