package call

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
)

// keys are what encrypts the two directions of a leg; the zero value means that it is clear.
type keys struct {
	ours, theirs *sdp.Crypto // by SDES (RFC 4568)
	handshake    *handshake  // that makes them, in their place
}

// handshake is what both descriptions say of a DTLS handshake (RFC 5763).
type handshake struct {
	active bool // we begin
	theirs []sdp.Fingerprint
	ice    *checks // nil: the peer makes none
}

// checks are both sides' credentials for the connectivity checks of ICE, of which the peer makes all (RFC 8445 §2.5).
type checks struct{ ours, theirs sdp.ICE }

func (k keys) encrypted() bool { return k.ours != nil || k.handshake != nil }

// suites are those of SRTP that the peer is spoken with, in order of preference.
func (p *Party) suites() []policy.Suite {
	if len(p.Suites) == 0 {
		return policy.DefaultSuites()
	}
	return p.Suites
}

// keying are the ways to make keys that the peer is spoken with; the first is offered.
func (p *Party) keying() []policy.Keying {
	if len(p.Keying) == 0 {
		return []policy.Keying{policy.KeyingSDES}
	}
	return p.Keying
}

// offersKeys tells whether an offer that nobody else's offer precedes has keys in it. With optional encryption it has none
// when there is no second try.
func (p *Party) offersKeys() bool {
	return p.SRTP == policy.SRTPRequired || p.SRTP == policy.SRTPOpportunistic
}

// keysFor chooses the keys for an offer (RFC 4568 §5.1.2): none for a clear one, where that is allowed. Keys in a clear
// stream are an offer to encrypt all the same (RFC 8643). What the policy says about SRTP does not bind an urgent call.
func (l *Leg) keysFor(audio *sdp.Audio, urgent bool) (keys, error) {
	mode, name := l.Party.SRTP, l.Party.Peer.Name
	switch {
	case !audio.Secure() && (!audio.Keyed() || mode == policy.SRTPOff):
		return keys{}, l.mayBeClear(urgent, "")
	case mode == policy.SRTPOff && !urgent:
		return keys{}, fmt.Errorf("%w is off for %s, but it offers encrypted audio only", errSRTP, name)
	case audio.Handshakes():
		return l.handshakeFor(audio, urgent)
	case !slices.Contains(l.Party.keying(), policy.KeyingSDES) && !urgent && audio.Secure():
		return keys{}, fmt.Errorf("%w: %s offers keys by SDES, which are not spoken with it", errSRTP, name)
	case !slices.Contains(l.Party.keying(), policy.KeyingSDES) && !urgent:
		return keys{}, l.mayBeClear(urgent, "")
	}
	suites := l.Party.suites()
	if urgent {
		suites = slices.Concat(suites, policy.Suites())
	}
	chosen, ok := sdp.Choose(audio.Cryptos, suites)
	switch {
	case !ok && audio.Secure():
		return keys{}, fmt.Errorf("%w: %s offers no suite that is spoken with it%s", errSRTP, name, audio.WhyRefused())
	case !ok:
		return keys{}, l.mayBeClear(urgent, audio.WhyRefused())
	}
	ours, err := l.keyBeside(chosen)
	return keys{ours: ours, theirs: &chosen}, err
}

// handshakeFor settles who begins the handshake of an offer (RFC 5763 §5): we do where it is left to us, unless the peer
// began it before (RFC 8842 §5.3) or has to find a way by checks first.
func (l *Leg) handshakeFor(audio *sdp.Audio, urgent bool) (keys, error) {
	if !slices.Contains(l.Party.keying(), policy.KeyingDTLS) && !urgent {
		return keys{}, fmt.Errorf("%w: %s offers keys by DTLS, which are not spoken with it", errSRTP, l.Party.Peer.Name)
	}
	h := &handshake{theirs: audio.DTLS.Fingerprints, active: audio.DTLS.Setup == sdp.SetupPassive}
	before := l.keys.handshake
	if audio.DTLS.Setup == sdp.SetupEither {
		h.active = before == nil && audio.DTLS.ICE == nil || before != nil && before.active
	}
	var err error
	h.ice, err = before.checksFor(audio.DTLS.ICE)
	return keys{handshake: h}, err
}

