package call

import (
	"context"
	"slices"
	"time"

	"tollgate/firmware/doctor"
	"tollgate/firmware/event"
	"tollgate/firmware/media"
	"tollgate/firmware/quality"
)

// Every call that is answered is looked at every other second: is each side heard that should be? What is wrong is told,
// and what can be healed without harm is tried, the gentle remedy first.

const (
	lookEvery = 2 * time.Second
	// renewAfter is how long a silent side is waited for after its way was opened again.
	renewAfter = 6 * time.Second
	// helpedWithin is how soon a side must be heard again for a remedy to have helped.
	helpedWithin = 10 * time.Second
	// mostNews bounds how many calls are told of or treated in one look: when all of them are silent, it is not the calls
	// that are ill.
	mostNews = 10
	// mostRenewals bounds the re-INVITEs that one call is worth for this.
	mostRenewals = 2
)

// Diagnosis is why a call is or was silent.
type Diagnosis struct {
	doctor.Finding
	Role   media.Role // whose audio it is about
	Since  time.Time
	Over   time.Time       // zero: it goes on
	Tried  []doctor.Remedy // in order
	Healed bool            // it was over soon after a remedy
}

// health is what is known of a call's audio from one look to the next. The session's mu guards it.
type health struct {
	relay    *media.Session
	before   [2]tally          // when each side was last heard, or when the first look was
	out      [2]quality.Stream // what each side had reported then
	lost     [2]float64        // the share that was lost between its last two reports
	known    *Diagnosis        // the one of now, or the last
	tried    time.Time
	renewals int
}

// tally is what is counted from on: the counters of one side as they were.
type tally struct{ in, out, forged, early, strangers, unreachable uint64 }

func tallyOf(s media.LegStats) tally {
	return tally{s.PacketsIn, s.PacketsOut, s.AuthFailures, s.Early, s.Strangers, s.Crossing.Unreachable}
}

// shown is a copy of the diagnosis for others.
func (h *health) shown() *Diagnosis {
	if h.known == nil {
		return nil
	}
	d := *h.known
	d.Tried = slices.Clone(d.Tried)
	return &d
}

// heal is a note: a remedy is due.
type heal struct {
	remedy doctor.Remedy
	role   media.Role
}

// Watch looks after the audio of all calls until ctx ends.
func (d *Desk) Watch(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			budget := mostNews
			for _, s := range d.sessions() {
				if s.lookAfter(now) {
					budget--
				}
				if budget == 0 {
					break // what is left is looked at next time
				}
			}
		}
	}
}

// lookAfter looks at one call, has its goroutine carry out what is due, and says whether there was anything.
func (s *Session) lookAfter(now time.Time) bool {
	fact, note := s.look(now)
	if fact != nil {
		s.desk.o.Sink.Tell(*fact)
	}
	if note != nil {
		s.inbox.Post(*note)
	}
	return fact != nil || note != nil
}

// look compares a call with how it was and says what is news, and what is to be done.
func (s *Session) look(now time.Time) (*event.AudioFaulty, *heal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != Answered || s.shown == nil {
		return nil, nil
	}
	h := &s.health
	found, ill := doctor.Examine(s.facts(now))
	switch {
	case ill && (h.known == nil || !h.known.Over.IsZero() || h.known.Rule != found.Rule || h.known.Role != media.Role(found.Leg)):
		h.known = &Diagnosis{Finding: found, Role: media.Role(found.Leg), Since: now}
		fact := &event.AudioFaulty{At: now, Call: s.id, Peer: s.peers[found.Leg], Rule: found.Rule, Reason: found.Sentence(doctor.English)}
		s.log.Warn("audio is missing", "rule", fact.Rule, "reason", fact.Reason)
		return fact, s.treat(now)
	case ill:
		h.known.Finding = found
		return nil, s.treat(now)
	case h.known != nil && h.known.Over.IsZero():
		h.known.Over = now
		h.known.Healed = len(h.known.Tried) > 0 && now.Sub(h.tried) <= helpedWithin
		s.log.Info("audio is there again", "rule", h.known.Rule, "after", now.Sub(h.known.Since).Round(time.Second), "healed", h.known.Healed)
	}
	return nil, nil
}

