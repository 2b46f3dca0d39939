package media

import (
	"net/netip"
	"slices"
	"time"

	"tollgate/firmware/policy"
)

// half is one leg as its worker sees it; nothing else touches it once the session is open.
type half struct {
	side      policy.Side
	far       *half // the other leg
	rtp, rtcp *flow
	setting
	opening  opening
	counters *counters
}

// setting is what Leg.Set puts into force as a whole.
type setting struct {
	remote, control netip.AddrPort // where the peer wants RTP and RTCP; invalid: nothing is sent
	mux             bool
	hold            bool
	open            *opener // nil: the peer sends plain RTP
	seal            *sealer // nil: plain RTP is sent
	former          *opener // of the key before open, for what was under way when it changed; nil: none
	formerUntil     time.Time
	sources         []netip.Prefix
	types           [128]uint8 // by the payload type that arrives
}

// flow is one socket of a leg and the peer's address on the other end.
type flow struct {
	half      *half
	socket    socket
	control   bool // the RTCP port
	place     int32
	signalled netip.AddrPort // where the peer wants packets; invalid: not known
	learned   netip.AddrPort // where they come from; invalid: none came yet
	to        name           // where we send
}

// keyOverlap is how long the peer's old key is still good when it changes: what was sent before the peer knew of the new
// one arrives later, by the longest way that a conversation can take.
const keyOverlap = 2 * time.Second

// apply puts a setting into force.
func (h *half) apply(s setting, now time.Time) {
	switch before := h.setting; {
	case s.open == nil:
	case s.open == before.open:
		s.former, s.formerUntil = before.former, before.formerUntil
	default:
		s.former, s.formerUntil = before.open, now.Add(keyOverlap)
	}
	h.setting = s
	h.rtp.signal(s.remote)
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
	if f.learned.Addr() == f.signalled.Addr() {
		f.to = nameOf(f.learned)
	} else {
		f.to = nameOf(f.signalled)
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
	if !f.learned.IsValid() || f.half.open != nil {
		return f.half.allows(f, from.Addr())
	}
	return from == f.learned || from == f.signalled
}

// learn fixes the source of a packet that was accepted.
func (f *flow) learn(from netip.AddrPort) {
	if from != f.learned {
		f.learned = from
		f.aim()
	}
}
