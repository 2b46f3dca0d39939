// Package siptest joins user-agent cores by links that carry real messages, for tests on a fake clock.
//
// Each message is written out, may be lost, is parsed again and handed to the other end in order, as one UDP flow would do.
// It leaves sockets to edge and real peers to scripts/lab.
package siptest

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Receiver takes messages; *ua.Core satisfies it.
type Receiver interface {
	Receive(m sip.Message, conn sip.Connection, peer policy.Peer)
}

// End is one end of a link: a connection to write to, which knows what has been sent on it.
type End struct {
	Lose func(message string) bool // drops what it says yes to
	Peer policy.Peer               // who the other end is to this one
	Dead bool                      // writing fails

	t    testing.TB
	self net.UDPAddr
	far  *End
	core Receiver
	in   chan []byte
	end  chan struct{}

	mu   sync.Mutex // guards everything below
	sent []string
}

// Join links two receivers until the test ends. Each end is named after who is on the other side of it.
func Join(t testing.TB, a Receiver, aSees policy.Peer, b Receiver, bSees policy.Peer) (*End, *End) {
	end := make(chan struct{})
	newEnd := func(n byte, core Receiver, peer policy.Peer) *End {
		return &End{t: t, self: net.UDPAddr{IP: net.IPv4(192, 0, 2, n), Port: 5060}, core: core, Peer: peer, in: make(chan []byte, 4096), end: end}
	}
	x, y := newEnd(1, a, aSees), newEnd(2, b, bSees)
	x.far, y.far = y, x
	var running sync.WaitGroup
	running.Go(x.run)
	running.Go(y.run)
	t.Cleanup(func() { close(end); running.Wait() })
	return x, y
}

// Far is the other end.
func (e *End) Far() *End { return e.far }

// Conn makes an End a path to the peer at its other end.
func (e *End) Conn(context.Context) (sip.Connection, error) { return e, nil }

// LocalAddr, Ref, TryClose and Close make an End a sip.Connection.
func (e *End) LocalAddr() net.Addr { return &e.self }

// Ref does nothing.
func (e *End) Ref(int) int { return 1 }

// TryClose does nothing.
func (e *End) TryClose() (int, error) { return 1, nil }

// Close does nothing.
func (e *End) Close() error { return nil }

// WriteMsg sends m to the other end.
func (e *End) WriteMsg(m sip.Message) error {
	text := m.String()
	e.mu.Lock()
	e.sent = append(e.sent, text)
	lost, dead := e.Lose != nil && e.Lose(text), e.Dead
	e.mu.Unlock()
	if dead {
		return errors.New("connection lost")
	}
	if !lost {
		select {
		case e.far.in <- []byte(text):
		case <-e.end:
		}
	}
	return nil
}

func (e *End) run() {
	parser := sip.NewParser()
	for {
		select {
		case <-e.end:
			return
		case b := <-e.in:
			m, err := parser.ParseSIP(b)
			if err != nil {
				e.t.Errorf("message cannot be parsed: %v\n%s", err, b)
				continue
			}
			m.SetTransport("UDP")
			m.SetSource(e.far.self.String())
			e.core.Receive(m, e, e.Peer)
		}
	}
}

// Sent returns what has been sent from this end.
func (e *End) Sent() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.sent...)
}

// Count tells how many of the messages sent from this end begin with prefix.
func (e *End) Count(prefix string) int {
	n := 0
	for _, s := range e.Sent() {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// Last returns the last message sent from this end that begins with prefix, or "".
func (e *End) Last(prefix string) string {
	sent := e.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		if strings.HasPrefix(sent[i], prefix) {
			return sent[i]
		}
	}
	return ""
}
