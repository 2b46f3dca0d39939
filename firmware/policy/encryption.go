package policy

import (
	"slices"
	"strings"
)

// encryption is how the audio of a peer is encrypted.
type encryption struct {
	keys      string    // its keys begin with this, such as "pbx."
	transport Transport // of the signalling
	mode      SRTPMode
	clear     ClearKeys
	keying    []Keying
	suites    []Suite
}

// encryption checks it.
func (c *checker) encryption(e encryption) {
	if !one(c, e.keys+"srtp", e.mode, SRTPOff, SRTPOptional, SRTPOpportunistic, SRTPRequired) {
		return
	}
	if e.mode == SRTPOff {
		for key, set := range map[string]bool{
			"suites": len(e.suites) > 0, "keying": len(e.keying) > 0, "keys_in_clear": e.clear == KeysInClearAccepted,
		} {
			if set {
				own := e.keys[strings.LastIndex(e.keys, ".")+1:] + "srtp"
				c.fault(e.keys+key, "remove it, or write "+own+": required", "has no effect with %s: off", own)
			}
		}
		return
	}
	distinct(c, e.keys+"suites", e.suites, Suites())
	distinct(c, e.keys+"keying", e.keying, []Keying{KeyingSDES, KeyingDTLS})
	c.keying(e)
	c.clearKeys(e)
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
func (c *checker) keying(e encryption) {
	if !slices.Contains(e.keying, KeyingDTLS) {
		return
	}
	if !slices.ContainsFunc(e.suites, Suite.ByDTLS) {
		c.fault(e.keys+"suites", "add "+string(SuiteAESCM128SHA180), "none of these can be agreed on by DTLS")
	}
	if e.mode == SRTPOpportunistic && e.keying[0] == KeyingDTLS {
		c.fault(e.keys+"keying", "write sdes first, or srtp: optional", "opportunistic encryption is offered with sdes")
	}
}

// offersICE checks that checks can be offered: they go with the handshake that is.
func (c *checker) offersICE(e encryption, offer bool) {
	if offer && (e.mode == SRTPOff || len(e.keying) == 0 || e.keying[0] != KeyingDTLS) {
		c.fault(e.keys+"offer_ice", "write keying: [dtls], or remove it", "has no effect unless dtls is the first way to make keys")
	}
}

// clearKeys checks that keys do not travel in signalling that anybody on the way can read (RFC 4568 §7), unless the policy
// says so: encrypted media with readable keys is a lock with its key beside it.
func (c *checker) clearKeys(e encryption) {
	if e.clear != "" && !one(c, e.keys+"keys_in_clear", e.clear, KeysInClearRefused, KeysInClearAccepted) {
		return
	}
	accepted, signalled := e.clear == KeysInClearAccepted, len(e.keying) == 0 || slices.Contains(e.keying, KeyingSDES)
	switch {
	case accepted && e.transport == TLSTransport:
		c.fault(e.keys+"keys_in_clear", "remove it", "has no effect with transport: tls, which hides the keys")
	case accepted && !signalled:
		c.fault(e.keys+"keys_in_clear", "remove it", "has no effect with keying: [dtls], which sends no keys through the signalling")
	case !accepted && signalled && slices.Contains([]Transport{UDP, TCP}, e.transport):
		c.fault(e.keys+"srtp", "write transport: tls for this peer, or srtp: off", "%s needs transport: tls, because the keys travel in the signalling, which %s leaves readable", e.mode, e.transport)
	}
}

// readableKeys tells that the signalling of encrypted calls protects less than it seems.
func readableKeys(e encryption, add func(path, text string, args ...any)) {
	switch {
	case e.clear == KeysInClearAccepted:
		add(e.keys+"keys_in_clear", "The keys of encrypted calls travel in the clear over %s: whoever reads the signalling can listen.", e.transport)
	case slices.Contains(e.keying, KeyingDTLS) && e.transport != TLSTransport:
		add(e.keys+"keying", "Certificates of encrypted calls are vouched for over %s: whoever can change the signalling can listen.", e.transport)
	}
}

// filled returns the ways to make keys and the suites, with the defaults written out where they count: how calls are
// encrypted must not hang on what a later release takes for granted.
func (e encryption) filled() ([]Keying, []Suite) {
	if e.mode == SRTPOff || e.mode == "" {
		return e.keying, e.suites
	}
	if len(e.keying) == 0 {
		e.keying = []Keying{KeyingSDES}
	}
	if len(e.suites) == 0 {
		e.suites = DefaultSuites()
	}
	return e.keying, e.suites
}

func (p *PBX) encryption() encryption {
	return encryption{"pbx.", p.Transport, p.SRTP, p.KeysInClear, p.Keying, p.Suites}
}

func (t *Trunk) encryption(path string) encryption {
	return encryption{path + ".", t.Transport, t.SRTP, t.KeysInClear, t.Keying, t.Suites}
}
