package ua

import (
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// maxEchoes bounds what one direction remembers of transactions that are over: what 1,000 calls a second leave behind. A
// flood makes it forget the oldest, whose repetitions are then judged anew.
const maxEchoes = 1 << 16

// sweepTime is how long what may be forgotten lies around at least, so that a busy box does not look at each by itself.
const sweepTime = time.Second

// echo is all that is kept of a transaction once its outcome is known: what a repetition is answered with. A call leaves
// three behind for half a minute, so they are written out and small.
type echo struct {
	key  string
	ends time.Time
	conn sip.Connection
	peer policy.Peer // of a request of ours
	tag  string      // the To tag
	text string      // "": a repetition gets no answer

	// A failure of an INVITE is repeated until its ACK comes (RFC 3261 §17.2.1, Timers G and H).
	failure bool
	timer   *time.Timer
	wait    time.Duration
}

// echoes are the transactions of one direction that are over, for 64*T1: Timers D, J, L and M (RFC 3261 §17, RFC 6026 §7).
type echoes struct {
	core *Core

	mu    sync.Mutex // guards everything below, the echoes included
	byKey map[string]*echo
	queue []*echo // in the order of their ends
	timer *time.Timer
}

// keep has the echo answer with a text under a To tag. Both lie in one piece of memory, without room to spare and apart from
// the messages that they are of: a thousand calls a second leave a hundred thousand echoes for the garbage collector to go through.
func (e *echo) keep(tag, text string) {
	both := tag + text
	e.tag, e.text = both[:len(tag)], both[len(tag):]
}

func (s *echoes) put(e *echo) {
	e.key = strings.Clone(e.key) // it was built with room to spare
	e.keep(e.tag, e.text)
	now := time.Now()
	e.ends = now.Add(64 * sip.T1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey[e.key] = e
	s.queue = append(s.queue, e)
	if len(s.queue) > maxEchoes {
		s.forget(s.queue[0])
	}
	if len(s.queue) == 1 {
		s.arm(now)
	}
}

// begin repeats a failure until its ACK comes or it is forgotten.
func (s *echoes) begin(e *echo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.wait = sip.T1
	e.timer = time.AfterFunc(e.wait, func() { s.insist(e) })
}

// arm sets the timer for the oldest. s.mu is held.
func (s *echoes) arm(now time.Time) {
	wait := max(s.queue[0].ends.Sub(now), sweepTime)
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.sweep)
		return
	}
	s.timer.Reset(wait)
}

func (s *echoes) sweep() {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 && !s.queue[0].ends.After(now) {
		s.forget(s.queue[0])
	}
	if len(s.queue) == 0 {
		s.queue = nil // a burst does not keep its memory
		return
	}
	s.arm(now)
}

// forget drops the oldest. s.mu is held.
func (s *echoes) forget(e *echo) {
	s.queue[0] = nil
	s.queue = s.queue[1:]
	if s.byKey[e.key] == e {
		delete(s.byKey, e.key)
	}
	s.quiet(e)
}

// quiet ends the repetition of a failure. s.mu is held.
func (s *echoes) quiet(e *echo) {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// insist repeats a failure that was not acknowledged yet.
func (s *echoes) insist(e *echo) {
	s.mu.Lock()
	conn, text := e.conn, e.text
	if e.timer == nil {
		s.mu.Unlock()
		return
	}
	e.wait = min(2*e.wait, sip.T2)
	e.timer.Reset(e.wait)
	s.mu.Unlock()
	s.core.rewrite(conn, text)
}

// find returns what is kept under a key, or nil.
func (s *echoes) find(key string) *echo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKey[key]
}

// say fills in what an echo answers from now on, and where.
func (s *echoes) say(e *echo, conn sip.Connection, tag, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.conn = conn
	e.keep(tag, text)
}

// hear answers a repetition that has come by conn. The peer may have opened it because the one in use has ended.
func (s *echoes) hear(e *echo, conn sip.Connection) {
	s.mu.Lock()
	if ended(e.conn) {
		e.conn = conn
	}
	conn, text := e.conn, e.text
	s.mu.Unlock()
	if text != "" {
		s.core.rewrite(conn, text)
	}
}

// acknowledged takes an ACK; false when it is none for a failure.
func (s *echoes) acknowledged(e *echo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !e.failure {
		return false
	}
	s.quiet(e)
	e.text = ""
	return true
}

// rewrite sends what was kept as text.
func (c *Core) rewrite(conn sip.Connection, text string) {
	m, err := sip.ParseMessage([]byte(text))
	if err != nil {
		c.log.Error("a message of our own cannot be read", "err", err) // cannot happen
		return
	}
	c.write(conn, m)
}
