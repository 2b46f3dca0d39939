package call

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
)

const sdpType = "application/sdp"

// What says that a peer's description does not fit the policy.
var (
	errSRTP   = errors.New("SRTP")
	errCodecs = errors.New("codecs")
)

// readOffer takes the caller's offer.
func (s *Session) readOffer() *refusal {
	if no := s.readBody(); no != nil {
		return no
	}
	if len(s.in().Body()) == 0 {
		return nil // its offer will be ours
	}
	err := s.takeOffer(s.caller, s.in().Body())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSRTP):
		return &refusal{status: 488, rule: srtpRule(s.peer), reason: err.Error()}
	case errors.Is(err, errFax):
		return &refusal{status: 488, rule: rule(s.peer, "clear_t38"), reason: err.Error()}
	case errors.Is(err, errCodecs):
		return &refusal{status: 488, rule: rule(s.peer, "codecs"), reason: err.Error()}
	default:
		return &refusal{status: sdp.Status(err), rule: "sdp", reason: err.Error()}
	}
}

// takeOffer reads a peer's offer and settles the keys of its leg. When it fails, the leg is as before.
func (s *Session) takeOffer(l *Leg, body []byte) error {
	d, err := sdp.Parse(body)
	if err != nil {
		return err
	}
	audio, ok := d.Audio()
	if !ok {
		return errors.New("the offer has no audio that can be carried")
	}
	if audio.Fax != nil {
		return s.takeFax(l, d, body)
	}
	allowed, err := d.Only(l.Party.codecs())
	switch {
	case err == nil:
		d = allowed
	case s.urgent:
		s.passesCodecs(l.Party)
	default:
		return fmt.Errorf("%w: %w", errCodecs, err)
	}
	k, err := l.keysFor(audio, s.urgent)
	if err != nil {
		return err
	}
	if s.urgent && !k.encrypted() && l.remote() == nil {
		s.passesClear(l.Party)
	}
	l.keys = k
	l.took(d, body)
	return nil
}

// took remembers what the peer has said.
func (l *Leg) took(d *sdp.Description, body []byte) {
	l.theirs, l.heard, l.anew = d, string(body), false
}

// offerTo writes the offer for one leg from what the other leg's peer offered.
func offerTo(to, from *Leg, encrypt bool) ([]byte, error) { return offerWith(to, from, encrypt, "") }

// offerWith is offerTo with a direction that replaces the one of the other leg.
func offerWith(to, from *Leg, encrypt bool, direction sdp.Direction) ([]byte, error) {
	a, err := to.anchor()
	if err != nil {
		return nil, err
	}
	if fax(from.remote()) {
		if err := to.mayFax(time.Now()); err != nil {
			return nil, err
		}
		encrypt = false
	}
	if err := to.keysToOffer(&a, encrypt); err != nil {
		return nil, err
	}
	a.ZRTP = len(a.Cryptos) == 0 && a.DTLS == nil && !from.keys.encrypted()
	a.Direction = cmp.Or(direction, to.Party.holdAs(from))
	a.Codecs, a.Ptime, a.Events, a.Swap = to.Party.codecs(), from.Party.Ptime, to.Party.eventsFor(from.Party), to.converts
	var body []byte
	if from.remote() == nil {
		body, err = sdp.Fresh(a, from.Party.codecs())
	} else {
		body, err = from.remote().Offer(a)
	}
	if err != nil {
		return nil, err
	}
	return body, to.say(body, from)
}

// holdAs is the direction in which the party is told that the other leg's peer holds; "": as that says it.
func (p *Party) holdAs(other *Leg) sdp.Direction {
	if p.Hold != policy.HoldInactive || other.remote() == nil {
		return ""
	}
	if audio, ok := other.remote().Audio(); ok && audio.Held {
		return sdp.Inactive
	}
	return ""
}

// takeAnswer reads the answer of one leg to our offer, sets the media of both legs and writes the answer for the other.
func (s *Session) takeAnswer(from, to *Leg, body []byte) ([]byte, error) {
	if len(body) == 0 && from.remote() != nil && to.body != nil {
		return to.body, nil // it answered with its early media already
	}
	if err := from.hear(body); err != nil {
		return nil, err
	}
	if to.remote() == nil { // the caller has made no offer: it will get ours
		return s.offerCaller()
	}
	answer, err := answerTo(to, from)
	if err != nil {
		return nil, err
	}
	return answer, s.setMedia()
}

// hear takes a peer's answer to our offer. When it fails, the leg is as before.
func (l *Leg) hear(body []byte) error {
	d, err := sdp.Parse(body)
	if err != nil {
		return err
	}
	if err := d.Answers(l.said()); err != nil {
		return err
	}
	audio, _ := d.Audio() // Answers has made sure
	if audio.Fax != nil {
		l.took(d, body)
		return nil
	}
	k, err := l.keysAnswered(audio)
	if err != nil {
		return err
	}
	if d, err = d.Only(l.Party.codecs()); err != nil {
		return err
	}
	l.keys = k
	l.took(d, body)
	return nil
}

