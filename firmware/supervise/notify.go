package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

// What a program says about itself (sd_notify(3)); systemd understands the same words.
const (
	notifySocket = "NOTIFY_SOCKET"
	wordReady    = "READY=1"
	wordWell     = "WATCHDOG=1"
	wordRestart  = "X_TOLLGATE_RESTART=1" // of the machine; systemd knows none for it
)

// ears hear what the program says. A word is compared with the three that count, and forgotten otherwise.
type ears struct {
	path  string
	group int
	heard chan struct{} // room for one: something was said

	mu                   sync.Mutex // guards what follows
	ready, well, restart bool
}

func newEars(path string, group int) *ears {
	return &ears{path: path, group: group, heard: make(chan struct{}, 1)}
}

// listen notes words until ctx ends.
func (e *ears) listen(ctx context.Context, fault func(string)) error {
	conn, err := e.open()
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	word := make([]byte, 64)
	for {
		n, err := conn.Read(word)
		if err != nil {
			return nil
		}
		fault("listen")
		e.note(string(word[:n]))
	}
}

func (e *ears) open() (*net.UnixConn, error) {
	if err := os.Remove(e.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen to the program: %w", err)
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: e.path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("listen to the program: %w", err)
	}
	if err := errors.Join(os.Chown(e.path, -1, e.group), os.Chmod(e.path, 0o620)); err != nil {
		return nil, errors.Join(fmt.Errorf("listen to the program: %w", err), conn.Close())
	}
	return conn, nil
}

func (e *ears) note(word string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ready = e.ready || word == wordReady
	e.well = e.well || word == wordWell
	e.restart = e.restart || word == wordRestart
	select {
	case e.heard <- struct{}{}:
	default:
	}
}

// take returns what was heard since the last time.
func (e *ears) take() (ready, well, restart bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ready, well, restart = e.ready, e.well, e.restart
	e.ready, e.well, e.restart = false, false, false
	return ready, well, restart
}

// Voice says to whoever supervises this process how it is: process 1 of the box, or systemd.
type Voice struct{ conn *net.UnixConn }

// NewVoice finds out who listens; to nobody, words are lost without an error.
func NewVoice() (Voice, error) {
	path := os.Getenv(notifySocket)
	if path == "" {
		return Voice{}, nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return Voice{}, fmt.Errorf("speak to the supervisor: %w", err)
	}
	return Voice{conn}, nil
}

// Ready says that the start is over.
func (v Voice) Ready() error { return v.say(wordReady) }

// Well says that everything does its work at this moment.
func (v Voice) Well() error { return v.say(wordWell) }

// RestartMachine asks for a restart of the machine; only process 1 of the box does that.
func (v Voice) RestartMachine() error { return v.say(wordRestart) }

func (v Voice) say(word string) error {
	if v.conn == nil {
		return nil
	}
	if _, err := v.conn.Write([]byte(word)); err != nil {
		return fmt.Errorf("speak to the supervisor: %w", err)
	}
	return nil
}