// checksFor are the checks for a peer's credentials: ours of before while theirs stay, else fresh ones (RFC 8839 §4.4.1.1);
// none when it has none.
func (h *handshake) checksFor(theirs *sdp.ICE) (*checks, error) {
	switch {
	case theirs == nil:
		return nil, nil
	case h != nil && h.ice != nil && h.ice.theirs.Ufrag == theirs.Ufrag && h.ice.theirs.Pwd == theirs.Pwd:
		return &checks{h.ice.ours, *theirs}, nil
	}
	ours, err := sdp.NewICE(rand.Reader)
	return &checks{ours, *theirs}, err
}

// mayBeClear says why the audio of a leg must not be clear; nil when it may. What was encrypted stays so.
func (l *Leg) mayBeClear(urgent bool, why string) error {
	name := l.Party.Peer.Name
	switch {
	case l.keys.encrypted():
		return fmt.Errorf("%w: %s wants to go on without encryption%s", errSRTP, name, why)
	case l.Party.SRTP == policy.SRTPRequired && !urgent:
		return fmt.Errorf("%w is required, but %s offers unencrypted audio%s", errSRTP, name, why)
	}
	return nil
}

// keyBeside is our key for a suite of the peer's: the same as before, so that counters and replay windows go on
// (RFC 4568 §7.1.4), else a fresh one.
func (l *Leg) keyBeside(theirs sdp.Crypto) (*sdp.Crypto, error) {
	if l.keys.ours != nil && l.keys.ours.Suite == theirs.Suite {
		kept := *l.keys.ours
		kept.Tag = theirs.Tag
		return &kept, nil
	}
	fresh, err := sdp.NewCrypto(theirs.Tag, theirs.Suite, rand.Reader)
	return &fresh, err
}

// keysToOffer puts into an offer the key in use, or a fresh one for each suite.
func (l *Leg) keysToOffer(a *sdp.Anchor, encrypt bool) error {
	l.offered = nil
	switch {
	case !encrypt:
		return nil
	case l.keys.handshake != nil, !l.keys.encrypted() && l.Party.keying()[0] == policy.KeyingDTLS:
		a.DTLS, a.Mux = l.certificate(sdp.SetupEither), true // one port, one handshake
		return l.offerICE(a)
	case l.keys.ours != nil:
		audio, _ := l.remote().Audio()
		l.offered, a.Opportunistic = []sdp.Crypto{*l.keys.ours}, !audio.Secure()
		if audio.Fax != nil { // it spoke before the fax as the policy says
			a.Opportunistic = l.Party.SRTP == policy.SRTPOpportunistic
		}
	default:
		for i, suite := range l.Party.suites() {
			k, err := sdp.NewCrypto(i+1, suite, rand.Reader)
			if err != nil {
				return err
			}
			l.offered = append(l.offered, k)
		}
		a.Opportunistic = l.Party.SRTP == policy.SRTPOpportunistic
	}
	a.Cryptos = l.offered
	return nil
}

// bundle is the name of the stream in a first offer of ours with ICE: who wants that is a browser, which may insist on a
// bundle too (RFC 9429 §4.1.1).
const bundle = "0"

// offerICE puts into an offer by DTLS what checks go by, where the peer is to be offered that. In a call that has begun the
// peer has said whether it makes any, and what its stream is called.
func (l *Leg) offerICE(a *sdp.Anchor) error {
	if l.remote() != nil {
		audio, _ := l.remote().Audio()
		a.Mid = audio.Mid
	}
	if l.keys.handshake != nil || !l.Party.OffersICE {
		return nil
	}
	if l.ice == nil {
		own, err := sdp.NewICE(rand.Reader)
		if err != nil {
			return err
		}
		l.ice = &own
	}
	a.DTLS.ICE, a.Mid = l.ice, bundle
	return nil
}

