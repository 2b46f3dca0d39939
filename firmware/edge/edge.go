// Package edge holds the listeners and connections of each side and lets through what is SIP and whose sender is known.
//
//	socket ─► known source? ─► framing (streams) ─► raw-byte gate ─► pace ─► sipgo's parser ─► sanity ─► access ─► Handler
//	              │                    │                  │            │          │              │          │
//	              └ dropped            └──────────────────┴─ 4xx, 5xx ─│──────────┴──────────────┘          ├ challenge, refusal
//	                                                                   └ dropped                            └ dropped
//
// A stranger's bytes never reach the gate, let alone the parser: who is not known to access by address is dropped at the
// socket, streams before their TLS handshake. What is malformed is answered without state when the source is known.
// Challenges and refusals are answered without state too, with a To tag that is the same for a retransmission, and the
// ACKs to them are absorbed. Everything refused is told as event.SourceRefused, a flood of it once a second.
//
// Messages of one connection reach the Handler in their order of arrival. Each stream has a writer of its own with a
// bounded queue, so that a peer that reads nothing stalls nobody else. Connections are not shared between peers. Errors
// of accepting and reading end no listener.
//
// Connections that the box made are pinged, and given up when a peer that answers pings stops doing so. STUN servers are
// asked from the very socket that SIP over UDP leaves from.
//
// It leaves to others: who a source is (access), transactions and dialogs (ua), what requests mean (call, trunk, registrar),
// certificates (certs) and names (trunk).
package edge

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
)

// Access says who speaks.
type Access interface {
	// Known tells whether any peer may speak from this source. Who is not known is dropped before anything is read.
	Known(s access.Source) bool
	// Identify says who sent req and what to do with it.
	Identify(now time.Time, s access.Source, req *sip.Request) access.Verdict
}

// Conduct takes note of misbehaviour. Its methods return at once.
type Conduct interface {
	// Misbehaved tells what a source has done.
	Misbehaved(now time.Time, d access.Deed)
	// Acknowledged takes one unacknowledged refusal of the source back.
	Acknowledged(now time.Time, source netip.Addr)
}

// Handler takes the messages that have passed. It is called in the order of arrival on each connection and does not
// block. A response of a connection that the box did not dial has the peer that was last seen there; Peer.Name is empty
// when there were several, and the response's transaction says whose it is.
type Handler func(m sip.Message, c *Conn, peer policy.Peer)

// Options are what an Edge needs.
type Options struct {
	Access  Access
	Conduct Conduct // nil: nobody takes note
	Handler Handler
	Sink    event.Sink
	Log     *slog.Logger
	Limits  Limits // zero values: the defaults
}

// Limits bound what peers can hold.
type Limits struct {
	Connections int // streams at once; default 2048
	PerSource   int // accepted streams from what one host controls; default 256: phones behind one address

	Handshake time.Duration // TLS; default 5 s
	First     time.Duration // from accepting a stream to its first good message; default 30 s
	Message   time.Duration // from the first byte of a message to its last; default 10 s
	Idle      time.Duration // without a byte on an accepted stream; default 1 h, longer than registrations last
	Write     time.Duration // for the peer to take what was written; default 10 s
	Ping      time.Duration // between keep-alives on dialled streams (RFC 5626 §4.4.1); default 25 s
	Pong      time.Duration // for a peer that answers pings to answer one; default 10 s
}

func (l Limits) withDefaults() Limits {
	number := func(n *int, d int) {
		if *n == 0 {
			*n = d
		}
	}
	duration := func(t *time.Duration, d time.Duration) {
		if *t == 0 {
			*t = d
		}
	}
	number(&l.Connections, 2048)
	number(&l.PerSource, 256)
	duration(&l.Handshake, 5*time.Second)
	duration(&l.First, 30*time.Second)
	duration(&l.Message, 10*time.Second)
	duration(&l.Idle, time.Hour)
	duration(&l.Write, 10*time.Second)
	duration(&l.Ping, 25*time.Second)
	duration(&l.Pong, 10*time.Second)
	return l
}

// Edge is the signalling border: the listeners and connections of both sides. New makes one.
type Edge struct {
	access  Access
	conduct Conduct
	handler Handler
	log     *slog.Logger
	limits  Limits
	parser  *sip.Parser
	tagger  tagger
	teller  *teller
	pacing  pacing

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup // listeners and connections
	setting sync.Mutex     // one Set at a time
	dscp    atomic.Uint32  // that new connections are marked with

	mu       sync.Mutex // guards everything below
	closed   bool
	sockets  map[socketKey]socket
	streams  map[*stream]struct{}
	accepted map[netip.Addr]int // streams by source network
	dialled  map[dialKey]*dialling
}

// New makes an Edge without listeners. Close gives back what it holds.
func New(o Options) *Edge {
	ctx, cancel := context.WithCancel(context.Background())
	return &Edge{
		access:   o.Access,
		conduct:  o.Conduct,
		handler:  o.Handler,
		log:      o.Log,
		limits:   o.Limits.withDefaults(),
		parser:   sip.NewParser(),
		tagger:   newTagger(),
		teller:   newTeller(o.Sink),
		ctx:      ctx,
		cancel:   cancel,
		sockets:  map[socketKey]socket{},
		streams:  map[*stream]struct{}{},
		accepted: map[netip.Addr]int{},
		dialled:  map[dialKey]*dialling{},
	}
}

// Close ends all listeners and connections and returns when nothing runs any more. What was queued is sent first, within
// a second. The Handler must not call it.
func (e *Edge) Close() error {
	e.setting.Lock()
	defer e.setting.Unlock()
	e.mu.Lock()
	e.closed = true
	e.cancel()
	for key, s := range e.sockets {
		s.close()
		delete(e.sockets, key)
	}
	for s := range e.streams {
		s.finish()
	}
	e.mu.Unlock()
	e.running.Wait()
	e.teller.close()
	return nil
}

// Target is where a connection leads.
type Target struct {
	Owner     string // policy.PeerPBX or the name of a trunk
	Side      policy.Side
	Transport policy.Transport
	Addr      netip.AddrPort
	TLS       *tls.Config // with transport tls: verifies the peer
}
