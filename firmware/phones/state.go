package phones

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// Line is one phone as calls see it.
type Line struct {
	Token     string // under which the PBX knows it
	User      string
	Peer      policy.Peer
	Path      ua.Path
	Transport policy.Transport
	Contact   string     // URI of the phone
	MediaAt   netip.Addr // where its audio comes from, whatever it says; zero: where it says
	Route     []string   // for its requests to the PBX (RFC 3608)
	Away      string     // why it cannot be called, as a sentence; "" when it can
}

// line describes b. p.mu is held.
func (p *Phones) line(b *binding) Line {
	l := Line{
		Token: b.Token, User: b.User, Peer: policy.PhonePeer(b.Source.Addr()), Path: path{p, b.Token}, Transport: b.Transport,
		Contact: b.Contact, Route: slices.Clone(b.Route),
	}
	if b.BehindNAT {
		l.MediaAt = b.Source.Addr()
	}
	switch {
	case !b.live(time.Now()):
		l.Away = "the phone of user " + b.User + " has not renewed its registration"
	case b.lost():
		l.Away = "the phone of user " + b.User + " has lost its connection"
	}
	return l
}

// Bound tells whether a phone is registered from a source: from that very port, or by user from that address, since a
// connection may have been made anew.
func (p *Phones) Bound(t policy.Transport, source netip.AddrPort, user string) bool {
	_, ok := p.From(t, source, user)
	return ok
}

// From returns the phone that a request has come from. Of several lines of a phone it is that of user, if there is one.
func (p *Phones) From(t policy.Transport, source netip.AddrPort, user string) (Line, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found *binding
	best, now := 0, time.Now()
	for _, b := range p.bindings {
		if rank := b.likeness(t, source, user); rank > best && b.live(now) {
			found, best = b, rank
		}
	}
	if found == nil {
		return Line{}, false
	}
	return p.line(found), true
}

// likeness tells how well a source and user fit a binding; 0 means not at all.
func (b *binding) likeness(t policy.Transport, source netip.AddrPort, user string) int {
	flow, own := b.Transport == t && b.Source == source, b.User == user
	switch {
	case flow && own:
		return 3
	case flow:
		return 2
	case own && b.Source.Addr() == source.Addr() && !weaker(t, b.Transport):
		return 1
	}
	return 0
}

// At returns the phone that the PBX knows under a token.
func (p *Phones) At(token string) (Line, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bindings[token]
	if b == nil {
		return Line{}, false
	}
	return p.line(b), true
}

// Of returns the phones of a user that can be called, the one registered longest first.
func (p *Phones) Of(user string) []Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*binding
	for _, b := range p.bindings {
		if b.User == user && b.live(time.Now()) {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b *binding) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.Token, b.Token)
	})
	lines := make([]Line, len(list))
	for i, b := range list {
		lines[i] = p.line(b)
	}
	return lines
}

// State is how phones and their PBX stand.
type State struct {
	Used      bool
	PBX       string    // its domain
	Away      string    // why the PBX cannot be reached, as a sentence; "" when it can
	Since     time.Time // since when it has been away, or back; zero: it was never away
	Survival  policy.Survival
	Most      int
	Registers []Registered // by user
}

// Registered is one phone.
type Registered struct {
	User      string
	Instance  string // the name that the device gives itself; "" when it gives none
	Transport policy.Transport
	Source    netip.AddrPort
	BehindNAT bool
	Since     time.Time
	Expires   time.Time // when it must have spoken again
	Verified  time.Time // when the PBX has last answered for it
	Weak      string    // the kind of password that it was found to have, if that is one of the first that are tried
}

// State tells how things stand.
func (p *Phones) State() State {
	away := p.Away()
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.config.Policy
	s := State{Used: c.Used(), PBX: c.Domain, Away: away, Since: p.presence.since, Survival: c.Survival, Most: c.Most}
	for _, b := range p.bindings {
		if b.live(time.Now()) {
			s.Registers = append(s.Registers, Registered{
				User: b.User, Instance: strings.Trim(b.Instance, `"<>`), Transport: b.Transport, Source: b.Source, BehindNAT: b.BehindNAT,
				Since: b.Since, Expires: b.Until, Verified: b.Verified, Weak: b.Weak,
			})
		}
	}
	slices.SortFunc(s.Registers, func(a, b Registered) int {
		if c := strings.Compare(a.User, b.User); c != 0 {
			return c
		}
		return a.Source.Compare(b.Source)
	})
	return s
}
