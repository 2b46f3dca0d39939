package ua

import (
	"fmt"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// sending is the client transaction of a request of ours (RFC 3261 §17.1): it repeats the request on UDP until the peer
// is heard, and gives up after 64*T1. Its end leaves an echo behind where repetitions of the answer are to be answered.
type sending struct {
	out  *Outgoing
	key  string
	req  *sip.Request
	conn sip.Connection
	dies <-chan struct{} // closed when conn has ended; nil where that is not watched; guarded by the Core's mutex

	mu    sync.Mutex // guards everything below
	timer *time.Timer
	wait  time.Duration // to the next look
	pause time.Duration // between two repetitions; 0 on a stream
	left  time.Duration // until the peer has stayed silent for too long
	heard bool
	over  bool
}

// begin sends the request and starts its timers (Timers A and B, or E and F).
func (s *sending) begin() error {
	if err := s.conn.WriteMsg(s.req); err != nil {
		return fmt.Errorf("%w: %w", sip.ErrTransactionTransport, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	s.left = 64 * sip.T1
	if !sip.IsReliable(s.req.Transport()) {
		s.pause = sip.T1
	}
	s.next()
	return nil
}

// next sets the timer for the next repetition or the end. s.mu is held.
func (s *sending) next() {
	s.wait = s.left
	if s.pause > 0 {
		s.wait = min(s.pause, s.left)
	}
	if s.timer == nil {
		s.timer = time.AfterFunc(s.wait, s.tick)
		return
	}
	s.timer.Reset(s.wait)
}

func (s *sending) tick() {
	s.mu.Lock()
	if s.over || s.heard && s.req.IsInvite() {
		s.mu.Unlock()
		return
	}
	if s.left -= s.wait; s.left <= 0 {
		s.mu.Unlock()
		s.fail(fmt.Errorf("%s: no answer in %v: %w", s.req.Method, 64*sip.T1, sip.ErrTransactionTimeout))
		return
	}
	s.pause *= 2
	if !s.req.IsInvite() {
		s.pause = min(s.pause, sip.T2)
	}
	s.next()
	repeat := s.pause > 0
	s.mu.Unlock()
	if !repeat {
		return
	}
	if err := s.conn.WriteMsg(s.req); err != nil {
		s.fail(fmt.Errorf("%w: %w", sip.ErrTransactionTransport, err))
	}
}

// ring notes a provisional response: an INVITE is not repeated any more and may take its time, others are repeated every
// T2; false when the transaction is over.
func (s *sending) ring() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.heard = true
	if s.timer != nil && s.req.IsInvite() {
		s.timer.Stop()
	} else if s.pause > 0 {
		s.pause = sip.T2
	}
	return true
}

// hush ends the repetitions (Timers A and E); what comes back is still met until the peer has been silent for 64*T1.
func (s *sending) hush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause = 0
}

// end stops the transaction; it tells whether it was under way.
func (s *sending) end() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.over = true
	if s.timer != nil {
		s.timer.Stop()
	}
	return true
}

// fail ends a transaction that brought no final response and reports it.
func (s *sending) fail(err error) {
	if s.end() {
		s.out.core.drop(s)
		s.out.failed(s, err)
	}
}

// giveUp ends a transaction whose answer is not waited for any longer.
func (s *sending) giveUp() { s.fail(sip.ErrTransactionTerminated) }
