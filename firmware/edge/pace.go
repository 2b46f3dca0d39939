package edge

import (
	"bytes"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/firmware/policy"
)

// ruleTooFast is what event.SourceRefused names when a source asks for more than it may.
const ruleTooFast = "too many requests"

// lane is a kind of request. A flood of one leaves the others their room: forged registrations stop no call, calls no
// hanging up, and none of them a call for help.
type lane uint8

const (
	laneNone   lane = iota // responses: nobody is answered
	laneWithin             // within a dialog, ACK and CANCEL
	laneCall               // an INVITE that begins a call
	laneShort              // the same to a short number, as those of emergency services are
	laneOther              // whatever else: REGISTER, OPTIONS, and what is no SIP
)

// pace is how many requests a source may make in a lane: burst at once, and one more each interval.
type pace struct {
	burst    int
	interval time.Duration
}

// perSecond is so many a second, and twice as many at once.
func perSecond(n int) pace { return pace{burst: 2 * n, interval: time.Second / time.Duration(n)} }

// The paces. A source may do more than the busiest office does, all telephones of which may be behind one address, and less
// than what keeps a box from setting up the calls of others.
const (
	paceWithin = 6000 // a call has an ACK, a BYE and a few more
	paceOther  = 1500
	paceShort  = 200
	// Nobody begins more calls a second than the box carries at once.
	mostCalls, leastCalls = 1500, 200
)

// of returns the pace of a lane.
func (p *pacing) of(l lane) pace {
	switch l {
	case laneWithin:
		return perSecond(paceWithin)
	case laneShort:
		return perSecond(paceShort)
	case laneCall:
		if n := int(p.calls.Load()); n > 0 {
			return perSecond(min(max(n, leastCalls), mostCalls))
		}
		return perSecond(mostCalls)
	}
	return perSecond(paceOther)
}

// maxPaced bounds what is remembered of sources. Those whose room is whole again are forgotten first.
const maxPaced = 8192

type pacedSource struct {
	holder netip.Addr
	side   policy.Side
	lane   lane
}

// pacing counts requests by source and lane. The zero value is ready; it is safe for concurrent use.
type pacing struct {
	calls atomic.Int32 // that the box carries at once; 0: not known

	mu    sync.Mutex                // guards everything below
	whole map[pacedSource]time.Time // when all the room is there again; one that is not here has all of it
}

// take takes room for a request; it returns how long until there is some when there is none.
func (p *pacing) take(now time.Time, s pacedSource) (wait time.Duration) {
	may := p.of(s.lane)
	p.mu.Lock()
	defer p.mu.Unlock()
	whole, known := p.whole[s]
	if !known || whole.Before(now) {
		whole = now
	}
	if over := whole.Add(may.interval).Sub(now) - time.Duration(may.burst)*may.interval; over > 0 {
		return over
	}
	if !known && len(p.whole) >= maxPaced && !p.sweep(now) {
		return may.interval // a flood from thousands of listed addresses
	}
	if p.whole == nil {
		p.whole = map[pacedSource]time.Time{}
	}
	p.whole[s] = whole.Add(may.interval)
	return 0
}

// sweep forgets who has all of its room again; it tells whether there is a place now. p.mu is held.
func (p *pacing) sweep(now time.Time) bool {
	for s, whole := range p.whole {
		if whole.Before(now) {
			delete(p.whole, s)
		}
	}
	return len(p.whole) < maxPaced
}

// inTime tells whether a message is taken now. A datagram beyond its source's pace is dropped, before anything is spent on
// it, and sent again by who means it; a connection is read no further until there is room, so that its peer has to wait.
func (e *Edge) inTime(c *Conn, b []byte, s shape) bool {
	l := laneOf(b, s)
	if l == laneNone {
		return true
	}
	source := pacedSource{holder(c.side, c.remote.Addr()), c.side, l}
	for {
		wait := e.pacing.take(time.Now(), source)
		if wait == 0 {
			return true
		}
		e.teller.refused(c.source(), refusal{rule: ruleTooFast, method: string(s.method), reason: "This address asks for more than any office does."})
		if !c.transport.Stream() {
			return false
		}
		select {
		case <-time.After(wait):
		case <-c.link.done():
			return false
		}
	}
}

// laneOf looks at a message that is not parsed yet.
func laneOf(b []byte, s shape) lane {
	switch {
	case !s.request && !s.fault.found():
		return laneNone
	case !s.request || s.fault.found():
		return laneOther
	case s.tagged || string(s.method) == "ACK" || string(s.method) == "CANCEL":
		return laneWithin
	case string(s.method) != "INVITE":
		return laneOther
	case shortNumber(b):
		return laneShort
	}
	return laneCall
}

// shortNumber tells whether a request's URI has a short user part or is a service's (RFC 5031), as those of emergency
// services are. The numbering plan, which knows, is not asked before the parser.
func shortNumber(b []byte) bool {
	const longest = len("+33116117") // the doctor on duty in full; 0116117 with the digit for an outside line
	_, uri, _ := bytes.Cut(b, []byte(" "))
	uri, _, _ = bytes.Cut(uri[:min(len(uri), 64)], []byte(" "))
	scheme, rest, _ := bytes.Cut(uri, []byte(":"))
	if bytes.EqualFold(scheme, []byte("urn")) {
		return true
	}
	user := rest
	if end := bytes.IndexAny(rest, "@;:"); end >= 0 {
		user = rest[:end]
	}
	return len(user) <= longest
}

// holder is what one host controls: outside the /64 around an IPv6 address, inside one address, for an office may have a
// single /64.
func holder(side policy.Side, a netip.Addr) netip.Addr {
	if side == policy.SideInside || a.IsLinkLocalUnicast() {
		return a
	}
	return network(a)
}
