package call

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/header"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// refusal says why a call does not take place.
type refusal struct {
	status int
	rule   string // the key of the policy, or the check, that decided
	reason string // a sentence for the administrator

	headers []sip.Header     // of the answer
	steps   []admission.Step // what admission has considered
}

// refusedBy is what becomes of a call that admission does not let through.
func refusedBy(no *admission.Refusal) *refusal {
	return &refusal{status: no.Status, rule: no.Rule, reason: no.Reason, headers: notBefore(no.RetryAfter), steps: no.Steps}
}

// invite sets one call up and stays with it to its end. While the two talk, the stack holds nothing of setting up: a box
// with many calls has as many of them.
func (d *Desk) invite(in *ua.Incoming) {
	if s := d.setUp(in); s != nil {
		s.finish(s.talk())
	}
}

// setUp brings a call to its answer; nil when there is none, and it is over.
func (d *Desk) setUp(in *ua.Incoming) *Session {
	stretch()
	if len(field.All(in, "Replaces")) > 0 && d.replaces(in) {
		return nil
	}
	s, ok := d.begin(in)
	if !ok {
		d.turnAway(in, refusal{status: 503, rule: "policy", reason: "the box has no policy yet"})
		in.Inbox.Close()
		return nil
	}
	if r := s.prepare(); r != nil {
		s.refuse(*r)
		return nil
	}
	d.o.Sink.Tell(event.CallStarted{At: s.started, Call: s.id, From: s.from.String(), To: s.to.String(), Caller: in.Peer.Name})
	if s.emergency() {
		s.tellEmergency(s.to, in.Peer)
	}
	s.log.Info("call started", "from", s.from.String(), "to", s.to.String(), "caller", in.Peer.Name, "class", s.to.Class)
	if end, answered := s.setUp(); !answered {
		s.finish(end)
		return nil
	}
	return s
}

// stretch gives the goroutine of a call the stack that calls need while they are set up. Left to itself it doubles three
// times, and is copied each time with all the functions that are under way.
//
//go:noinline
func stretch() {
	var room [10 << 10]byte
	runtime.KeepAlive(&room)
}

// prepare does what must be known before anybody is called: number, route, admission, who has signed it, the
// caller's offer.
func (s *Session) prepare() *refusal {
	steps := []func() *refusal{s.meetCaller, s.readNumbers, s.checkRequest, s.findTargets, s.toSource, s.admit, s.judgeSignature, s.readOffer}
	for _, step := range steps {
		if r := step(); r != nil {
			return r
		}
	}
	return nil
}

// refuse answers the caller, tells the fact and ends the call before it began.
func (s *Session) refuse(r refusal) {
	if err := s.in().Respond(s.inbox, s.ruledReply(s.in(), ua.Reply{Status: r.status, Headers: r.headers})); err != nil {
		s.log.Debug("refusal not sent", "err", err)
	}
	s.tellRefused(r)
	if s.ticket != nil {
		s.ticket.Release()
		s.ticket = nil
	}
	s.finish(ending{status: r.status, reason: r.reason})
}

// meetCaller opens the caller's leg.
func (s *Session) meetCaller() *refusal {
	if s.peer.Phone() {
		return s.meetPhone()
	}
	party, ok := s.party(s.peer)
	if !ok {
		return &refusal{status: 503, rule: "trunks", reason: s.peer.Name + " is not configured any more"}
	}
	party.Path = ua.Back(s.in(), party.Path)
	s.in().Request = header.Rewrite(s.in().Request, party.Headers, policy.DirectionFrom)
	contact := party.Local.Contact("")
	account, ok := s.settings.Routes.AccountOf(s.peer.Name, ua.UserOf(s.in().Recipient))
	if ok {
		contact = party.Local.Contact(account.User)
	}
	s.caller = &Leg{Party: party, account: account, Dialog: ua.Accept(s.in(), party.Local, contact)}
	s.caller.learn(s.in())
	s.publish()
	return nil
}

