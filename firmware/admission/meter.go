package admission

import (
	"fmt"
	"time"

	"tollgate/firmware/policy"
)

// meter counts the calls that one limit bounds: those that run, and when the latest were begun.
type meter struct {
	calls  int
	recent []time.Time // a ring of as many as may begin within a second
	next   int         // the oldest of them, once the ring is full
}

// meterKey names a meter: a cap of the policy, with the caller where each is counted alone; or a trunk.
type meterKey struct {
	Cap    string `json:",omitempty"`
	Caller string `json:",omitempty"`
	Trunk  string `json:",omitempty"`
}

// tooFast tells whether another call now would be more than the limit within a second.
func (m *meter) tooFast(perSecond int, now time.Time) bool {
	if m == nil || perSecond == 0 || len(m.recent) < perSecond {
		return false
	}
	oldest := m.recent[(m.next+len(m.recent)-perSecond)%len(m.recent)]
	return now.Sub(oldest) < time.Second && now.Sub(oldest) > -time.Second // else the clock was set
}

// begin notes a call that begins now.
func (m *meter) begin(perSecond int, now time.Time) {
	switch {
	case perSecond == 0:
	case len(m.recent) != perSecond && len(m.recent) > 0 && m.next > 0, len(m.recent) > perSecond: // the limit has changed
		m.recent, m.next = []time.Time{now}, 0
	case len(m.recent) < perSecond:
		m.recent = append(m.recent, now)
	default:
		m.recent[m.next] = now
		m.next = (m.next + 1) % perSecond
	}
}

// idle tells whether nothing would be lost with the meter.
func (m *meter) idle(now time.Time) bool {
	for _, at := range m.recent {
		if now.Sub(at) < time.Second {
			return false
		}
	}
	return m.calls == 0
}

// meter tells whether the cap counts a call, and by which meter.
func (l *limit) meter(b *book, a *Attempt) (meterKey, bool) {
	if !a.Outward() || a.Number.Class == "" || !l.where.holds(a.Number, b.destination(a)) || len(l.groups) > 0 && !inOne(l.groups, a) {
		return meterKey{}, false
	}
	key := meterKey{Cap: l.Name}
	if l.EachCaller {
		key.Caller = caller(a)
	}
	return key, true
}

// metersKept is how many meters there may be before those that count nothing are looked for.
const metersKept = 4096

// meterOf returns a meter, made when there is none yet; g.mu is held.
func (g *Gate) meterOf(key meterKey, now time.Time) *meter {
	if m := g.meters[key]; m != nil {
		return m
	}
	if len(g.meters) >= metersKept {
		for k, m := range g.meters {
			if m.idle(now) {
				delete(g.meters, k)
			}
		}
	}
	m := &meter{}
	g.meters[key] = m
	return m
}

// capped says whether a cap of the policy is reached; g.mu is held.
func (g *Gate) capped(a *Attempt, t *trace) *Refusal {
	for i := range g.book.caps {
		l := &g.book.caps[i]
		key, counts := l.meter(g.book, a)
		if !counts {
			continue
		}
		m := g.meters[key]
		whose := ""
		if l.EachCaller {
			whose = " of " + key.Caller
		}
		running := 0
		if m != nil {
			running = m.calls
		}
		switch {
		case l.Calls > 0 && running >= l.Calls:
			return t.refused(&Refusal{Status: busy(a.Caller), Rule: l.path, Reason: fmt.Sprintf("%s in progress%s that cap %s counts, it is %d", count(running), whose, l.Name, l.Calls)})
		case m.tooFast(l.PerSecond, a.At):
			return t.refused(&Refusal{Status: busy(a.Caller), Rule: l.path, RetryAfter: time.Second,
				Reason: fmt.Sprintf("more than %s%s would begin within a second, which is what cap %s allows", calls(l.PerSecond), whose, l.Name)})
		}
		if t != nil {
			t.add(l.path, Passes, "%s in progress%s, the cap is %s", count(running), whose, bounds(l.Calls, l.PerSecond))
		}
	}
	return nil
}

// countIn has the caps of the policy count a call that was admitted; g.mu is held.
func (g *Gate) countIn(t *Ticket) {
	for i := range g.book.caps {
		l := &g.book.caps[i]
		if key, counts := l.meter(g.book, &t.attempt); counts {
			m := g.meterOf(key, t.attempt.At)
			m.calls++
			m.begin(l.PerSecond, t.attempt.At)
			t.counted = append(t.counted, key)
		}
	}
}

// countOut takes a call off what has counted it; g.mu is held.
func (g *Gate) countOut(t *Ticket) {
	for _, key := range t.counted {
		m := g.meters[key]
		if m == nil {
			continue
		}
		if m.calls--; m.calls <= 0 && len(m.recent) == 0 {
			delete(g.meters, key)
		}
	}
	t.counted = nil
}

// full says whether a trunk's caps are reached; g.mu is held.
func (g *Gate) full(caller policy.Peer, trunk string, now time.Time, t *trace) *Refusal {
	caps := g.book.trunks[trunk]
	if caps.Calls > 0 && g.trunks[trunk] >= caps.Calls {
		return t.refused(&Refusal{Status: busy(caller), Rule: "trunks." + trunk + ".caps.calls",
			Reason: fmt.Sprintf("%s in progress on trunk %s, its cap is %d", count(g.trunks[trunk]), trunk, caps.Calls)})
	}
	if caps.PerSecond > 0 && g.meters[meterKey{Trunk: trunk}].tooFast(caps.PerSecond, now) {
		return t.refused(&Refusal{Status: busy(caller), Rule: "trunks." + trunk + ".caps.per_second", RetryAfter: time.Second,
			Reason: fmt.Sprintf("more than %s would begin on trunk %s within a second, which is its cap", calls(caps.PerSecond), trunk)})
	}
	if t != nil && trunk != "" {
		t.add("trunks."+trunk+".caps", Passes, "%s in progress on trunk %s, its cap is %s", count(g.trunks[trunk]), trunk, bounds(caps.Calls, caps.PerSecond))
	}
	return nil
}
