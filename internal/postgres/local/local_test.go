package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestMain lets the test binary be the process that dies in TestNothingOutlivesItsParent.
func TestMain(m *testing.M) {
	if os.Getenv("SETTLED_LOCAL_PARENT") == "" {
		os.Exit(m.Run())
	}
	s, err := Start(context.Background(), Config{ThrowAway: true})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.run, postmaster(s))
	select {}
}

// postmaster is the process id of the server.
func postmaster(s *Server) int {
	text, _ := os.ReadFile(filepath.Join(s.run, "data", "postmaster.pid"))
	pid, _ := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	return pid
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if errors.Is(err, ErrNoServer) && os.Getenv("SETTLED_REQUIRE_ALL") != "1" && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask runs a query that gives one text.
func ask(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func dead(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestStopLeavesNothing(t *testing.T) {
	s := start(t, Config{ThrowAway: true, TCP: true, Settings: map[string]string{"work_mem": "7MB"}})
	if got := ask(t, s.URL("postgres"), "SELECT current_setting('fsync') || current_setting('work_mem')"); got != "off7MB" {
		t.Errorf("settings: got %s, want off7MB", got)
	}
	if got := ask(t, s.TCPURL("postgres"), "SELECT current_user::text"); got != User {
		t.Errorf("user over TCP: got %s", got)
	}
	pid := postmaster(s)
	if dead(pid) {
		t.Fatalf("no process %d to begin with", pid)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if !gone(s.run) || !dead(pid) {
		t.Errorf("after Stop: directory gone %v, process gone %v", gone(s.run), dead(pid))
	}
	if err := s.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
}

func TestKeptServerIsDurable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if os.Geteuid() == 0 { // the server's user must be able to get there
		dir = filepath.Join("/tmp", "settled-kept-"+strconv.Itoa(os.Getpid()))
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	first := start(t, Config{Dir: dir})
	if got := ask(t, first.URL("postgres"), "SELECT current_setting('fsync') || current_setting('data_checksums')"); got != "onon" {
		t.Errorf("fsync and checksums: got %s, want onon", got)
	}
	ask(t, first.URL("postgres"), "SELECT pg_create_physical_replication_slot('remember')::text")
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := start(t, Config{Dir: dir})
	if got := ask(t, second.URL("postgres"), "SELECT slot_name::text FROM pg_replication_slots"); got != "remember" {
		t.Errorf("after a restart: got %q, want what was stored", got)
	}
}

func TestServersDoNotCollide(t *testing.T) {
	var starts sync.WaitGroup
	for range 3 {
		starts.Go(func() {
			s, err := Start(t.Context(), Config{ThrowAway: true})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
}

func TestFailedStartSaysWhyAndCleansUp(t *testing.T) {
	bin, err := Binaries(t.Context())
	if err != nil {
		t.Skip(err)
	}
	wrong := Config{ThrowAway: true, Settings: map[string]string{"work_mem": "much"}}
	if _, err := Start(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "work_mem") {
		t.Errorf("error does not show the server's reason: %v", err)
	}
	s := &Server{port: socketPort, ended: make(chan struct{})}
	if err := s.launch(bin, wrong); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	if !gone(s.run) {
		t.Errorf("%s is left behind", s.run)
	}
}

func TestNothingOutlivesItsParent(t *testing.T) {
	if _, err := Binaries(t.Context()); err != nil {
		t.Skip(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			run, pid, parent := parent(t)
			if err := syscall.Kill(-parent.Process.Pid, signal); err != nil { // the whole group, as a terminal does
				t.Fatal(err)
			}
			_ = parent.Wait()
			for deadline := time.Now().Add(20 * time.Second); !gone(run) || !dead(pid); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("20 s after %v: directory gone %v, process gone %v", signal, gone(run), dead(pid))
				}
			}
		})
	}
}

// parent starts a process that starts a server, and returns the server's directory and process id.
func parent(t *testing.T) (run string, pid int, cmd *exec.Cmd) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SETTLED_LOCAL_PARENT=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(line, err)
	}
	if _, err := fmt.Sscan(line, &run, &pid); err != nil || dead(pid) {
		t.Fatal(line, err)
	}
	return run, pid, cmd
}
