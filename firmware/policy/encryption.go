package policy

import "slices"

// encryption checks how the audio of a peer is encrypted.
func (c *checker) encryption(path string, m SRTPMode, suites []Suite) {
	if m == SRTPOff {
		if len(suites) > 0 {
			c.fault(path+".suites", "remove it, or write srtp: required", "has no effect with srtp: off")
		}
		return
	}
	at := path + ".suites"
	if !c.atMost(at, len(suites), 16) {
		return
	}
	for i, s := range suites {
		if one(c, index(at, i), s, Suites()...) && slices.Contains(suites[:i], s) {
			c.fault(index(at, i), "keep one of the two", "%s is listed twice", s)
		}
	}
}

// clearKeys checks the leave to send keys through signalling that anybody on the way can read.
func (c *checker) clearKeys(path string, t Transport, m SRTPMode, clear ClearKeys) {
	switch {
	case !one(c, path, clear, KeysInClearRefused, KeysInClearAccepted) || clear == KeysInClearRefused:
	case m == SRTPOff:
		c.fault(path, "remove it", "has no effect with srtp: off")
	case t == TLSTransport:
		c.fault(path, "remove it", "has no effect with transport: tls, which hides the keys")
	}
}

// readableKeys tells that keys may travel where others read them.
func readableKeys(path string, t Transport, clear ClearKeys, add func(path, text string, args ...any)) {
	if clear == KeysInClearAccepted {
		add(path+".keys_in_clear", "The keys of encrypted calls travel in the clear over %s: whoever reads the signalling can listen.", t)
	}
}

// suitesFor writes the default out where it counts: which suites are spoken must not hang on what a later release takes
// for granted.
func suitesFor(m SRTPMode, suites []Suite) []Suite {
	if len(suites) > 0 || m == SRTPOff || m == "" {
		return suites
	}
	return DefaultSuites()
}
