package call

import (
	"crypto/rand"
	"fmt"
	"slices"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
)

// keys are what encrypts the two directions of a leg; the zero value means that it is clear.
type keys struct {
	ours, theirs *sdp.Crypto // by SDES (RFC 4568)
}

func (k keys) encrypted() bool { return k.ours != nil }

// suites are those of SRTP that the peer is spoken with, in order of preference.
func (p Party) suites() []policy.Suite {
	if len(p.Suites) == 0 {
		return policy.DefaultSuites()
	}
	return p.Suites
}

// offersKeys tells whether an offer that nobody else's offer precedes has keys in it. With optional encryption it has none
// when there is no second try.
func (p Party) offersKeys() bool {
	return p.SRTP == policy.SRTPRequired || p.SRTP == policy.SRTPOpportunistic
}

// keysFor chooses the keys for an offer (RFC 4568 §5.1.2): none for a clear one, where that is allowed. Keys in a clear
// stream are an offer to encrypt all the same (RFC 8643). What the policy says about SRTP does not bind an urgent call.
func (l *Leg) keysFor(audio *sdp.Audio, urgent bool) (keys, error) {
	mode, name := l.Party.SRTP, l.Party.Peer.Name
	switch {
	case audio.Handshakes():
		return keys{}, fmt.Errorf("%w: %s offers keys by DTLS, which are not spoken with it", errSRTP, name)
	case !audio.Secure() && (!audio.Keyed() || mode == policy.SRTPOff):
		return keys{}, l.mayBeClear(urgent, "")
	case mode == policy.SRTPOff && !urgent:
		return keys{}, fmt.Errorf("%w is off for %s, but it offers encrypted audio only", errSRTP, name)
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
	case l.keys.ours != nil:
		audio, _ := l.remote.Audio()
		l.offered, a.Opportunistic = []sdp.Crypto{*l.keys.ours}, !audio.Secure()
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

// keysAnswered are the keys that follow from the answer to our offer. Only an offer that left it open may be answered in
// the clear, and only by who says nothing of keys.
func (l *Leg) keysAnswered(audio *sdp.Audio) (keys, error) {
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
	if l.keys.ours != nil {
		a.Cryptos = []sdp.Crypto{*l.keys.ours}
	}
}

func relayKeys(c *sdp.Crypto) *media.Keys {
	if c == nil {
		return nil
	}
	return &media.Keys{Suite: c.Suite, Key: c.Key, MKI: c.MKI}
}
