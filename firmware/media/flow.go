package media

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"tollgate/firmware/datagram"
	"tollgate/firmware/policy"
	"tollgate/firmware/quality"
)

// half is one leg as its worker sees it; its worker's lock guards it once the session is open.
type half struct {
	// What each packet needs comes first (warm).
	far      *half // the other leg
	counters *counters
	rtp      *flow
	keypad   *keypad // nil: no key was pressed
	secluded bool    // the two ends have encrypted what they say between them
	terms
	account account

	rtcp      *flow
	side      policy.Side
	opening   opening
	reporting reporting
	listener  listener
	newcomer  newcomer // who may take the peer's place
}

// setting is what Leg.Set puts into force as a whole: what the flows have of it, and what stays with the leg.
type setting struct {
	remote, control netip.AddrPort  // where the peer wants RTP and RTCP; invalid: nothing is sent
	ciphers                         // of both flows, unless handshakes make those of each
	associations    [2]*association // of RTP and RTCP, with handshakes; nil: the flow has none
	terms
}

// terms are what a leg goes by.
type terms struct {
	mux          bool
	noRTCP       bool // none is sent
	hold         bool
	handshakes   bool // the keys come by DTLS
	fax          bool // packets are those of a fax by T.38
	zrtp         bool // ZRTP passes
	clock        quality.Clock
	*translation         // of what the peer sends
	events       *Events // nil: key presses cross as they come, if they do
	ice          *ICE    // nil: there are no connectivity checks
	sources      []netip.Prefix
	latching     policy.Latching
}

// ciphers are what a flow is encrypted with.
type ciphers struct {
	open        *opener // nil: the peer sends plain packets
	seal        *sealer // nil: plain packets are sent
	pending     bool    // there will be keys; until then nothing passes
	former      *opener // of the key before open, for what was under way when it changed; nil: none
	formerUntil time.Time
}

// flow is one socket of a leg and the peer's address on the other end.
type flow struct {
	// What each packet needs comes first, a line of memory for whichever way it goes (warm).
	half *half
	ciphers

	socket port
	inlet  *inlet        // by which its packets come; nil: by the socket
	to     datagram.Name // where we send

	local   netip.AddrPort // that the socket is bound to
	learned netip.AddrPort // where packets come from; invalid: none came yet

	heard     time.Time      // when a packet was accepted last
	signalled netip.AddrPort // where the peer wants packets; invalid: not known
	control   bool           // the RTCP port
	place     int32

	owner       atomic.Pointer[worker] // who reads the socket; nil: nobody
	nominated   netip.AddrPort         // where a check of ICE wants packets, which counts most; invalid: no check does
	association *association           // that makes the keys; nil: they come by signalling
}

// keyOverlap is how long the peer's old key is still good when it changes: what was sent before the peer knew of the new
// one arrives later, by the longest way that a conversation can take.
const keyOverlap = 2 * time.Second

// show tells the counters how the leg is encrypted.
func (h *half) show() {
	h.counters.encrypted.Store(h.rtp.secret())
	h.counters.handshakes.Store(h.handshakes)
	if h.rtp.open == nil {
		h.counters.suite.Store(nil)
	} else {
		h.counters.suite.Store(&h.rtp.open.keys.Suite)
	}
}

// secret tells whether the flow is encrypted, or is to be as soon as there are keys.
func (c *ciphers) secret() bool { return c.open != nil || c.pending }

// after returns the ciphers with what is left of those before.
func (c ciphers) after(before ciphers, now time.Time) ciphers {
	switch {
	case !c.secret():
	case c.open == before.open:
		c.former, c.formerUntil = before.former, before.formerUntil
	case before.open != nil:
		c.former, c.formerUntil = before.open, now.Add(keyOverlap)
	}
	return c
}