// answerTo writes the answer for one leg from the other's.
func answerTo(to, from *Leg) ([]byte, error) { return answerWithDirection(to, from, "") }

// answerWithDirection is answerTo with a direction that replaces the one of the other leg.
func answerWithDirection(to, from *Leg, direction sdp.Direction) ([]byte, error) {
	a, err := to.anchor()
	if err != nil {
		return nil, err
	}
	if !fax(to.remote()) {
		to.keysToAnswer(&a)
	}
	a.ZRTP = !to.keys.encrypted() && !from.keys.encrypted()
	a.Direction = direction
	a.Codecs, a.Ptime, a.Events = to.Party.codecs(), from.Party.Ptime, to.Party.eventsFor(from.Party)
	a.Mux = true // one port where it was offered (RFC 5761)
	body, err := from.remote().Answer(to.remote(), a)
	if err != nil {
		return nil, err
	}
	return body, to.say(body, from)
}

// codecs are those that may be spoken with the party, in order of preference; nil: all.
func (p *Party) codecs() []string {
	if len(p.Codecs) == 0 {
		return nil
	}
	return p.Codecs
}

func (l *Leg) anchor() (sdp.Anchor, error) {
	rtp, rtcp := l.media.Local()
	if a := l.Party.Media; a.IsValid() {
		rtp, rtcp = netip.AddrPortFrom(a, rtp.Port()), netip.AddrPortFrom(a, rtcp.Port())
	}
	if l.origin.SessionID == 0 {
		origin, err := sdp.NewOrigin(rtp.Addr(), rand.Reader)
		if err != nil {
			return sdp.Anchor{}, err
		}
		l.origin = origin
	}
	return sdp.Anchor{Origin: &l.origin, Local: rtp, RTCP: rtcp}, nil
}

// say remembers our last description on the leg, and whether its codecs have to be converted to be those of the other leg.
func (l *Leg) say(body []byte, other *Leg) error {
	d, err := sdp.Parse(body)
	if err != nil {
		return fmt.Errorf("our own description cannot be read: %w", err)
	}
	l.ours, l.body, l.converts = d, body, false
	if other.remote() != nil {
		ours, _ := d.Audio()
		theirs, _ := other.remote().Audio()
		l.converts = sdp.Converts(ours, theirs)
	}
	return nil
}

func (s *Session) role(l *Leg) media.Role {
	if l == s.caller {
		return media.Caller
	}
	return media.Callee
}

// setMedia puts what was negotiated into force on both legs.
func (s *Session) setMedia() error {
	var agreed [2]media.Params
	for _, l := range []*Leg{s.caller, s.callee} {
		p := l.params(s.other(l))
		if !p.Fax {
			s.speech(l, &p)
		}
		agreed[s.role(l)] = p
	}
	if err := s.relay.Set(agreed); err != nil {
		return err
	}
	s.noteSound()
	if !s.lull.since.IsZero() { // it is answered
		s.listen()
	}
	return nil
}

// speech adds to a leg's parameters what a fax has not: keys, and what the two ends do between them.
func (s *Session) speech(l *Leg, p *media.Params) {
	other := s.other(l)
	p.Send, p.Receive = relayKeys(l.keys.ours), relayKeys(l.keys.theirs)
	p.Events = s.events(l, other)
	p.ZRTP = !l.keys.encrypted() && !other.keys.encrypted() && len(p.Conversions) == 0
	if p.DTLS = s.terms(l); p.DTLS != nil {
		l.keys.handshake.ice.admit(p)
	}
}

func (l *Leg) params(other *Leg) media.Params {
	remote, _ := l.remote().Audio()
	said, _ := l.said().Audio()
	across, _ := other.remote().Audio()
	return media.Params{
		Remote: l.heardAt(remote.Addr), RemoteRTCP: l.heardAt(remote.RTCP), Mux: remote.Mux && said.Mux, NoRTCP: remote.NoRTCP,
		Fax:          remote.Fax != nil,
		ExtraSources: l.Party.MediaSources, Latching: l.Party.Latching, Hold: remote.Held,
		PayloadMap: sdp.PayloadMap(said, across), Conversions: sdp.Conversions(said, across),
		Returns: l.Party.Verbatim && l.side() == policy.SideOutside, ClockRate: l.speech().Rate,
	}
}

// heardAt is where a peer behind a router is reached that names an address of its own network: the relay learns the port
// from the first packet that comes from there (RFC 7362 §4).
func (l *Leg) heardAt(a netip.AddrPort) netip.AddrPort {
	if !l.Party.MediaAt.IsValid() || !a.IsValid() || a.Addr().IsUnspecified() {
		return a
	}
	return netip.AddrPortFrom(l.Party.MediaAt, a.Port())
}
