package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// What a program says about itself (sd_notify(3)); systemd understands the same words.
const (
	notifySocket = "NOTIFY_SOCKET"
	wordReady    = "READY=1"
	wordWell     = "WATCHDOG=1"
	wordRestart  = "X_TOLLGATE_RESTART=1"     // of the machine; systemd knows none for it
	wordTrial    = "X_TOLLGATE_RESTART=trial" // the same, and a system is to be tried
	wordLight    = "X_TOLLGATE_LIGHT="        // and one of Config.Lights
)

// ears hear what the program says. A word is compared with those that count, and forgotten otherwise.
type ears struct {
	path   string
	group  int
	lights []string
	heard  chan struct{} // room for one: something was said, or can be from now on
	open   atomic.Bool   // a program that starts now finds somebody who listens

	mu    sync.Mutex // guards what follows
	words heard
}

// heard is what was said since it was last looked at.
type heard struct {
	ready, well, restart, trial bool
	light                       string // the latest of the lights; "": none was asked for
}

func newEars(path string, group int, lights []string) *ears {
	return &ears{path: path, group: group, lights: lights, heard: make(chan struct{}, 1)}
}

// listen notes words until ctx ends.
func (e *ears) listen(ctx context.Context, fault func(string)) error {
	conn, err := e.bind()
	if err != nil {
		return err
	}
	defer conn.Close()
	e.open.Store(true)
	defer e.open.Store(false)
	e.wake()
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

func (e *ears) bind() (*net.UnixConn, error) {
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
	e.words.ready = e.words.ready || word == wordReady
	e.words.well = e.words.well || word == wordWell
	e.words.restart = e.words.restart || word == wordRestart || word == wordTrial
	e.words.trial = e.words.trial || word == wordTrial
	for _, light := range e.lights {
		if word == wordLight+light {
			e.words.light = light
		}
	}
	e.wake()
}

// wake has the supervisor look.
func (e *ears) wake() {
	select {
	case e.heard <- struct{}{}:
	default:
	}
}

// take returns what was heard since the last time.
func (e *ears) take() heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	words := e.words
	e.words = heard{}
	return words
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

// RestartMachine asks for a restart of the machine, and that the loader is asked for the trial of a system; only process 1 of the box
// does that.
func (v Voice) RestartMachine(trial bool) error {
	if trial {
		return v.say(wordTrial)
	}
	return v.say(wordRestart)
}

// Light asks for a pattern of the box's light, by one of the words that process 1 knows.
func (v Voice) Light(pattern string) error { return v.say(wordLight + pattern) }

func (v Voice) say(word string) error {
	if v.conn == nil {
		return nil
	}
	if _, err := v.conn.Write([]byte(word)); err != nil {
		return fmt.Errorf("speak to the supervisor: %w", err)
	}
	return nil
}