// apply puts a setting into force.
func (h *half) apply(s setting, now time.Time) {
	if !sameICE(h.ice, s.ice) {
		h.rtp.nominated, h.rtcp.nominated = netip.AddrPort{}, netip.AddrPort{}
	}
	h.terms = s.terms
	if h.secluded && !s.zrtp {
		h.seclude(false)
	}
	for i, f := range []*flow{h.rtp, h.rtcp} {
		switch a := s.associations[i]; {
		case !s.handshakes:
			f.association, f.ciphers = nil, s.ciphers.after(f.ciphers, now)
		case a == nil || a != f.association:
			if f.open == nil || !a.follows(f.association) {
				f.ciphers = ciphers{pending: true}.after(f.ciphers, now)
			}
			f.association = a
		}
	}
	h.rtp.signal(s.remote)
	h.show()
	if s.mux {
		h.rtcp.signal(netip.AddrPort{}) // everything is on the RTP port
	} else {
		h.rtcp.signal(s.control)
	}
}

// signal takes over the address of a description. What was learned stays only while signalling says the same as before
// and still allows it.
func (f *flow) signal(a netip.AddrPort) {
	if a != f.signalled || !f.half.allows(f, f.learned.Addr()) {
		f.learned = netip.AddrPort{}
	}
	f.signalled = a
	f.aim()
}

// aim chooses where to send: where the description says, but to the port that the peer sends from, because a router
// may stand before it. A peer that sends from another address has told us where it listens all the same.
func (f *flow) aim() {
	switch {
	case f.nominated.IsValid():
		f.to = datagram.NameOf(f.nominated)
	case f.learned.Addr() == f.signalled.Addr():
		f.to = datagram.NameOf(f.learned)
	default:
		f.to = datagram.NameOf(f.signalled)
	}
}

// allows tells whether signalling named an address as a source of the leg's media.
func (h *half) allows(f *flow, a netip.Addr) bool {
	return f.signalled.IsValid() && a == f.signalled.Addr() ||
		a.IsValid() && slices.ContainsFunc(h.sources, func(p netip.Prefix) bool { return p.Contains(a) })
}

// expects tells whether a packet from an address is let in. On a plain leg the first source is fixed; the very address
// of the description may still take its place, for nobody is more right than that.
func (f *flow) expects(from netip.AddrPort) bool {
	if !f.learned.IsValid() || f.secret() {
		return f.half.allows(f, from.Addr())
	}
	return from == f.learned || from == f.signalled
}

// learn fixes the source of a packet that was accepted.
func (f *flow) learn(from netip.AddrPort, now time.Time) {
	f.heard = now
	if from != f.learned {
		f.learned = from
		f.aim()
	}
}

// keyed puts the keys of a handshake into force, unless it is not the flow's any more. The peer has proved where it is.
func (f *flow) keyed(a *association, o *opener, s *sealer) {
	if f.association != a {
		return
	}
	if f.open != nil {
		f.former, f.formerUntil = f.open, time.Now().Add(keyOverlap)
	}
	f.open, f.seal, f.pending = o, s, false
	f.half.show()
	if from := a.peer.AddrPort(); a.peer.IsValid() {
		f.learn(from, time.Now())
	}
}

// divert takes what belongs to a handshake or to ICE, by its first byte (RFC 7983 §7), and tells whether it was that.
func (f *flow) divert(from netip.AddrPort, packet []byte) bool {
	switch {
	case f.association == nil || len(packet) < shortestRecord:
		return false
	case packet[0] < 4 && f.half.ice != nil:
		f.check(from, packet)
		return true
	case packet[0] < 20 || packet[0] > 63:
		return false
	}
	f.association.take(from, packet)
	return true
}

// do has the worker that reads the flow carry out an order; false when nobody reads it now.
func (f *flow) do(order func()) bool {
	w, done := f.owner.Load(), false
	if w == nil {
		return false
	}
	return w.do(func() {
		if f.owner.Load() == w {
			order()
			done = true
		}
	}) && done
}
