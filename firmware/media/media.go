// Package media relays the audio of calls: RTP and RTCP in, RTP and RTCP out, encrypted or not on each leg.
//
// A Session has two legs, one a side, each with a pair of UDP ports of its own. What a leg's peer sends takes this way,
// on the one worker that owns the session; a packet takes no lock and, once the peer's stream is known, allocates nothing:
//
//	socket of leg A
//	  -> receive   into the worker's buffer
//	  -> source    expected for leg A? a stranger is counted and gets no answer
//	  -> kind      RTP or RTCP, by port, or by RFC 5761 §4 where both share one
//	  -> open      plain: checked for form; SRTP: replay window, authentication, decryption, form
//	  -> learn     the port the peer sends from, never before this point
//	  -> count     also its number and moment, for loss and jitter (account.go)
//	  -> press     telephone events out of it, or into it, where key presses travel in the signalling of one side
//	  -> translate leg A's payload types to leg B's, and its encoding of G.711 where they share none
//	  -> seal      plain: as it is; SRTP: numbered so that no key stream is used twice, encryption
//	  -> send      to leg B's peer, unless it is on hold
//	socket of leg B
//
// Each worker is one goroutine with a thread of its own and one epoll instance; there is one for each core. While packets come fast it reads them
// once a millisecond (poll.go). Where the kernel allows it, the packets of all its sessions come to it by one socket for each
// local address, and leave together (express.go); else each flow is read and written on its own socket. It holds its own lock for a turn: all
// the packets that one look found. Set and Close of a leg take that lock between two turns, so that no packet meets
// another goroutine, and a call that is set up need not wake its worker.
//
// Plain RTP is accepted from the addresses that signalling named alone. The first packet from one of them fixes the
// port, since routers change ports; then only signalling moves it, or a silence, where the policy says so (latch.go).
// SRTP is accepted from the same addresses and may move among their ports, because every packet proves who sent it.
//
// On a side that is kept open the box sends first and never falls quite silent, for the routers in front of it (opening.go).
//
// RTCP passes as it comes; towards a peer whose partner sends none, the box makes the reports (reporting.go).
//
// The keys of an encrypted leg come from signalling, or from a DTLS handshake on each of its ports (RFC 5764). A handshake
// has a goroutine of its own; the worker brings it the packets that are no RTP by their first byte (RFC 7983), sends what it
// says, and takes its keys. Until then nothing passes on the leg. Where the peer makes connectivity checks (ICE, RFC 8445),
// they are answered, and what they nominate is where the leg sends.
//
// Sessions outlive the process: Records describes them and Reopen takes them up (record.go). Numbers of packets are reserved
// in the records before they leave, so that no key stream is used twice whenever a process ends (reserve.go).
//
// A fax by T.38, and what the two ends encrypt by ZRTP, pass as they are (through.go).
//
// It leaves to others the keys and addresses (sdp, call), the packet filter (an implementation of Pinholes) and what
// follows from the counters: time-outs, alarms, a page.
package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/firmware/policy"
)

// Pinholes opens and shuts the packet filter for the media of live calls, all of the holes at once or, when it fails, none.
// Opens are counted: what is opened twice is shut twice.
type Pinholes interface {
	OpenPinholes([]Hole) error
	ShutPinholes([]Hole) error
}

// ErrClosed is returned by what is used after its Close.
var ErrClosed = errors.New("media: closed")

// Relay carries the media of all calls.
type Relay struct {
	pinholes Pinholes // nil: there is no filter
	log      *slog.Logger
	workers  []*worker
	threads  []int       // of the workers
	steering *steering   // nil: there is none
	identity identity    // shown in DTLS handshakes
	exchange sync.Mutex  // held while two sessions exchange legs, and guards renewed
	renewed  []*Session  // that have reserved more in the last Records
	keeps    atomic.Bool // records of the sessions are kept
	audio    *audio

	handshakes sync.WaitGroup // the associations that are not over, and keys being pressed
	presses    chan pressed
	leaving    leaving
	ended      chan struct{}

	mu       sync.Mutex // guards everything below
	config   *Config    // nil before the first Set
	pools    map[netip.Addr]*ports
	sessions map[*Session]struct{}
	closed   bool
}

// New starts a relay without any port: Open works after Set. Without a packet filter p is nil. It finds out whether the
// kernel allows the quicker way for packets, and logs it.
func New(p Pinholes, log *slog.Logger) (*Relay, error) {
	s, err := newSteering()
	log.Info("the media relay starts", "steered", err == nil, "err", err)
	return start(p, log, s)
}

