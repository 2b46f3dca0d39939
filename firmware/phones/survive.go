package phones

import (
	"strconv"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// survive binds known phones on while the PBX does not answer; false when one of the contacts is not known, is somewhere
// else, or may not go on. p.mu is held.
func (p *Phones) survive(in *ua.Incoming, f flow, w wish, now time.Time) (ua.Reply, bool) {
	if p.config.Policy.Survival == policy.SurvivalOff || len(w.contacts) == 0 {
		return ua.Reply{}, false
	}
	for _, c := range w.contacts {
		b := p.bindings[c.token]
		if b == nil || !b.survives(now) || b.Source.Addr() != f.source.Addr() || weaker(f.transport, b.Transport) ||
			w.digest != "" && w.digest != b.Digest {
			return ua.Reply{}, false
		}
	}
	kept := wish{user: w.user}
	for _, c := range w.contacts {
		b := p.bindings[c.token]
		b.move(in, f, c)
		b.Granted = b.Verified // what the PBX has kept is not known: it hears of the next refresh, if it is there
		if c.expires == 0 {    // the PBX learns of it when its own time for it is over
			b.Until = now.Add(-patience)
			continue
		}
		kept.contacts = append(kept.contacts, c)
	}
	p.changed()
	return p.renew(kept, now), true
}

// without answers a REGISTER while the PBX is away. p.mu is held.
func (p *Phones) without(in *ua.Incoming, f flow, w wish, now time.Time) (ua.Reply, *refusal) {
	if reply, ok := p.survive(in, f, w, now); ok {
		return reply, nil
	}
	reason := "a phone of user " + strconv.Quote(event.Printable(w.user)) + " wants to register, and its PBX cannot be reached"
	if p.config.Policy.Survival != policy.SurvivalOff {
		reason += "; only phones that were registered from the same address before go on meanwhile"
	}
	return unavailable(), &refusal{ruleAway, reason}
}

// weaker tells whether a phone that spoke through TLS now does without.
func weaker(now, before policy.Transport) bool {
	return before == policy.TLSTransport && now != policy.TLSTransport
}
