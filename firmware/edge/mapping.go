package edge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"tollgate/firmware/policy"
	"tollgate/firmware/stun"
)

// The pace at which a STUN request is repeated (RFC 8489 §6.2.1), shorter than there: another follows soon.
const (
	stunFirst = 500 * time.Millisecond
	stunTries = 4
)

var errNoSTUN = errors.New("the STUN server does not answer")

// Mapped asks a STUN server under which address and port it sees the UDP listener of a side (RFC 8489). It is asked from
// the very port that SIP leaves from, because routers give each port a mapping of its own. It takes 7.5 s at most.
func (e *Edge) Mapped(ctx context.Context, side policy.Side, server netip.AddrPort) (netip.AddrPort, error) {
	server = unmapped(server)
	s, _ := e.socketOf(side, policy.UDP, server.Addr())
	u, ok := s.(*udpSocket)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("ask STUN server %s: no UDP listener on side %s", server, side)
	}
	a, err := u.ask(ctx, server)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask STUN server %s: %w", server, err)
	}
	return a, nil
}

// questions are the STUN requests of one socket that wait for an answer.
type questions struct {
	mu   sync.Mutex // guards everything below
	open map[stun.ID]question
}

type question struct {
	server netip.AddrPort
	answer chan []byte // room for one
}

func (q *questions) add(id stun.ID, server netip.AddrPort) chan []byte {
	answer := make(chan []byte, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = map[stun.ID]question{}
	}
	q.open[id] = question{server, answer}
	return answer
}

func (q *questions) drop(id stun.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, id)
}

// take keeps the answer to one of them; false when the datagram is none.
func (q *questions) take(b []byte, from netip.AddrPort) bool {
	id, ok := stun.Answers(b)
	if !ok {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	asked, ok := q.open[id]
	if !ok || asked.server != from {
		return false
	}
	select {
	case asked.answer <- append([]byte(nil), b...):
	default: // the answer to a repeated request
	}
	return true
}

// ask sends a binding request until it is answered.
func (s *udpSocket) ask(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
	var id stun.ID
	rand.Read(id[:]) // never fails (crypto/rand)
	answer := s.questions.add(id, server)
	defer s.questions.drop(id)
	wait := stunFirst
	for range stunTries {
		if err := s.sendRaw(stun.Request(id), server); err != nil {
			return netip.AddrPort{}, err
		}
		select {
		case b := <-answer:
			return stun.Mapped(b)
		case <-ctx.Done():
			return netip.AddrPort{}, ctx.Err()
		case <-s.ended:
			return netip.AddrPort{}, errClosed
		case <-time.After(wait):
			wait *= 2
		}
	}
	return netip.AddrPort{}, errNoSTUN
}
