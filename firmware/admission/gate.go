// Package admission decides whether a call may go. One decision is made for each attempt, and the rule that made it is named,
// with what else was considered (Step):
//
//	emergency        passes
//	draining, load   the box takes no calls
//	rules            destination, caller, time, trunk, way (book.go)
//	who watches      such as against fraud (watch.go)
//	limits, caps     counted exactly, however many ask at once (meter.go)
//	trunk, pacing    when the trunk is known: Ticket.Move (pacing.go)
//
// An emergency call from inside is always admitted - when the box is full, stopping, or its limits are nought - and never
// counted against a limit, so that it takes nobody's place either. For CallBackTime after it the same holds for calls from
// outside to the number that it showed.
//
// It leaves to others what the number is (numbering), which trunk to try (route) and how a refusal is said in SIP (call).
package admission

import (
	"fmt"
	"sync"
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Attempt is one call somebody wants to make.
type Attempt struct {
	Caller policy.Peer
	Trunk  string           // the trunk that carries the call, whichever side calls; "" when Ticket.Move tells it later
	Number numbering.Number // the number called; without a class it is a user of the phones' PBX, which the box does not judge
	// From is whose call it is: what the caller says, and of a call that the office has sent on the number of ours that was
	// called. Zero: not known, or no number.
	From     numbering.Number
	User     string // the extension or user that calls, as the office knows it; "": not known
	Withheld bool   // the caller wants to stay unknown
	Via      Via
	Call     string // the box's own identifier of the call; "": it is none yet
	Draining bool   // the box is stopping
	At       time.Time
}

// Via is how a call came to be made.
type Via string

// The ways: somebody dialled; the office, or whoever it called, has sent a call on; the PBX could not be reached.
const (
	Dialled     Via = ""
	Transferred Via = "transferred" // REFER
	Redirected  Via = "redirected"  // 3xx
	Overflowed  Via = "overflowed"
)

// Outward tells whether the call leaves the office: what it is charged for.
func (a Attempt) Outward() bool { return a.Caller.Side != policy.SideOutside }

// emergency tells whether the attempt may not be refused. A carrier that sends calls to emergency numbers to us is not
// somebody in need.
func (a Attempt) emergency() bool {
	return a.Number.Emergency() && a.Caller.Side != policy.SideOutside
}

// Refusal says why a call may not go.
type Refusal struct {
	Status int    // SIP status
	Rule   string // "limits.calls", "trunks.carrier-a.caps.calls", "draining"
	Reason string // a sentence for the administrator
	// RetryAfter is when to ask again at the earliest; 0: that is not known.
	RetryAfter time.Duration
	Steps      []Step // what was considered, the refusal among it
}

// Gate counts the calls and admits new ones. It is safe for concurrent use. Calls that run when the policy changes keep
// their tickets and their place in the count.
type Gate struct {
	mu     sync.Mutex // guards everything below
	book   *book
	calls  int                 // not counting emergency calls
	sos    int                 // emergency calls, and calls back after one
	trunks map[string]int      // calls of each trunk, not counting emergency calls; none is 0
	meters map[meterKey]*meter // what the caps of the policy count
	paces  map[string]*pace    // what each number has done that is shown outside, by E.164

	overload  *Overload            // nil: there is room
	watch     Watch                // nil: nobody watches
	follower  Follower             // nil: nobody follows
	last      uint64               // the number of the last call that is followed
	callBacks map[string]time.Time // E.164 number shown to an emergency service -> until when it may call back
}

// Usage says how many calls hold a ticket.
type Usage struct {
	Calls     int            // not counting emergency calls
	Emergency int            // emergency calls, and calls back after one
	Trunks    map[string]int // calls of each trunk that has any, not counting emergency calls
}

// New makes the gate of p for a box in UTC, with no call.
func New(p *policy.Policy) *Gate {
	g := &Gate{trunks: map[string]int{}, callBacks: map[string]time.Time{}, meters: map[meterKey]*meter{}, paces: map[string]*pace{}}
	g.Set(p, time.UTC)
	return g
}

// Set puts what p says into force for calls to come, by the clock of a time zone. Setting the same policy twice changes nothing.
func (g *Gate) Set(p *policy.Policy, zone *time.Location) {
	b := newBook(p, zone)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.book = b
}

// Admit gives a ticket or says why not; exactly one of the two is nil. The ticket has to be released.
func (g *Gate) Admit(a Attempt) (*Ticket, *Refusal) {
	t := &Ticket{gate: g, attempt: a, trunk: a.Trunk}
	g.mu.Lock()
	defer g.mu.Unlock()
	t.book = g.book
	if t.urgent = g.urgent(&t.attempt); t.urgent {
		g.sos++
		return t, nil
	}
	if r := g.decide(&t.attempt, nil); r != nil {
		return nil, g.traced(&t.attempt, r)
	}
	g.calls++
	g.countIn(t)
	g.enter(a.Trunk, a.At)
	g.began(t)
	return t, nil
}

// urgent tells whether an attempt passes every limit; g.mu is held.
func (g *Gate) urgent(a *Attempt) bool { return a.emergency() || g.callBack(*a) }

// decide asks everybody who may have something against a call; g.mu is held. t takes what each says; nil: nobody wants to
// know. It changes nothing.
func (g *Gate) decide(a *Attempt, t *trace) *Refusal {
	if a.Draining {
		return t.refused(&Refusal{Status: 503, Rule: "draining",
			Reason: "Tollgate is stopping: running calls go on, new ones are refused"})
	}
	if o := g.overload; o != nil {
		return t.refused(&Refusal{Status: 503, Rule: o.Rule, Reason: o.Reason, RetryAfter: o.RetryAfter})
	}
	if v := g.book.judge(a, t); v.denied {
		return g.book.refusal(a, v)
	}
	if r := g.watched(a); r != nil {
		return t.refused(r)
	}
	if g.calls >= g.book.calls {
		return t.refused(&Refusal{Status: busy(a.Caller), Rule: "limits.calls",
			Reason: fmt.Sprintf("%s in progress, the limit is %d", count(g.calls), g.book.calls)})
	}
	if t != nil {
		t.add("limits.calls", Passes, "%s in progress, the limit is %d", count(g.calls), g.book.calls)
	}
	if r := g.capped(a, t); r != nil {
		return r
	}
	return g.full(a.Caller, a.Trunk, a.At, t)
}

// traced adds to a refusal what else was considered; g.mu is held. Only refused calls pay for it.
func (g *Gate) traced(a *Attempt, r *Refusal) *Refusal {
	t := &trace{}
	g.decide(a, t)
	with := *r // who watches may give the same to many
	with.Steps = t.steps
	return &with
}

// Usage returns the calls that hold a ticket now.
func (g *Gate) Usage() Usage {
	g.mu.Lock()
	defer g.mu.Unlock()
	u := Usage{Calls: g.calls, Emergency: g.sos, Trunks: make(map[string]int, len(g.trunks))}
	for name, n := range g.trunks {
		u.Trunks[name] = n
	}
	return u
}

// enter adds one call, which begins at a moment, to a trunk's count; g.mu is held.
func (g *Gate) enter(trunk string, now time.Time) {
	if trunk == "" {
		return
	}
	g.trunks[trunk]++
	if n := g.book.trunks[trunk].PerSecond; n > 0 {
		g.meterOf(meterKey{Trunk: trunk}, now).begin(n, now)
	}
}

// leave takes one call off a trunk's count; g.mu is held.
func (g *Gate) leave(trunk string) {
	if trunk == "" {
		return
	}
	if g.trunks[trunk]--; g.trunks[trunk] == 0 {
		delete(g.trunks, trunk)
	}
}

// busy is the status that says "no room". A PBX hears 503 and may try another gateway; to a carrier 503 would mean that
// the whole box is out of service (RFC 3263 §4.3), so it hears what its subscriber should: busy.
func busy(caller policy.Peer) int {
	if caller.Side == policy.SideOutside {
		return 486
	}
	return 503
}

func count(calls int) string {
	if calls == 1 {
		return "1 call is"
	}
	return fmt.Sprintf("%d calls are", calls)
}

func calls(n int) string {
	if n == 1 {
		return "1 call"
	}
	return fmt.Sprintf("%d calls", n)
}

// bounds says what a cap allows.
func bounds(calls, perSecond int) string {
	switch {
	case calls > 0 && perSecond > 0:
		return fmt.Sprintf("%d, and %d begun within a second", calls, perSecond)
	case perSecond > 0:
		return fmt.Sprintf("%d begun within a second", perSecond)
	case calls > 0:
		return fmt.Sprint(calls)
	}
	return "none of its own"
}
