package media

import (
	"fmt"
	"slices"
)

// A leg keeps what it has encrypted and decrypted with each of its keys: when signalling comes back to a key, its
// roll-over counters and replay windows must be those of before (RFC 4568 §7.1.4), or the same key stream would be used
// twice.

// maxKeys bounds the keys of one leg and direction. A call that changes its key with every session refresh of half an
// hour stays below it for a day.
const maxKeys = 64

// openerFor returns the opener of a key, a new one when the leg has not had the key yet.
func (l *Leg) openerFor(k Keys) (*opener, error) {
	for _, o := range l.openers {
		if o.keys.equal(k) {
			return o, nil
		}
	}
	if len(l.openers) == maxKeys {
		return nil, fmt.Errorf("the peer has changed its key %d times", maxKeys)
	}
	return newOpener(k.clone())
}

// sealerFor returns the sealer of a key, a new one when the leg has not had the key yet.
func (l *Leg) sealerFor(k Keys) (*sealer, error) {
	for _, s := range l.sealers {
		if s.keys.equal(k) {
			return s, nil
		}
	}
	if len(l.sealers) == maxKeys {
		return nil, fmt.Errorf("our key has changed %d times", maxKeys)
	}
	s, err := newSealer(k.clone())
	if err != nil {
		return nil, err
	}
	s.kept = &l.session.relay.keeps
	return s, nil
}

// remember keeps the keys of a setting that is in force.
func (l *Leg) remember(n setting) {
	if n.open == nil {
		return
	}
	if !slices.Contains(l.openers, n.open) {
		l.openers = append(l.openers, n.open)
	}
	if !slices.Contains(l.sealers, n.seal) {
		l.sealers = append(l.sealers, n.seal)
	}
}

// otherSends tells whether the other leg encrypts with a key. No two legs share one (RFC 4568 §6.1).
func (l *Leg) otherSends(k Keys) bool {
	other := l.session.legs[1-l.session.roleOf(l)]
	return slices.ContainsFunc(other.sealers, func(s *sealer) bool { return s.keys.shares(k) })
}