func (s *Session) tellRefused(r refusal) {
	to := s.to.String()
	if to == "" {
		to = event.Printable(ua.UserOf(s.in().Recipient))
	}
	s.log.Info("call refused", "from", s.callerText(), "to", to, "rule", r.rule, "reason", r.reason, "status", r.status)
	s.desk.o.Sink.Tell(event.CallRefused{
		At: time.Now(), From: s.callerText(), To: to, Side: string(s.peer.Side), Caller: s.peer.Name, Status: r.status, Rule: r.rule, Reason: r.reason,
		Steps: toldSteps(r.steps),
	})
}

// toldSteps are steps as facts have them.
func toldSteps(steps []admission.Step) (told []event.Step) {
	for _, step := range steps {
		told = append(told, event.Step{Rule: step.Rule, Says: string(step.Says), Why: step.Why})
	}
	return told
}

// checkRequest refuses what the box cannot do or must not pass on.
func (s *Session) checkRequest() *refusal {
	if s.seeksHelp() {
		return hopless(s.in()) // only a loop stops an emergency call
	}
	return requirements(s.in())
}

// requirements says what of an INVITE the box cannot do (RFC 3261 §8.2.2.3).
func requirements(in *ua.Incoming) *refusal {
	if unknown := unsupported(in); unknown != "" {
		return &refusal{status: 420, rule: "sip", reason: in.Peer.Name + " requires what the box does not speak: " + unknown,
			headers: []sip.Header{sip.NewHeader("Unsupported", unknown)}}
	}
	if tooShort(in.Request) {
		return &refusal{status: 422, rule: "sip", reason: "the caller asks for too short a session timer",
			headers: []sip.Header{sip.NewHeader("Min-SE", seconds(minSessionExpires))}}
	}
	return hopless(in)
}

// hopless refuses an INVITE that has gone far enough.
func hopless(in *ua.Incoming) *refusal {
	if _, ok := in.MaxForwards(); !ok {
		return &refusal{status: 483, rule: "sip", reason: "the call has passed too many hops; it probably goes round in a loop"}
	}
	return nil
}

// unsupported lists the extensions that are required and not spoken here.
func unsupported(in *ua.Incoming) string {
	var list []string
	for _, h := range field.All(in, "Require") {
		for _, tag := range strings.Split(h.Value(), ",") {
			switch tag = strings.TrimSpace(tag); strings.ToLower(tag) {
			case "", "100rel", "timer", "replaces":
			default:
				list = append(list, event.Printable(tag))
			}
		}
	}
	return strings.Join(list[:min(len(list), 8)], ", ")
}

// findTargets decides where the call may be tried, in order.
func (s *Session) findTargets() *refusal {
	if s.caller.Party.Verbatim {
		return s.findLines()
	}
	if s.peer.Side == policy.SideOutside {
		t, ok := s.settings.Routes.Inbound(s.peer.Name, s.to)
		if !ok {
			return &refusal{status: 404, rule: "trunks.accounts.numbers", reason: fmt.Sprintf("%s is no number of trunk %s", s.to, s.peer.Name)}
		}
		return s.findOffice(t)
	}
	targets, rule := s.outbound(s.to)
	if len(targets) == 0 {
		return &refusal{status: 404, rule: "routes", reason: fmt.Sprintf("no route leads to %s", s.to)}
	}
	s.targets = s.upFirst(targets)
	s.log.Debug("route found", "rule", rule, "targets", len(targets))
	return nil
}

// outbound finds the trunks for a number at this moment.
func (s *Session) outbound(n numbering.Number) ([]route.Target, string) {
	return s.settings.Routes.Outbound(n, time.Now(), rand.IntN)
}

// admit asks for leave. A carrier's call counts on its trunk at once; an office call does from the attempt on, since
// another trunk may have room when the first has not.
func (s *Session) admit() *refusal {
	trunk := ""
	if s.peer.Side == policy.SideOutside {
		trunk = s.peer.Name
	}
	ticket, no := s.desk.o.Gate.Admit(admission.Attempt{
		Caller: s.peer, Trunk: trunk, Number: s.to, From: s.from, User: s.callerUser(), Withheld: s.withheld, Call: s.id, Draining: s.draining, At: s.started,
	})
	if no != nil {
		return refusedBy(no)
	}
	s.ticket = ticket
	s.mu.Lock()
	s.trunk, s.state, s.permit = trunk, Ringing, ticket
	s.mu.Unlock()
	if ticket.Urgent() {
		s.becomeUrgent()
	}
	return nil
}