// start starts a relay; without steering (nil) every port is read by itself.
func start(p Pinholes, log *slog.Logger, s *steering) (*Relay, error) {
	own, err := newIdentity()
	if err != nil {
		s.close()
		return nil, err
	}
	r := &Relay{identity: own, pinholes: p, log: log, steering: s, sessions: map[*Session]struct{}{}, ended: make(chan struct{}), presses: make(chan pressed, 64), audio: newAudio()}
	for range runtime.NumCPU() {
		w, err := newWorker(log, r.presses, r.audio)
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("media: starting a worker: %w", err)
		}
		if s != nil {
			if w.express, err = newExpress(s); err != nil {
				w.poll.close()
				r.Close()
				return nil, fmt.Errorf("media: starting a worker: %w", err)
			}
		}
		r.workers = append(r.workers, w)
		go w.run()
		r.threads = append(r.threads, <-w.begun)
	}
	go r.keepWaysOpen()
	go r.keepAccounts()
	go r.tellPresses()
	return r, nil
}

// Set puts addresses and ports into force for the sessions that are opened from now on; open ones keep theirs. It may
// be called again with the same Config. When it fails, the old Config stays in force.
func (r *Relay) Set(_ context.Context, c Config) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("media: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if r.config != nil && *r.config == c {
		return nil
	}
	for _, side := range []policy.Side{policy.SideInside, policy.SideOutside} {
		if err := tryBind(c.side(side).Address); err != nil {
			return fmt.Errorf("media: address of the %s side: %w", side, err)
		}
	}
	// Sides with one address share its ports. Ports of open sessions are busy in the old pools only; those that the new
	// pools have too are found busy by bind.
	r.retirePools()
	r.config, r.pools = &c, map[netip.Addr]*ports{}
	for _, a := range []netip.Addr{c.Inside.Address, c.Outside.Address} {
		r.pools[a] = newPorts(c.Ports)
	}
	return nil
}

// Open makes the two legs of a call, on the sides of its caller and its callee: four ports are bound, and nothing is
// accepted on them before Leg.Set. It fails with ErrExhausted when no ports are left.
func (r *Relay) Open(call string, caller, callee policy.Side) (*Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, ErrClosed
	case r.config == nil:
		return nil, errors.New("media: the relay has no configuration yet")
	}
	s, err := r.openSession(call, caller, callee)
	if err != nil {
		return nil, fmt.Errorf("media: opening the ports of a call: %w", err)
	}
	r.sessions[s] = struct{}{}
	return s, nil
}

// Close closes every session and ends the workers. A second Close does nothing.
func (r *Relay) Close() {
	r.mu.Lock()
	first := !r.closed
	if first {
		close(r.ended)
	}
	r.closed = true
	open := make([]*Session, 0, len(r.sessions))
	for s := range r.sessions {
		open = append(open, s)
	}
	r.mu.Unlock()
	for _, s := range open {
		s.Close()
	}
	r.mu.Lock()
	r.retirePools()
	r.mu.Unlock()
	r.shutLeft()
	r.handshakes.Wait()
	for _, w := range r.workers {
		w.stop()
	}
	if first {
		r.steering.close()
	}
}

// retirePools closes the ports that no call has, now or later. r.mu is held.
func (r *Relay) retirePools() {
	for _, p := range r.pools {
		p.retire()
	}
}

// Steered tells whether packets are steered to a worker's own sockets (express.go), or every port is read by itself.
func (r *Relay) Steered() bool { return r.steering != nil }

// Threads are the kernel's numbers of the threads that carry the packets. Nothing else of the process runs on them.
func (r *Relay) Threads() []int { return r.threads }

// Audio gives a sign when packets are carried and Go has no processor to spare for the rests between them: a rest keeps one for
// itself, so that the kernel wakes the worker in time whatever else runs. Spare says that there are some, or none any more.
func (r *Relay) Audio() <-chan struct{} { return r.audio.begun }

// Spare says whether Go has more processors (GOMAXPROCS) than there are workers from now on.
func (r *Relay) Spare(some bool) { r.audio.spare.Store(some) }

// Carried is when packets were carried last; zero before the first.
func (r *Relay) Carried() time.Time {
	if last := r.audio.last.Load(); last != 0 {
		return time.Unix(0, last)
	}
	return time.Time{}
}

// idlest returns the worker with the fewest sessions.
func (r *Relay) idlest() *worker {
	best := r.workers[0]
	for _, w := range r.workers[1:] {
		if w.sessions.Load() < best.sessions.Load() {
			best = w
		}
	}
	return best
}

func (r *Relay) forget(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
}
