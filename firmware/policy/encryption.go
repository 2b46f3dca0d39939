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

// suitesFor writes the default out where it counts: which suites are spoken must not hang on what a later release takes
// for granted.
func suitesFor(m SRTPMode, suites []Suite) []Suite {
	if len(suites) > 0 || m == SRTPOff || m == "" {
		return suites
	}
	return DefaultSuites()
}
