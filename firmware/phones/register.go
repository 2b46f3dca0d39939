package phones

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

// The rules that event.SourceRefused names.
const (
	ruleMalformed = "malformed registration"
	ruleDomain    = "phones.domain"
	ruleMost      = "phones.most"
	ruleByPBX     = "refused by the remote PBX"
	ruleAway      = "remote pbx"
)

// How long a phone is told that its registration lasts, at most: behind a router, so that the way to it stays open; while
// the PBX is away, so that it is handed back soon; and anywhere, so that one that was switched off is soon known to be.
const (
	routedDatagrams = time.Minute
	routedStreams   = 5 * time.Minute
	whileAway       = time.Minute
	anywhere        = 10 * time.Minute
	// leastAsked is what the PBX is asked for at least: the box spares it the refreshes in between.
	leastAsked = 10 * time.Minute
	// retryAfter is what a phone is told that cannot be registered now.
	retryAfter = 30 * time.Second
)

// refusal is why a REGISTER is refused, for the administrator.
type refusal struct{ rule, reason string }

// Handle answers a REGISTER of a phone that access has let through.
func (p *Phones) Handle(in *ua.Incoming) {
	reply, no := p.register(in)
	if no != nil {
		p.tellRefused(in, reply.Status, *no)
	}
	in.Refuse(reply)
}

// register does what RFC 3261 §10.3 says, as far as it is the box's business, and leaves the rest to the PBX.
func (p *Phones) register(in *ua.Incoming) (ua.Reply, *refusal) {
	for _, tag := range ua.Values(field.All(in, "Require")) {
		if !strings.EqualFold(tag, "path") && !strings.EqualFold(tag, "outbound") {
			return ua.Reply{Status: 420, Headers: []sip.Header{sip.NewHeader("Unsupported", event.Printable(tag))}}, nil
		}
	}
	hops, ok := in.MaxForwards()
	if !ok {
		return ua.Reply{Status: 483}, nil
	}
	f, err := flowOf(in)
	if err != nil {
		return ua.Reply{Status: 500}, nil
	}
	w, err := p.readWish(in, f.source.Addr())
	if err != nil {
		return ua.Reply{Status: 400}, &refusal{ruleMalformed, "a phone's registration cannot be read: " + err.Error()}
	}
	if no := p.wrongDomain(in, f); no != nil {
		return ua.Reply{Status: 403}, no
	}
	if reply, no, done := p.answerHere(in, f, w); done {
		return reply, no
	}
	return p.pass(in, f, w, hops)
}

// wrongDomain turns away a phone of another system: its PBX would not know it anyway, and its owner finds the reason here.
// A phone may call the box itself its registrar.
func (p *Phones) wrongDomain(in *ua.Incoming, f flow) *refusal {
	p.mu.Lock()
	defer p.mu.Unlock()
	host := strings.Trim(in.To().Address.Host, "[]")
	if strings.EqualFold(host, p.config.Policy.Domain) || p.config.Local != nil && host == p.config.Local(f.transport).Host {
		return nil
	}
	return &refusal{ruleDomain, fmt.Sprintf("a phone registers with %s, but the phones' PBX is %s", strconv.Quote(event.Printable(host)), p.config.Policy.Domain)}
}

// answerHere answers a refresh that the PBX need not hear, as the package comment says, and everything of known phones
// while the PBX is away.
func (p *Phones) answerHere(in *ua.Incoming, f flow, w wish) (reply ua.Reply, no *refusal, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.presence.away {
		reply, no := p.without(in, f, w, now)
		return reply, no, true
	}
	if len(w.contacts) == 0 {
		return ua.Reply{}, nil, false
	}
	for _, c := range w.contacts {
		b := p.bindings[c.token]
		if b == nil || c.expires == 0 || !b.from(f) || b.Contact != c.text || b.Digest != w.digest || !b.live(now) || !b.fresh(now) {
			return ua.Reply{}, nil, false
		}
	}
	p.renewed()
	return p.renew(w, now), nil, true
}

// renew answers 200 with what is left, and keeps the bindings for as long as the phone is told. p.mu is held.
func (p *Phones) renew(w wish, now time.Time) ua.Reply {
	reply := ua.Reply{Status: 200}
	for _, c := range w.contacts {
		b := p.bindings[c.token]
		if b == nil {
			continue
		}
		lease := p.lease(b, c.expires, now)
		b.Until = now.Add(lease)
		reply.Headers = append(reply.Headers, contactHeader(c.text, lease))
	}
	return reply
}

func contactHeader(uri string, lease time.Duration) sip.Header {
	return sip.NewHeader("Contact", "<"+uri+">;expires="+seconds(lease))
}

