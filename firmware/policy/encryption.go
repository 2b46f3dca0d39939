package policy

import "slices"

// encryption is how the audio of a peer is encrypted.
type encryption struct {
	transport Transport // of the signalling
	mode      SRTPMode
	clear     ClearKeys
	keying    []Keying
	suites    []Suite
}

// encryption checks it. A peer of the phones has nothing but a mode.
func (c *checker) encryption(path string, e encryption) {
	if !one(c, path+".srtp", e.mode, SRTPOff, SRTPOptional, SRTPOpportunistic, SRTPRequired) {
		return
	}
	if e.mode == SRTPOff {
		for key, set := range map[string]bool{
			"suites": len(e.suites) > 0, "keying": len(e.keying) > 0, "keys_in_clear": e.clear == KeysInClearAccepted,
		} {
			if set {
				c.fault(path+"."+key, "remove it, or write srtp: required", "has no effect with srtp: off")
			}
		}
		return
	}
	distinct(c, path+".suites", e.suites, Suites())
	distinct(c, path+".keying", e.keying, []Keying{KeyingSDES, KeyingDTLS})
	c.keying(path, e)
	c.clearKeys(path, e)
}

// distinct checks a list of a few words, each of which stands there once.
func distinct[T ~string](c *checker, path string, list, accepted []T) {
	if !c.atMost(path, len(list), 16) {
		return
	}
	for i, word := range list {
		if one(c, index(path, i), word, accepted...) && slices.Contains(list[:i], word) {
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", word)
		}
	}
}

// keying checks that the ways to make keys can be gone.
func (c *checker) keying(path string, e encryption) {
	if !slices.Contains(e.keying, KeyingDTLS) {
		return
	}
	if !slices.ContainsFunc(e.suites, Suite.ByDTLS) {
		c.fault(path+".suites", "add "+string(SuiteAESCM128SHA180), "none of these can be agreed on by DTLS")
	}
	if e.mode == SRTPOpportunistic && e.keying[0] == KeyingDTLS {
		c.fault(path+".keying", "write sdes first, or srtp: optional", "opportunistic encryption is offered with sdes")
	}
}

// clearKeys checks that keys do not travel in signalling that anybody on the way can read (RFC 4568 §7), unless the policy
// says so: encrypted media with readable keys is a lock with its key beside it.
func (c *checker) clearKeys(path string, e encryption) {
	if e.clear != "" && !one(c, path+".keys_in_clear", e.clear, KeysInClearRefused, KeysInClearAccepted) {
		return
	}
	accepted, signalled := e.clear == KeysInClearAccepted, len(e.keying) == 0 || slices.Contains(e.keying, KeyingSDES)
	switch {
	case accepted && e.transport == TLSTransport:
		c.fault(path+".keys_in_clear", "remove it", "has no effect with transport: tls, which hides the keys")
	case accepted && !signalled:
		c.fault(path+".keys_in_clear", "remove it", "has no effect with keying: [dtls], which sends no keys through the signalling")
	case !accepted && signalled && slices.Contains([]Transport{UDP, TCP}, e.transport):
		c.fault(path+".srtp", "write transport: tls for this peer, or srtp: off", "%s needs transport: tls, because the keys travel in the signalling, which %s leaves readable", e.mode, e.transport)
	}
}

// readableKeys tells that the signalling of encrypted calls protects less than it seems.
func readableKeys(path string, e encryption, add func(path, text string, args ...any)) {
	switch {
	case e.clear == KeysInClearAccepted:
		add(path+".keys_in_clear", "The keys of encrypted calls travel in the clear over %s: whoever reads the signalling can listen.", e.transport)
	case slices.Contains(e.keying, KeyingDTLS) && e.transport != TLSTransport:
		add(path+".keying", "Certificates of encrypted calls are vouched for over %s: whoever can change the signalling can listen.", e.transport)
	}
}

// fill writes the defaults out where they count: how calls are encrypted must not hang on what a later release takes for
// granted.
func (e *encryption) fill() {
	if e.mode == SRTPOff || e.mode == "" {
		return
	}
	if len(e.suites) == 0 {
		e.suites = DefaultSuites()
	}
	if len(e.keying) == 0 {
		e.keying = []Keying{KeyingSDES}
	}
}

func (p *PBX) encryption() encryption {
	return encryption{p.Transport, p.SRTP, p.KeysInClear, p.Keying, p.Suites}
}

func (t *Trunk) encryption() encryption {
	return encryption{t.Transport, t.SRTP, t.KeysInClear, t.Keying, t.Suites}
}