// certificate is what a description of ours says of a handshake.
func (l *Leg) certificate(role sdp.Setup) *sdp.DTLS {
	t := &sdp.DTLS{Fingerprints: []sdp.Fingerprint{sdp.Fingerprint(l.media.Fingerprint())}, Setup: role}
	if h := l.keys.handshake; h != nil && h.ice != nil {
		t.ICE = &h.ice.ours
	}
	return t
}

// keysAnswered are the keys that follow from the answer to our offer. Only an offer that left it open may be answered in
// the clear, and only by who says nothing of keys.
func (l *Leg) keysAnswered(audio *sdp.Audio) (keys, error) {
	if audio.Handshakes() { // as offered: the transports have been compared
		before := l.keys.handshake
		h := &handshake{theirs: audio.DTLS.Fingerprints, active: audio.DTLS.Setup != sdp.SetupActive}
		if audio.DTLS.Setup == sdp.SetupEither {
			if before == nil {
				return keys{}, fmt.Errorf("%w: the answer of %s leaves open who begins the handshake", errSRTP, l.Party.Peer.Name)
			}
			h.active = before.active // no answer either (RFC 5763 §5), but baresip's to a change: the roles stay
		}
		if before != nil && before.ice != nil && audio.DTLS.ICE != nil {
			h.ice = &checks{before.ice.ours, *audio.DTLS.ICE}
		} else if before == nil && l.ice != nil && audio.DTLS.ICE != nil {
			h.ice = &checks{*l.ice, *audio.DTLS.ICE}
		}
		return keys{handshake: h}, nil
	}
	if len(l.offered) == 0 {
		return keys{}, nil
	}
	if !audio.Secure() && !audio.Keyed() && !l.keys.encrypted() && l.Party.SRTP == policy.SRTPOpportunistic {
		return keys{}, nil
	}
	accepted, err := sdp.Accepted(l.offered, audio)
	if err != nil {
		return keys{}, err
	}
	own, _ := sdp.Tagged(l.offered, accepted.Tag)
	return keys{ours: &own, theirs: &accepted}, nil
}

// keysToAnswer puts the key that was chosen into an answer.
func (l *Leg) keysToAnswer(a *sdp.Anchor) {
	switch h := l.keys.handshake; {
	case h != nil && h.active:
		a.DTLS = l.certificate(sdp.SetupActive)
	case h != nil:
		a.DTLS = l.certificate(sdp.SetupPassive)
	case l.keys.ours != nil:
		a.Cryptos = []sdp.Crypto{*l.keys.ours}
	}
}

// admit lets the relay answer the peer's checks, from every address that it may have.
func (c *checks) admit(p *media.Params) {
	if c == nil {
		return
	}
	p.ICE = &media.ICE{Ufrag: c.ours.Ufrag, Pwd: c.ours.Pwd, PeerUfrag: c.theirs.Ufrag}
	p.ExtraSources = slices.Clone(p.ExtraSources)
	for _, a := range c.theirs.Candidates {
		p.ExtraSources = append(p.ExtraSources, netip.PrefixFrom(a, a.BitLen()))
	}
}

// terms are those of the handshake for the relay, nil without one. A handshake that fails ends the call: nobody would hear
// anything.
func (s *Session) terms(l *Leg) *media.DTLS {
	h := l.keys.handshake
	if h == nil {
		return nil
	}
	name, suites := l.Party.Peer.Name, l.Party.suites()
	if !slices.ContainsFunc(suites, policy.Suite.ByDTLS) { // an urgent call takes what the policy does not
		suites = policy.DefaultSuites()
	}
	t := &media.DTLS{Active: h.active, Suites: suites, Failed: func(err error) {
		s.inbox.Post(stop{reason: fmt.Sprintf("the audio with %s cannot be encrypted: %v", name, err)})
	}}
	for _, f := range h.theirs {
		t.Fingerprints = append(t.Fingerprints, media.Fingerprint(f))
	}
	return t
}

func relayKeys(c *sdp.Crypto) *media.Keys {
	if c == nil {
		return nil
	}
	return &media.Keys{Suite: c.Suite, Key: c.Key, MKI: c.MKI}
}