// notBefore tells when to come again (RFC 3261 §20.33), not everybody at once.
func notBefore(least time.Duration) []sip.Header {
	if least == 0 {
		return nil
	}
	return []sip.Header{sip.NewHeader("Retry-After", seconds(least+rand.N(least)))}
}

// openMedia takes the ports of both legs. A further attempt on the same side goes on with those of the first.
func (s *Session) openMedia(callee *Leg) error {
	if s.relay == nil || s.relay.Leg(media.Callee).Side() != callee.side() {
		if s.relay != nil {
			s.relay.Close()
		}
		relay, err := s.openRelay(callee.side())
		if err != nil {
			return err
		}
		s.relay = relay
		s.mu.Lock()
		s.shown = relay
		s.mu.Unlock()
	}
	s.caller.media, callee.media = s.relay.Leg(media.Caller), s.relay.Leg(media.Callee)
	return nil
}

// openRelay takes ports, for an urgent call if need be those of another one.
func (s *Session) openRelay(to policy.Side) (*media.Session, error) {
	for {
		relay, err := s.desk.o.Relay.Open(s.id, s.caller.side(), to)
		if err == nil || !s.urgent || !errors.Is(err, media.ErrExhausted) || !s.makeRoom() {
			return relay, err
		}
	}
}

// setUp tries the targets in turn until one answers; else it says how the call ends.
func (s *Session) setUp() (end ending, answered bool) {
	s.timer = time.AfterFunc(timerC, func() { s.inbox.Post(ringTimeout{}) })
	if s.urgent {
		s.timer.Stop() // an emergency service answers when it can
	}
	last := s.follow(s.tryAll(s.targets, s.ticket))
	if s.overflows(last) {
		last = s.follow(s.overflow(last))
	}
	if last.answered {
		s.timer.Stop()
		return ending{}, true
	}
	if !last.told {
		if err := s.in().Respond(s.inbox, s.ruledReply(s.in(), ua.Reply{Status: last.status, Headers: last.headers})); err != nil {
			s.log.Debug("final answer not sent", "err", err)
		}
	}
	s.caller.gone = true
	if last.rule != "" { // nobody was called: every trunk is full
		s.tellRefused(refusal{status: last.status, rule: last.rule, reason: last.reason, steps: last.steps})
	}
	return ending{status: last.status, reason: last.reason}, false
}

// move passes a ticket to a trunk, which is shown one of its own numbers.
func (s *Session) move(ticket *admission.Ticket, trunk string) *admission.Refusal {
	_, shown, _ := s.pick(trunk, s.onwardClaim().numbers)
	return ticket.Move(trunk, shown, time.Now())
}

// tryAll tries targets until one answers or none can do better. Those outside need room for the ticket.
func (s *Session) tryAll(targets []route.Target, ticket *admission.Ticket) outcome {
	last := outcome{status: 503, reason: "no trunk could take the call"}
	var sentElsewhere outcome // an urgent call follows a redirection when nobody has taken it
	s.asks = ticket
	for i, t := range targets {
		if i > 0 && t.Phone != "" && !unreachable(last) {
			break
		}
		if t.Peer.Side == policy.SideOutside {
			if no := s.move(ticket, t.Peer.Name); no != nil {
				last = outcome{status: no.Status, rule: no.Rule, reason: no.Reason, headers: notBefore(no.RetryAfter), steps: no.Steps}
				continue
			}
		}
		last = s.tryTarget(t, i+1 < len(targets) || s.mayOverflow(t.Peer))
		s.failedPBX(s.callee, last)
		if len(last.contacts) > 0 {
			sentElsewhere = last
		}
		if last.answered || !last.tryNext && !s.persists(last) {
			break
		}
		s.log.Info("target failed", "target", t.Peer.Name, "status", last.status, "reason", last.reason)
	}
	if s.persists(last) && len(sentElsewhere.contacts) > 0 {
		return sentElsewhere
	}
	return last
}
