// Package supervise keeps the program of the box alive, from outside: it starts it, notices when it ends or does nothing more,
// keeps its last words, and starts it again, sooner at first and then later. The hardware's watchdog is fed only while the
// program has proved itself well not long ago.
//
//	Start -> "READY=1" -> "WATCHDOG=1" ... -> it ends, or no proof for Patience (SIGQUIT, then SIGKILL)
//	      -> last words -> wait -> Start
//
// It is what runs in process 1, where a panic is the end of the machine. So every goroutine here is guarded: one that panics
// is told about and begins again, and the state that it needs to go on stands in its owner, not on its stack. Nothing is
// read but fixed words that the program says through a socket of its own (sd_notify(3)) and its error output, which is
// kept and not looked into.
//
// It leaves to others how the machine starts (board/boot), what the watchdog is (board), and what being well means: the
// program says so itself.
package supervise

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"time"
)

// Watchdog is the hardware's; *board.Watchdog satisfies it.
type Watchdog interface {
	Feed() error
}

// Config says what is kept alive and how. Times that are zero have the values named here.
type Config struct {
	Path string   // the program's file
	Args []string // its arguments, its name first
	Env  []string // its environment; NOTIFY_SOCKET is added
	// Attr is how the program starts: user, capabilities. May be nil.
	Attr *syscall.SysProcAttr
	// Output is where the program's standard output goes: a file descriptor.
	Output uintptr
	// Echo has everything that the program says on standard error written to Output as well.
	Echo bool
	// Socket is the path at which the program says that it is well. SocketGroup may write to it.
	Socket      string
	SocketGroup int
	// LastWords is the file that keeps how the program ended.
	LastWords string
	// Version is told with the last words.
	Version string
	// Watchdog is fed while the program is well; nil: there is none.
	Watchdog Watchdog

	Patience   time.Duration // longest time between two proofs; 30 s
	StartTime  time.Duration // longest time until the first proof; 3 min
	Grace      time.Duration // how long nothing may be well, over all restarts, before Run gives up; 10 min
	FirstDelay time.Duration // before the first restart; 200 ms, doubled each time
	MostDelay  time.Duration // before later ones; 30 s
	StopTime   time.Duration // for a stop, after which the program is killed; 11 min, for calls for help go on for ten

	Log *slog.Logger
	// State is told how the program is, in words for a person: Starting, Running, or a sentence; may be nil.
	State func(string)
	// RestartMachine is called when the program asks for it, for the trial of a system or not; may be nil.
	RestartMachine func(trial bool)
	// Lights are the words by which the program may ask for a pattern of the light, and Light is told the latest; may be nil.
	Lights []string
	Light  func(word string)
	// Fault is called at named points of every goroutine, so that a test can make each of them panic; nil otherwise.
	Fault func(point string)
}

// What State is told when all is well.
const (
	Starting = "starting"
	Running  = "running"
)

// Fixed times.
const (
	beat     = time.Second      // how often everything is looked at
	wellTime = time.Minute      // for so long it must have been well for the next delay to be the first again
	quitTime = 10 * time.Second // for a program that hangs to say where
	resume   = time.Second      // before a goroutine that panicked begins again
)