// lease is what a phone is told that its registration lasts. p.mu is held.
func (p *Phones) lease(b *binding, wished time.Duration, now time.Time) time.Duration {
	lease := min(wished, b.Granted.Sub(now).Round(time.Second), anywhere)
	switch {
	case p.presence.away || lease <= 0:
		lease = min(wished, whileAway)
	case b.BehindNAT && b.Transport.Stream():
		lease = min(lease, routedStreams)
	case b.BehindNAT:
		lease = min(lease, routedDatagrams)
	}
	return max(lease, time.Second)
}

// take puts the outcome of a registration that the PBX has accepted into force, and answers the phone.
func (p *Phones) take(in *ua.Incoming, f flow, w wish, res *sip.Response) ua.Reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	before := p.places(w)
	if w.all {
		for token, b := range p.bindings {
			if b.User == w.user {
				delete(p.bindings, token)
			}
		}
	}
	route := ua.Values(field.All(res, "Service-Route"))
	for _, c := range w.contacts {
		granted, listed := ua.Expires(res, c.token)
		if c.expires == 0 || listed && granted == 0 {
			delete(p.bindings, c.token)
			continue
		}
		if !listed {
			granted = int(c.expires / time.Second)
		}
		p.bind(in, f, w, c, time.Duration(min(granted, longest))*time.Second, route, now)
	}
	if len(w.contacts) == 0 && !w.all {
		w.contacts = p.known(w.user, f, now)
	}
	if w.all || !reflect.DeepEqual(before, p.places(w)) {
		p.changed()
	} else {
		p.renewed()
	}
	return p.renew(w, now)
}

// places are the bindings that a wish names, without their times. p.mu is held.
func (p *Phones) places(w wish) map[string]kept {
	places := map[string]kept{}
	for _, c := range w.contacts {
		if b := p.bindings[c.token]; b != nil {
			place := b.kept
			place.Since, place.Verified, place.Granted, place.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
			places[c.token] = place
		}
	}
	return places
}

// bind puts one binding into force. p.mu is held.
func (p *Phones) bind(in *ua.Incoming, f flow, w wish, c contact, granted time.Duration, route []string, now time.Time) {
	b := p.bindings[c.token]
	if b == nil {
		b = &binding{kept: kept{Since: now}}
		p.bindings[c.token] = b
		p.o.Log.Info("phone registered", "user", w.user, "source", f.source, "transport", f.transport)
	}
	b.Token, b.Domain, b.User, b.Instance, b.Contact = c.token, p.config.Policy.Domain, w.user, c.instance, c.text
	b.Digest, b.Route, b.Verified, b.Granted = w.digest, route, now, now.Add(granted)
	b.move(in, f, c)
	p.guess(in, b)
}

// move has the binding follow the phone to another flow.
func (b *binding) move(in *ua.Incoming, f flow, c contact) {
	b.Transport, b.Source, b.conn, b.BehindNAT, b.Contact = f.transport, f.source, nil, behindNAT(in, f, c.uri), c.text
	if f.transport.Stream() {
		b.conn = f.conn
	}
}

// known are the bindings that a query shows: those of the user from the same address. p.mu is held.
func (p *Phones) known(user string, f flow, now time.Time) (list []contact) {
	for token, b := range p.bindings {
		if b.User == user && b.Source.Addr() == f.source.Addr() && b.live(now) {
			list = append(list, contact{text: b.Contact, token: token, expires: b.Until.Sub(now)})
		}
	}
	slices.SortFunc(list, func(a, b contact) int { return strings.Compare(a.text, b.text) })
	return list
}

// room tells whether what is wished fits; bindings that have lapsed make room. p.mu is held.
func (p *Phones) room(w wish) *refusal {
	live, now := 0, time.Now()
	for token, b := range p.bindings {
		switch {
		case b.live(now):
			live++
		case !b.survives(now) || len(p.bindings) > 2*p.config.Policy.Most:
			delete(p.bindings, token)
		}
	}
	for _, c := range w.contacts {
		if b := p.bindings[c.token]; c.expires > 0 && (b == nil || !b.live(now)) {
			live++
		}
	}
	if live > p.config.Policy.Most {
		return &refusal{ruleMost, fmt.Sprintf("user %s wants to register, and there are %d phones already", strconv.Quote(event.Printable(w.user)), p.config.Policy.Most)}
	}
	return nil
}

// unavailable is what a phone hears that cannot be registered now.
func unavailable() ua.Reply {
	return ua.Reply{Status: 503, Headers: []sip.Header{sip.NewHeader("Retry-After", seconds(retryAfter))}}
}

// tellRefused tells that a phone was turned away.
func (p *Phones) tellRefused(in *ua.Incoming, status int, no refusal) {
	source, _ := netip.ParseAddrPort(in.Source())
	p.o.Sink.Tell(event.SourceRefused{
		At: time.Now(), Side: string(in.Peer.Side), Transport: strings.ToLower(in.Transport()), Source: source,
		Method: string(in.Method), Status: status, Rule: no.rule, Reason: no.reason, Count: 1,
	})
}
