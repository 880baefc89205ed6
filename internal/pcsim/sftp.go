package pcsim

import (
	"crypto/subtle"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// InDir and OutDir are the directories of the SFTP server: where we upload, and where replies appear.
const (
	InDir  = "/in"
	OutDir = "/out"
)

var errLogin = errors.New("pcsim: login refused")

func (c *Center) sshConfig() (*ssh.ServerConfig, error) {
	signer, err := ssh.NewSignerFromKey(c.opt.HostKey)
	if err != nil {
		return nil, err
	}
	config := &ssh.ServerConfig{
		MaxAuthTries: 3,
		PasswordCallback: func(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			return nil, c.login(meta.User(), func(u User) bool {
				return u.Password != "" && subtle.ConstantTimeCompare([]byte(u.Password), password) == 1
			})
		},
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			return nil, c.login(meta.User(), func(u User) bool {
				return u.Key != nil && string(u.Key.Marshal()) == string(key.Marshal())
			})
		},
	}
	config.AddHostKey(signer)
	return config, nil
}

func (c *Center) login(name string, proves func(User) bool) error {
	c.logins.Add(1)
	if c.faults.Load().RefuseLogin {
		return errLogin
	}
	for _, u := range c.opt.Users {
		if u.Name == name && proves(u) {
			return nil
		}
	}
	return errLogin
}

// serveSFTP speaks SSH on one connection until it ends.
func (c *Center) serveSFTP(conn net.Conn) {
	if c.faults.Load().Hang {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	server, channels, requests, err := ssh.NewServerConn(conn, c.ssh)
	if err != nil {
		return
	}
	defer server.Close()
	c.goes(func() { ssh.DiscardRequests(requests) })
	for newChannel := range channels {
		if newChannel.ChannelType() != "session" {
			_ = newChannel.Reject(ssh.UnknownChannelType, "only session channels")
			continue
		}
		channel, requests, err := newChannel.Accept()
		if err != nil {
			return
		}
		c.goes(func() { c.serveSession(&session{center: c, conn: conn}, channel, requests) })
	}
}

// serveSession waits for the sftp subsystem request of a channel and serves it; any other request is refused.
func (c *Center) serveSession(s *session, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for req := range requests {
		ok := req.Type == "subsystem" && len(req.Payload) >= 4 && string(req.Payload[4:]) == "sftp"
		if req.WantReply {
			_ = req.Reply(ok, nil)
		}
		if !ok {
			continue
		}
		c.goes(func() { ssh.DiscardRequests(requests) })
		server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: s, FilePut: s, FileCmd: s, FileList: s})
		_ = server.Serve()
		// an SFTP client waits for the exit status before it takes the end for a normal one
		_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
		return
	}
}

// Fileread implements sftp.FileReader.
func (s *session) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	if s.faults().ReadDenied {
		return nil, fs.ErrPermission
	}
	f, err := s.center.tree.open(r.Filepath, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file: f, s: s, name: r.Filepath}, nil
}

// Filewrite implements sftp.FileWriter.
func (s *session) Filewrite(r *sftp.Request) (io.WriterAt, error) { return s.OpenFile(r) }

// OpenFile implements sftp.OpenFileWriter.
func (s *session) OpenFile(r *sftp.Request) (sftp.WriterAtReaderAt, error) {
	if s.faults().ReadOnly {
		return nil, fs.ErrPermission
	}
	flag, pflags := os.O_RDWR, r.Pflags()
	for _, m := range []struct {
		set  bool
		flag int
	}{{pflags.Creat, os.O_CREATE}, {pflags.Trunc, os.O_TRUNC}, {pflags.Excl, os.O_EXCL}} {
		if m.set {
			flag |= m.flag
		}
	}
	f, err := s.center.tree.open(r.Filepath, flag)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file: f, s: s, name: r.Filepath, written: true}, nil
}

// Filecmd implements sftp.FileCmder. Attributes and links are not supported, as on managed transfer servers.
func (s *session) Filecmd(r *sftp.Request) error {
	t, faults := s.center.tree, s.faults()
	if faults.ReadOnly {
		return fs.ErrPermission
	}
	switch r.Method {
	case "Rename":
		return s.rename(r, faults.RenameOverwrites)
	case "Remove", "Rmdir":
		return s.remove(r.Filepath, r.Method == "Rmdir")
	case "Mkdir":
		return t.mkdir(r.Filepath)
	}
	return sftp.ErrSSHFxOpUnsupported
}

func (s *session) remove(name string, dir bool) error {
	t, faults := s.center.tree, s.faults()
	if faults.RemoveDenied {
		return fs.ErrPermission
	}
	if info, err := t.stat(name); err == nil && info.IsDir() != dir {
		return sftp.ErrSSHFxFailure
	}
	return faults.missing(t.remove(name))
}

// PosixRename implements sftp.PosixRenameFileCmder: the rename that replaces its target.
func (s *session) PosixRename(r *sftp.Request) error {
	if s.faults().ReadOnly {
		return fs.ErrPermission
	}
	return s.rename(r, true)
}

func (s *session) rename(r *sftp.Request, replace bool) error {
	faults := s.faults()
	switch {
	case faults.RenameRefused:
		return fs.ErrPermission
	case faults.RenameLies:
		return nil
	case faults.RenameLoses:
		return s.center.tree.remove(r.Filepath)
	case faults.CutBeforeRename:
		return s.cut()
	}
	if err := s.center.tree.rename(r.Filepath, r.Target, replace); err != nil {
		return err
	}
	if faults.RenameTruncates {
		return dropLastByte(s.center.tree, r.Target)
	}
	if faults.CutAfterRename {
		return s.cut()
	}
	return nil
}

// Filelist implements sftp.FileLister.
func (s *session) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	faults := s.faults()
	if r.Method == "List" {
		return s.list(r.Filepath, faults)
	}
	info, err := s.center.tree.stat(r.Filepath)
	if err != nil {
		return nil, faults.missing(err)
	}
	return listing{shown(info, faults.HidesSizes)}, nil
}

func (s *session) list(name string, faults *Faults) (sftp.ListerAt, error) {
	if faults.ListDenied {
		return nil, fs.ErrPermission
	}
	infos, err := s.center.tree.list(name)
	for i := range infos {
		infos[i] = shown(infos[i], faults.ListHidesSizes)
	}
	return listing(infos), err
}

func shown(info fs.FileInfo, hide bool) fs.FileInfo {
	if hide && !info.IsDir() {
		return sizeless{info}
	}
	return info
}

// RealPath implements sftp.RealPathFileLister; there are no links to follow.
func (s *session) RealPath(name string) (string, error) { return path.Clean("/" + name), nil }

type listing []fs.FileInfo

// ListAt implements sftp.ListerAt.
func (l listing) ListAt(infos []fs.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(infos, l[offset:])
	if n < len(infos) {
		return n, io.EOF
	}
	return n, nil
}
