package main

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMemoryIsKept: a process writes no core dump, whatever its limits were, and is no other's to read.
func TestMemoryIsKept(t *testing.T) {
	p := program(t, nil, "password-hash") // which waits for its input
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = p.Wait() })
	none := regexp.MustCompile(`(?m)^Max core file size\s+0\s+0\s`)
	eventually(t, "no core dumps", func() bool {
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.Process.Pid))
		return err == nil && none.Match(limits)
	})
	if err := keepMemory(); err != nil {
		t.Fatal(err)
	}
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || dumpable != 0 {
		t.Errorf("dumpable: %d, %v", dumpable, err)
	}
}
