package ua

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"

	"github.com/emiago/sipgo/sip"
)

// A stream may die while an answer is waited for: closed by the peer at the moment at which it is used again, above all.
// The request then goes out once more over a new connection (RFC 3261 §18.4), identical but for its branch, as RFC 3263
// §4.3 has it for a server that fails: with the same CSeq, a peer that took the first one can tell that it is no second
// wish. An INVITE that was heard of is left alone: its answer comes over a connection of the peer's (RFC 3261 §18.2.2).

// ErrConnectionLost says that the stream of a request ended before its answer, and that it could not be sent once more.
var ErrConnectionLost = errors.New("the connection ended before the answer")

// mortal is a connection that tells its end.
type mortal interface{ Done() <-chan struct{} }

// ended tells whether a connection has ended.
func ended(conn sip.Connection) bool {
	m, ok := conn.(mortal)
	if !ok {
		return false
	}
	select {
	case <-m.Done():
		return true
	default:
		return false
	}
}

// watch has the requests that wait on the stream of s told of its end. One goroutine does it for all of them. c.mu is held.
func (c *Core) watch(s *sending) {
	m, ok := s.conn.(mortal)
	if !ok || !sip.IsReliable(s.req.Transport()) {
		return
	}
	s.dies = m.Done()
	if c.watched[s.dies] {
		return
	}
	c.watched[s.dies] = true
	go c.await(s.dies)
}

// await tells the requests that wait on a stream of its end.
func (c *Core) await(end <-chan struct{}) {
	<-end
	var waiting []*sending
	c.mu.Lock()
	delete(c.watched, end)
	for _, s := range c.clients {
		if s.dies == end {
			waiting = append(waiting, s)
		}
	}
	c.mu.Unlock()
	for _, s := range waiting {
		s.out.lost(s)
	}
}

// lost takes the end of the stream of s. Answers that came before it are queued and taken first.
func (o *Outgoing) lost(s *sending) {
	if o.inbox == nil || !o.inbox.put(item{out: o, sending: s, err: ErrConnectionLost}) {
		o.goOn(s)
	}
}

// goOn sends a request again whose stream has ended, or reports that. It does not wait for the new connection. An INVITE
// that is to be cancelled as soon as it is heard of waits for that as before.
func (o *Outgoing) goOn(s *sending) {
	o.mu.Lock()
	kept := o.method == sip.INVITE && (o.rang || o.cancelled || o.abandoned)
	again := o.sending == s && !o.settled && !o.resent && !o.abandoned && o.path != nil && mayRepeat(o.method)
	o.mu.Unlock()
	if kept || !s.end() {
		return
	}
	o.core.drop(s)
	if again {
		go o.resend(s)
		return
	}
	o.failed(s, fmt.Errorf("%w: %w", sip.ErrTransactionTransport, ErrConnectionLost))
}

// mayRepeat tells whether a request of this method makes sense a second time as it is. A CANCEL belongs to the branch of
// its INVITE, and a registrar wants to see the CSeq rise (RFC 3261 §10.3): who registers tries anew, and hears at once.
func mayRepeat(m sip.RequestMethod) bool { return m != sip.CANCEL && m != sip.REGISTER }

// resend sends a request once more, over a new connection.
func (o *Outgoing) resend(s *sending) {
	conn, err := o.alive()
	o.mu.Lock()
	wanted := !o.cancelled && !o.abandoned
	if wanted {
		o.resent, o.req = true, Again(s.req)
	}
	o.mu.Unlock()
	if err == nil && wanted {
		err = o.begin(conn)
	}
	if err == nil && wanted {
		return
	}
	o.mu.Lock()
	o.settled = false // begin has settled it; the call has yet to hear
	o.mu.Unlock()
	if o.inbox != nil {
		o.inbox.put(item{out: o, err: fmt.Errorf("%w: %w", sip.ErrTransactionTransport, errors.Join(ErrConnectionLost, err))})
	}
}

// alive is the connection in use, or a new one of its kind when that has ended.
func (o *Outgoing) alive() (sip.Connection, error) {
	o.mu.Lock()
	conn, path := o.conn, o.path
	o.mu.Unlock()
	if path == nil || !ended(conn) {
		return conn, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), rerouteTimeout)
	defer cancel()
	size := 0
	if isStream(conn) {
		size = math.MaxUint16 // what went over TCP because of its length, and what belongs to it
	}
	next, err := ConnFor(ctx, path, size)
	switch {
	case err != nil:
		return nil, err
	case isStream(next) != isStream(conn):
		return nil, ErrConnectionLost // the message says another transport
	}
	o.mu.Lock()
	o.conn = next
	o.mu.Unlock()
	return next, nil
}

func isStream(conn sip.Connection) bool {
	_, stream := conn.LocalAddr().(*net.TCPAddr)
	return stream
}
