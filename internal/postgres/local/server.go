package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// User is the owner of the cluster and the login of Server.URL.
const User = "settled"

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 60 * time.Second
	socketPort   = 5432 // names the socket file without TCP; servers do not collide, each has its own directory
)

// Config says which server to start.
type Config struct {
	// Dir is the data directory, made when it is empty and kept by Stop. Empty means a temporary one that Stop removes.
	Dir string
	// ThrowAway trades durability for speed: no fsync, no synchronous commit, small buffers, a temporary Dir in memory where the system
	// has room for it. For tests.
	ThrowAway bool
	// TCP also listens on a free port of 127.0.0.1, without a password: any user of this machine may then connect.
	TCP bool
	// Settings are server parameters that override the defaults made here, such as shared_buffers.
	Settings map[string]string
}

// Server is a running PostgreSQL server of our own. Its methods may be called from several goroutines.
type Server struct {
	run   string   // directory of the socket and, for a temporary server, of the data
	tcp   bool     // also on 127.0.0.1
	port  int      // of TCP and in the name of the socket
	alive *os.File // writing end of the pipe; its end stops the server
	log   *os.File // what initdb and the server said
	ended chan struct{}
	exit  error // of the supervisor; set when ended is closed
}

// Start runs a server and returns when it answers. ErrNoServer means that there are no programs to run; any other error
// carries the end of the server's log. The caller calls Stop; if it dies before, the server stops all the same.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	bin, err := Binaries(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{tcp: cfg.TCP, port: socketPort, ended: make(chan struct{})}
	if cfg.TCP {
		if s.port, err = freePort(); err != nil {
			return nil, fmt.Errorf("start local database: %w", err)
		}
	}
	if err := s.launch(bin, cfg); err != nil {
		return nil, fmt.Errorf("start local database: %w", err)
	}
	if err := s.Ready(ctx); err != nil {
		err = fmt.Errorf("start local database with %s: %w\n%s", bin, err, s.Log())
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// URL connects to the database named db over the private socket, as the owner of the cluster. "postgres" always exists.
func (s *Server) URL(db string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s&port=%d&sslmode=disable", User, url.PathEscape(db), url.QueryEscape(s.run), s.port)
}

// TCPURL is as URL over 127.0.0.1, and empty unless Config.TCP was set.
func (s *Server) TCPURL(db string) string {
	if !s.tcp {
		return ""
	}
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", User, s.port, url.PathEscape(db))
}

// Log returns the last 4 KiB of what the server wrote.
func (s *Server) Log() string {
	const most = 4096
	info, err := s.log.Stat()
	if err != nil {
		return ""
	}
	from := max(0, info.Size()-most)
	text := make([]byte, info.Size()-from)
	n, _ := s.log.ReadAt(text, from)
	return string(text[:n])
}

// Stop stops the server, waits until it is gone and its temporary files are removed. A second call does nothing.
func (s *Server) Stop() error {
	_ = s.alive.Close()
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("stop local database: still running after %s\n%s", stopTimeout, s.Log())
	}
}

// launch starts the supervisor, which makes the cluster if need be and runs the server.
func (s *Server) launch(bin string, cfg Config) (err error) {
	owner, err := serverUser()
	if err != nil {
		return err
	}
	if s.run, err = owner.tempDir(cfg.ThrowAway && cfg.Dir == ""); err != nil {
		return err
	}
	data := cfg.Dir
	if data == "" {
		data = filepath.Join(s.run, "data")
	} else if data, err = owner.keptDir(data); err != nil {
		return errors.Join(err, os.RemoveAll(s.run))
	}
	if s.log, err = hiddenFile(); err != nil {
		return errors.Join(err, os.RemoveAll(s.run))
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", supervisor, "settled-postgres", bin, s.run, data, stopSignal(cfg)},
		s.arguments(cfg)...)...)
	cmd.Dir = s.run
	cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "HOME=" + s.run}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = owner.attributes()
	if err := s.supervise(cmd); err != nil {
		return errors.Join(err, os.RemoveAll(s.run))
	}
	return nil
}

// supervise starts cmd with the reading end of the pipe as descriptor 3 and waits for it in the background.
func (s *Server) supervise(cmd *exec.Cmd) error {
	end, alive, err := os.Pipe()
	if err != nil {
		return err
	}
	defer end.Close()
	cmd.ExtraFiles = []*os.File{end}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, alive.Close())
	}
	s.alive = alive
	go func() {
		s.exit = cmd.Wait()
		close(s.ended)
	}()
	return nil
}

// Ready waits until the server answers, as it does a while after one of its processes was killed. It is an error when the
// server, ctx or a minute ends first.
func (s *Server) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.ended:
			return fmt.Errorf("server ended: %w", s.exit)
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// arguments are the command line of the server: our defaults, then what cfg overrides.
func (s *Server) arguments(cfg Config) []string {
	set := map[string]string{
		"unix_socket_directories": s.run, "unix_socket_permissions": "0700", "listen_addresses": "", "port": strconv.Itoa(s.port),
		"timezone": "UTC", "log_timezone": "UTC", "jit": "off", "max_connections": "200",
	}
	if cfg.ThrowAway {
		for name, value := range throwAway {
			set[name] = value
		}
	}
	if cfg.TCP {
		set["listen_addresses"] = "127.0.0.1"
	}
	for name, value := range cfg.Settings {
		set[name] = value
	}
	var args []string
	for name, value := range set {
		args = append(args, name+"="+value)
	}
	slices.Sort(args)
	for i, arg := range args {
		args[i] = "--" + arg
	}
	return args
}

// throwAway makes a server fast that nobody will miss.
var throwAway = map[string]string{
	"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
	"wal_level": "minimal", "max_wal_senders": "0", "shared_buffers": "64MB", "max_locks_per_transaction": "256",
}

func stopSignal(cfg Config) string {
	if cfg.ThrowAway && cfg.Dir == "" {
		return "QUIT" // at once: nothing has to be written
	}
	return "INT" // fast: disconnects clients and writes a checkpoint
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
