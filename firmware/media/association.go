package media

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/transport/v5/deadline"

	"tollgate/firmware/datagram"
)

const (
	// handshakeTimeout is how long a handshake may take from its first packet on.
	handshakeTimeout = 30 * time.Second
	// betweenAttempts is how long it is not waited for another beginning after one that led nowhere.
	betweenAttempts = 10 * time.Millisecond
	// shortestRecord is a DTLS record without content (RFC 6347 §4.1).
	shortestRecord = 13
)

// errUnfinished ends a handshake that has had its time.
var errUnfinished = errors.New("the peer does not finish it")

// association is a DTLS association on one flow. Its goroutine shakes hands; the flow's worker brings it the packets, sends
// what it has to say and gets the keys.
type association struct {
	relay  *Relay
	flow   *flow
	terms  *DTLS
	remote netip.AddrPort // as signalled
	peer   datagram.Name  // where its packets come from; the worker's

	in        chan []byte
	stopped   context.Context // done when signalling wants no more of it
	end       context.CancelFunc
	heard     sync.Once // arms late at the first packet
	late      func()
	first     []byte      // what the next attempt begins with; nil: what comes
	unvouched atomic.Bool // a certificate came that signalling does not name
}

func newAssociation(r *Relay, f *flow, terms *DTLS, remote netip.AddrPort) *association {
	a := &association{relay: r, flow: f, terms: terms, remote: remote, in: make(chan []byte, 16)}
	a.stopped, a.end = context.WithCancel(context.Background())
	return a
}

// fits tells whether the association is the one for terms and an address. Without an address, as on hold, it goes on; with
// ICE addresses come and go (RFC 8842 §4).
func (a *association) fits(terms *DTLS, remote netip.AddrPort, ice bool) bool {
	return a.terms.same(terms) && (remote == a.remote || !remote.IsValid() || ice)
}

// follows tells whether the association is one more with the same peer in the same place: then the keys of the one before go on
// until it has made others. Who begins has changed, which calls for another handshake (RFC 8842 §4); but telephones exist
// (Linphone 5) that say so in every answer, and go on with the keys they have.
func (a *association) follows(before *association) bool {
	return a != nil && before != nil && a.remote == before.remote && slices.Equal(a.terms.Fingerprints, before.terms.Fingerprints)
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
	conn, err := a.shakeHands()
	if err != nil {
		return fmt.Errorf("DTLS handshake: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(a.stopped, func() { conn.Close() })()
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

// shakeHands gives the handshake its time. The one who waits does so from the peer's first packet on: a peer may ring for
// minutes before it begins. He also goes on waiting when somebody has begun who does not go on: that takes no more than a
// forged address. A certificate that is not the peer's ends it.
func (a *association) shakeHands() (*dtls.Conn, error) {
	ctx, cancel := context.WithCancelCause(a.stopped)
	defer cancel(nil)
	var last error
	a.late = func() {
		t := time.AfterFunc(handshakeTimeout, func() { cancel(errUnfinished) })
		context.AfterFunc(ctx, func() { t.Stop() })
	}
	if a.terms.Active {
		a.heard.Do(a.late)
	}
	for {
		conn, err := a.conn()
		if err != nil {
			return nil, err
		}
		err = conn.HandshakeContext(ctx)
		if err == nil {
			return conn, nil
		}
		conn.Close()
		switch cause := context.Cause(ctx); {
		case cause == errUnfinished && last != nil:
			return nil, fmt.Errorf("%w: %w", cause, last)
		case cause != nil:
			return nil, cause
		case a.terms.Active || a.unvouched.Load():
			return nil, err
		}
		last = err
		select {
		case <-ctx.Done():
		case <-time.After(betweenAttempts):
		}
	}
}

// conn is the next attempt to shake hands.
func (a *association) conn() (*dtls.Conn, error) {
	options := append(a.terms.config(a.relay.identity), dtls.WithVerifyPeerCertificate(func(raw [][]byte, chains [][]*x509.Certificate) error {
		err := a.terms.vouched(raw, chains)
		if err != nil {
			a.unvouched.Store(true)
		}
		return err
	}))
	if a.terms.Active {
		var client []dtls.ClientOption
		for _, o := range options {
			client = append(client, o)
		}
		return dtls.ClientWithOptions(a.attempt(), nowhereInParticular, client...)
	}
	server := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
	for _, o := range options {
		server = append(server, o)
	}
	return dtls.ServerWithOptions(a.attempt(), nowhereInParticular, server...)
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

// attempt is one attempt to shake hands, as its net.PacketConn.
type attempt struct {
	*association
	read   *deadline.Deadline
	closed context.Context // done when the attempt's own end is closed, or nobody wants any more of it
	close  context.CancelFunc
	hello  hello // that began it, with us waiting
}

func (a *association) attempt() *attempt {
	p := &attempt{association: a, read: deadline.New()}
	p.closed, p.close = context.WithCancel(a.stopped)
	return p
}

// nowhereInParticular stands for both ends: the flow knows where they are.
var nowhereInParticular = &net.UDPAddr{IP: net.IPv4zero}

// ReadFrom waits for a packet of the peer.
func (p *attempt) ReadFrom(b []byte) (int, net.Addr, error) {
	if first := p.first; first != nil {
		p.first = nil
		return p.deliver(b, first)
	}
	select {
	case packet := <-p.in:
		p.heard.Do(p.late)
		return p.deliver(b, packet)
	case <-p.read.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case <-p.closed.Done():
		return 0, nil, net.ErrClosed
	}
}

// deliver hands a packet over, unless the next attempt begins with it.
func (p *attempt) deliver(b, packet []byte) (int, net.Addr, error) {
	if !p.terms.Active && p.hello.givesWayTo(packet) {
		p.first = packet
		return 0, nil, errGivesWay
	}
	return copy(b, packet), nowhereInParticular, nil
}

// WriteTo has the worker send a packet to where the peer's come from, or to where it is signalled.
func (p *attempt) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.flow.do(func() {
		if p.flow.association != p.association {
			return
		}
		to := &p.peer
		if !to.IsValid() {
			to = &p.flow.to
		}
		if to.IsValid() {
			p.flow.socket.Send(b, to) // what is lost is sent again
		}
	})
	if p.closed.Err() != nil {
		return 0, net.ErrClosed
	}
	return len(b), nil
}

// Close ends reading and writing.
func (p *attempt) Close() error { p.close(); return nil }

// LocalAddr is nowhere in particular.
func (p *attempt) LocalAddr() net.Addr { return nowhereInParticular }

// SetDeadline bounds reading; writing does not wait.
func (p *attempt) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline bounds reading.
func (p *attempt) SetReadDeadline(t time.Time) error { p.read.Set(t); return nil }

// SetWriteDeadline has no effect: writing does not wait.
func (p *attempt) SetWriteDeadline(time.Time) error { return nil }
