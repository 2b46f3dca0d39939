package media

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/transport/v5/deadline"

	"tollgate/firmware/datagram"
)

const (
	// handshakeTimeout is how long a handshake may take from its first packet on.
	handshakeTimeout = 30 * time.Second
	// shortestRecord is a DTLS record without content (RFC 6347 §4.1).
	shortestRecord = 13
)

// association is a DTLS association on one flow. Its goroutine shakes hands; the flow's worker brings it the packets, sends
// what it has to say and gets the keys.
type association struct {
	relay  *Relay
	flow   *flow
	terms  *DTLS
	remote netip.AddrPort // as signalled
	peer   datagram.Name  // where its packets come from; the worker's

	in      chan []byte
	read    *deadline.Deadline
	stopped context.Context // done when signalling wants no more of it
	end     context.CancelFunc
	closed  context.Context // done when the handshake's own end is closed, too
	close   context.CancelFunc
	heard   sync.Once // arms late at the first packet
	late    func()
}

func newAssociation(r *Relay, f *flow, terms *DTLS, remote netip.AddrPort) *association {
	a := &association{relay: r, flow: f, terms: terms, remote: remote, in: make(chan []byte, 16), read: deadline.New()}
	a.stopped, a.end = context.WithCancel(context.Background())
	a.closed, a.close = context.WithCancel(a.stopped)
	return a
}

// fits tells whether the association is the one for terms and an address. Without an address, as on hold, it goes on; with
// ICE addresses come and go (RFC 8842 §4).
func (a *association) fits(terms *DTLS, remote netip.AddrPort, ice bool) bool {
	return a.terms.same(terms) && (remote == a.remote || !remote.IsValid() || ice)
}

// begin shakes hands until end.
func (a *association) begin() {
	a.relay.handshakes.Go(func() {
		if err := a.run(); err != nil && a.stopped.Err() == nil && a.terms.Failed != nil {
			a.terms.Failed(err)
		}
		a.end()
	})
}

// run shakes hands, hands the keys over and then reads on, because the peer may not have heard our last word.
func (a *association) run() error {
	conn, err := a.conn()
	if err != nil {
		return fmt.Errorf("beginning a DTLS handshake: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(a.stopped, func() { conn.Close() })()
	if err := a.shakeHands(conn); err != nil {
		return fmt.Errorf("DTLS handshake: %w", err)
	}
	send, receive, err := agreed(conn, a.terms.Active)
	if err != nil {
		return fmt.Errorf("DTLS handshake: %w", err)
	}
	if err := a.install(send, receive); err != nil {
		return err
	}
	for b := make([]byte, largest); ; {
		if _, err := conn.Read(b); err != nil {
			return nil // the peer says good-bye, or we do; the keys stay until signalling says otherwise
		}
	}
}

func (a *association) conn() (*dtls.Conn, error) {
	options := a.terms.config(a.relay.identity)
	if a.terms.Active {
		var client []dtls.ClientOption
		for _, o := range options {
			client = append(client, o)
		}
		return dtls.ClientWithOptions(a, nowhereInParticular, client...)
	}
	server := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
	for _, o := range options {
		server = append(server, o)
	}
	return dtls.ServerWithOptions(a, nowhereInParticular, server...)
}

// shakeHands gives the handshake its time. The one who waits does so from the peer's first packet on: a peer may ring for
// minutes before it begins.
func (a *association) shakeHands(conn *dtls.Conn) error {
	ctx, cancel := context.WithCancelCause(a.stopped)
	defer cancel(nil)
	a.late = func() {
		t := time.AfterFunc(handshakeTimeout, func() { cancel(errors.New("the peer does not finish it")) })
		context.AfterFunc(ctx, func() { t.Stop() })
	}
	if a.terms.Active {
		a.heard.Do(a.late)
	}
	err := conn.HandshakeContext(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// install puts the keys into force. Between two sessions nobody reads the flow for a moment.
func (a *association) install(send, receive Keys) error {
	o, err := newOpener(receive)
	if err != nil {
		return err
	}
	s, err := newSealer(send)
	if err != nil {
		return err
	}
	s.kept = &a.relay.keeps
	for !a.flow.do(func() { a.flow.keyed(a, o, s) }) {
		select {
		case <-a.stopped.Done():
			return nil
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// take brings a packet. The worker does not wait: what finds no room is sent again by the peer.
func (a *association) take(from netip.AddrPort, packet []byte) {
	a.peer = datagram.NameOf(from)
	select {
	case a.in <- append([]byte(nil), packet...):
	default:
	}
}

// The association is the net.PacketConn of its handshake.

// nowhereInParticular stands for both ends: the flow knows where they are.
var nowhereInParticular = &net.UDPAddr{IP: net.IPv4zero}

// ReadFrom waits for a packet of the peer.
func (a *association) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case packet := <-a.in:
		a.heard.Do(a.late)
		return copy(b, packet), nowhereInParticular, nil
	case <-a.read.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case <-a.closed.Done():
		return 0, nil, net.ErrClosed
	}
}

// WriteTo has the worker send a packet to where the peer's come from, or to where it is signalled.
func (a *association) WriteTo(b []byte, _ net.Addr) (int, error) {
	a.flow.do(func() {
		if a.flow.association != a {
			return
		}
		to := &a.peer
		if !to.IsValid() {
			to = &a.flow.to
		}
		if to.IsValid() {
			a.flow.socket.Send(b, to) // what is lost is sent again
		}
	})
	if a.closed.Err() != nil {
		return 0, net.ErrClosed
	}
	return len(b), nil
}

// Close ends reading and writing.
func (a *association) Close() error { a.close(); return nil }

// LocalAddr is nowhere in particular.
func (a *association) LocalAddr() net.Addr { return nowhereInParticular }

// SetDeadline bounds reading; writing does not wait.
func (a *association) SetDeadline(t time.Time) error { return a.SetReadDeadline(t) }

// SetReadDeadline bounds reading.
func (a *association) SetReadDeadline(t time.Time) error { a.read.Set(t); return nil }

// SetWriteDeadline has no effect: writing does not wait.
func (a *association) SetWriteDeadline(time.Time) error { return nil }
