package supervise

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is the program while it runs, and until it is buried.
type child struct {
	process *process
	tail    *tail
	started time.Time
	ready   bool
	proof   time.Time // the latest; at first the start
	asked   time.Time // when it was asked to say where it hangs; zero: it was not
	killed  bool
	leaving bool // it was asked to go
}

// start starts the program.
func (s *Supervisor) start(now time.Time) {
	s.c.Fault("start")
	s.c.State(Starting)
	c, err := s.spawn(now)
	if err != nil {
		s.c.Log.Error("the program does not start", "err", err, "next try in", s.delay)
		s.postpone(now)
		return
	}
	s.child = c
	s.ears.take() // what an earlier one said late
}

// spawn starts the program with its standard error on a pipe.
func (s *Supervisor) spawn(now time.Time) (*child, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the program's log: %w", err)
	}
	defer write.Close()
	env := append(slices.Clone(s.c.Env), notifySocket+"="+s.c.Socket)
	p, err := s.nursery.start(s.c.Path, s.c.Args, &syscall.ProcAttr{
		Env: env, Files: []uintptr{null.Fd(), s.c.Output, write.Fd()}, Sys: s.c.Attr,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", s.c.Path, err), read.Close())
	}
	c := &child{process: p, tail: &tail{}, started: now, proof: now}
	go s.overhear(c, read)
	return c, nil
}

// overhear keeps what the child says until it has said all. It owns the pipe: whatever happens to it, the child must not wait
// for somebody to read.
func (s *Supervisor) overhear(c *child, from *os.File) {
	defer from.Close()
	defer c.tail.end()
	s.guarded("overhear", func() bool {
		buffer := make([]byte, 32<<10)
		for {
			s.c.Fault("overhear")
			n, err := from.Read(buffer)
			c.tail.add(buffer[:n])
			if s.c.Echo {
				unix.Write(int(s.c.Output), buffer[:n])
			}
			if err != nil {
				return true
			}
		}
	})
}

// examine asks a child that has not proved itself well for too long where it hangs, and then kills it.
func (s *Supervisor) examine(now time.Time) {
	c := s.child
	patience := s.c.Patience
	if !c.ready {
		patience = s.c.StartTime
	}
	switch {
	case c.killed:
	case !s.stopped.IsZero():
		if now.Sub(s.stopped) > s.c.StopTime {
			s.kill()
		}
	case !c.asked.IsZero():
		if now.Sub(c.asked) > quitTime {
			s.kill()
		}
	case now.Sub(c.proof) > patience:
		s.c.Log.Error("the program proves itself well no more", "for", patience)
		c.asked = now
		s.signal(unix.SIGQUIT) // Go tells where every goroutine stands, and ends
	}
}

func (s *Supervisor) kill() {
	s.child.killed = true
	s.signal(unix.SIGKILL)
}

func (s *Supervisor) signal(sig syscall.Signal) {
	if err := s.child.process.signal(sig); err != nil {
		s.c.Log.Error("the program cannot be told to end", "signal", sig, "err", err)
	}
}

// stop asks the child to end, and lets no other start.
func (s *Supervisor) stop(now time.Time) {
	s.stopped = now
	s.c.State("stopping")
	if s.child != nil {
		s.child.leaving = true
		s.signal(unix.SIGTERM)
	}
}

// leave asks the child to make room for the next one, which takes its calls up.
func (s *Supervisor) leave() {
	if s.child != nil && s.stopped.IsZero() {
		s.child.leaving = true
		s.delay = 0
		s.signal(unix.SIGHUP)
	}
}

// press passes a press of the button on. Before the program has said that it is ready, the signal would end it.
func (s *Supervisor) press() {
	if s.child != nil && s.child.ready && !s.child.leaving {
		s.signal(unix.SIGUSR1)
	}
}

// bury keeps the last words of a child that nobody asked to go, and says when the next one comes.
func (s *Supervisor) bury(now time.Time) {
	s.c.Fault("bury")
	c := s.child
	s.child = nil
	if now.Sub(c.started) > wellTime && c.ready && c.asked.IsZero() {
		s.delay = min(s.delay, s.c.FirstDelay)
	}
	if !c.leaving {
		how := ending(c)
		s.c.Log.Error("the program has ended", "how", how, "after", now.Sub(c.started).Round(time.Millisecond), "next in", s.delay)
		words := LastWords{At: now, Lasted: now.Sub(c.started).Round(time.Millisecond), How: how, Version: s.c.Version, Text: c.tail.text()}
		if err := keepLastWords(s.c.LastWords, words); err != nil {
			s.c.Log.Error("its last words are not kept", "err", err)
		}
	}
	if s.stopped.IsZero() {
		s.c.State(fmt.Sprintf("the program has ended; it starts again in %v", s.delay))
	}
	s.postpone(now)
}

// postpone sets when the next child starts, and has the one after that wait longer.
func (s *Supervisor) postpone(now time.Time) {
	s.due = now.Add(s.delay)
	s.delay = min(max(2*s.delay, s.c.FirstDelay), s.c.MostDelay)
}

// ending says how a child ended.
func ending(c *child) string {
	status := c.process.status
	switch {
	case !c.asked.IsZero():
		return "it proved itself well no more, and was ended"
	case status.Signaled():
		return "signal: " + status.Signal().String()
	}
	return fmt.Sprintf("exit code %d", status.ExitStatus())
}