func (c *Config) fill() {
	for _, d := range []struct {
		at    *time.Duration
		value time.Duration
	}{
		{&c.Patience, 30 * time.Second}, {&c.StartTime, 3 * time.Minute}, {&c.Grace, 10 * time.Minute}, {&c.FirstDelay, 200 * time.Millisecond},
		{&c.MostDelay, 30 * time.Second}, {&c.StopTime, 11 * time.Minute},
	} {
		if *d.at == 0 {
			*d.at = d.value
		}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.State == nil {
		c.State = func(string) {}
	}
	if c.RestartMachine == nil {
		c.RestartMachine = func(bool) {}
	}
	if c.Light == nil {
		c.Light = func(string) {}
	}
	if c.Fault == nil {
		c.Fault = func(string) {}
	}
}

// Supervisor keeps one program alive.
type Supervisor struct {
	c        Config
	nursery  *nursery
	ears     *ears
	restarts chan struct{}
	presses  chan struct{}

	// Only Run's own goroutine uses what follows; it outlives a panic of that goroutine.
	child   *child
	due     time.Time     // when the next child starts
	delay   time.Duration // before the start after that
	healthy time.Time     // the latest proof of any child, at first when Run began
	stopped time.Time     // when the stop was asked for; zero: it was not
	lost    bool          // given up
}

// New makes a Supervisor. Nothing runs before Run.
func New(c Config) *Supervisor {
	c.fill()
	return &Supervisor{c: c, nursery: newNursery(), ears: newEars(c.Socket, c.SocketGroup, c.Lights), restarts: make(chan struct{}, 1), presses: make(chan struct{}, 1), delay: c.FirstDelay}
}

// Restart has the program leave (SIGHUP) and begin again at once; its calls go on.
func (s *Supervisor) Restart() {
	select {
	case s.restarts <- struct{}{}:
	default: // one is on its way
	}
}

// Press tells the program that somebody has pressed the box's button (SIGUSR1). One that has not started yet hears nothing.
func (s *Supervisor) Press() {
	select {
	case s.presses <- struct{}{}:
	default: // two at once are one
	}
}

// Run keeps the program alive until ctx ends; then it stops it, and returns true when it is gone or StopTime is over. It
// returns false when no program was well for Grace, and only a restart of the machine is left: the watchdog gets nothing more.
// Whatever children others leave to this process are taken care of as well.
func (s *Supervisor) Run(ctx context.Context) (asked bool) {
	s.healthy = time.Now()
	help, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	go s.guarded("reap", func() bool { s.nursery.reap(help, s.c.Fault); return true })
	go s.guarded("listen", func() bool { return s.listen(help) })
	s.guarded("supervise", func() bool { s.loop(ctx); return true })
	return !s.lost
}

// listen hears the program until ctx ends. Without its socket no program is well, so a failure is told and tried again.
func (s *Supervisor) listen(ctx context.Context) (done bool) {
	if err := s.ears.listen(ctx, s.c.Fault); err != nil {
		s.c.Log.Error("the program is not heard", "err", err)
	}
	return ctx.Err() != nil
}

// loop looks at everything once a beat, and when something happens.
func (s *Supervisor) loop(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	stop := ctx.Done()
	if !s.stopped.IsZero() {
		stop = nil
	}
	for {
		s.c.Fault("supervise")
		if s.look(time.Now()) {
			return
		}
		select {
		case <-stop:
			stop = nil
			s.stop(time.Now())
		case <-s.restarts:
			s.leave()
		case <-s.presses:
			s.press()
		case <-s.ears.heard:
		case <-s.ended():
		case <-s.soon():
		case <-tick.C:
		}
	}
}

// ended is closed when the child is gone; nil without one.
func (s *Supervisor) ended() <-chan struct{} {
	if s.child == nil {
		return nil
	}
	return s.child.process.gone
}

// soon fires when a child is due before the next beat. None is while nobody would hear it: it would end at once.
func (s *Supervisor) soon() <-chan time.Time {
	if s.child != nil || !s.stopped.IsZero() || !s.ears.open.Load() {
		return nil
	}
	return time.After(max(0, time.Until(s.due)))
}

// look does what is due, and tells whether it is all over.
func (s *Supervisor) look(now time.Time) (over bool) {
	s.hear(now)
	if s.child != nil && s.child.process.isGone() {
		s.bury(now)
	}
	if s.stopped.IsZero() && now.Sub(s.healthy) > s.c.Grace {
		s.giveUp()
		return true
	}
	switch {
	case s.child != nil:
		s.examine(now)
	case !s.stopped.IsZero():
		return true
	case !now.Before(s.due) && s.ears.open.Load():
		s.start(now)
	}
	s.feed()
	return false
}

// giveUp ends what runs.
func (s *Supervisor) giveUp() {
	s.lost = true
	s.c.State(fmt.Sprintf("not well for %v: the machine restarts", s.c.Grace))
	s.c.Log.Error("no program has been well for too long", "for", s.c.Grace)
	if s.child != nil {
		s.kill()
	}
}

// hear takes what the child has said.
func (s *Supervisor) hear(now time.Time) {
	said := s.ears.take()
	if said.restart && s.child != nil {
		s.c.RestartMachine(said.trial)
	}
	if s.child == nil {
		return
	}
	if said.ready || said.well {
		if !s.child.ready {
			s.c.State(Running)
		}
		s.child.ready, s.child.proof, s.healthy = true, now, now
	}
	if said.light != "" && s.child.ready {
		s.c.Light(said.light)
	}
}

func (s *Supervisor) feed() {
	if s.c.Watchdog == nil {
		return
	}
	if err := s.c.Watchdog.Feed(); err != nil {
		s.c.Log.Error("watchdog not fed", "err", err)
	}
}
