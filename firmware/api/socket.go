package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// openSocket listens on a unix socket at path, mode 0600.
func (s *Server) openSocket(path string) (*door, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// Between listening and here others may connect, but peers turns them away by their user.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	d := s.newDoor("socket "+path, &peers{UnixListener: l, server: s}, s.socketHandler())
	d.server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		p, ok := c.(*peer)
		if !ok {
			return ctx
		}
		return context.WithValue(ctx, visitorKey{}, visitor{name: p.name(), local: true})
	}
	return d, nil
}

// removeStale removes a socket nobody answers on.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is a file that is not a socket; move it away")
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return errors.Join(errors.New("another tollgate runs with this state folder"), c.Close())
	}
	return os.Remove(path)
}

// socketHandler serves the operations, and nothing else, to whoever peers let in.
func (s *Server) socketHandler() http.Handler {
	return s.recovering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !visitorOf(r.Context()).local {
			newProblem(LocalOnly, "The socket did not say who connected.", "").write(w)
			return
		}
		s.serveAPI(w, r)
	}))
}

// peers is a listener that takes connections of root and of our own user only.
type peers struct {
	*net.UnixListener
	server *Server
}

// Accept returns the next connection of a user who may.
func (p *peers) Accept() (net.Conn, error) {
	for {
		c, err := p.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := userOf(c)
		if err == nil && (uid == 0 || int(uid) == os.Geteuid()) {
			return &peer{UnixConn: c, uid: uid}, nil
		}
		p.server.log.Warn("connection to the socket refused", "uid", uid, "error", err)
		// Nothing was written, nothing can be lost.
		_ = c.Close()
	}
}

// peer is a connection whose user the kernel has told.
type peer struct {
	*net.UnixConn
	uid uint32
}

func (p *peer) name() string {
	if p.uid == 0 {
		return "root on the box"
	}
	return fmt.Sprintf("user %d on the box", p.uid)
}

// userOf asks the kernel who connected (SO_PEERCRED, unix(7)).
func userOf(c *net.UnixConn) (uint32, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("asking who connected: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, fmt.Errorf("asking who connected: %w", err)
	}
	return cred.Uid, nil
}