// treat chooses the remedy that is due now, if one is. A call for help is not disturbed by a re-INVITE. s.mu is held.
func (s *Session) treat(now time.Time) *heal {
	h := &s.health
	d := h.known
	due := d.Remedy
	switch {
	case due == doctor.Nothing:
		return nil
	case len(d.Tried) > 0:
		if due = d.Then; now.Sub(h.tried) < renewAfter {
			return nil
		}
	}
	if due == doctor.Nothing || slices.Contains(d.Tried, due) {
		return nil
	}
	if due == doctor.Renew && (s.urgent || h.renewals == mostRenewals || s.shown.Leg(d.Role).Stats().Handshakes) {
		return nil
	}
	if due == doctor.Renew {
		h.renewals++
	}
	h.tried = now
	d.Tried = append(d.Tried, due)
	return &heal{remedy: due, role: d.Role}
}

// facts are what the doctor is told. s.mu is held.
func (s *Session) facts(now time.Time) doctor.Facts {
	h := &s.health
	if h.relay != s.shown {
		h.relay = s.shown
		h.before, h.out, h.lost = [2]tally{}, [2]quality.Stream{}, [2]float64{}
	}
	f := doctor.Facts{Ports: s.shown.Ports(), Answered: now.Sub(s.answered)}
	for _, r := range []media.Role{media.Caller, media.Callee} {
		f.Legs[r] = s.legFacts(r, now)
	}
	return f
}

// legFacts are those of one leg. s.mu is held.
func (s *Session) legFacts(r media.Role, now time.Time) doctor.Leg {
	h, a, stats := &s.health, s.sound[r], s.shown.Leg(r).Stats()
	heard := stats.LastIn
	if heard.Before(s.answered) {
		heard = s.answered
	}
	before := h.before[r]
	if stats.PacketsIn != before.in {
		h.before[r] = tallyOf(stats) // it is heard: what is counted against it begins anew
	}
	x := stats.Crossing
	if out := x.Out.Since(h.out[r]); out.Expected > 0 {
		h.out[r], h.lost[r] = x.Out, out.LossRate()
	}
	return doctor.Leg{
		Peer: s.peers[r], Sends: a.sends, Takes: a.takes, Pauses: a.pauses, Box: a.box, Named: a.named, SentTo: a.sentTo, Known: a.kinds,
		Silent: now.Sub(heard), Ever: stats.PacketsIn > 0, NAT: s.shown.Leg(r).KeepsOpen(), Altered: s.outside(r) && s.desk.altered(s.peers[r]),
		Encrypted: stats.Encrypted, Handshakes: stats.Handshakes, Keyed: stats.Suite != "",
		Sent: stats.PacketsOut - before.out, Strangers: stats.Strangers - before.strangers, Stranger: x.Stranger.Addr(),
		AuthFailures: stats.AuthFailures - before.forged, Early: stats.Early - before.early,
		Unreachable: x.Unreachable - before.unreachable, UnreachableBy: x.UnreachableBy, Prohibited: x.Prohibited,
		PayloadType: x.PayloadType, Lost: h.lost[r], Reports: x.Reports,
	}
}

// altered tells whether something on the way to a carrier changes SIP messages.
func (d *Desk) altered(trunk string) bool { return d.o.Altered != nil && d.o.Altered(trunk) }

// heal carries out a remedy.
func (s *Session) heal(n heal) {
	l := []*Leg{s.caller, s.callee}[n.role]
	switch {
	case n.remedy == doctor.Reopen:
		s.caller.media.Greet()
		s.callee.media.Greet()
		s.log.Info("opens the ways of the audio again")
	case l.body == nil:
		return // it was never described
	case s.change != nil || s.promise != nil:
		s.later(n, placeRetry)
	default:
		if err := s.startRefresh(l, l.offerAgain(), true); err != nil {
			s.log.Info("audio not renewed", "with", l.Party.Peer.Name, "err", err)
			return
		}
		s.log.Info("describes the audio again", "to", l.Party.Peer.Name)
	}
}
