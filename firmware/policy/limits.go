package policy

import "slices"

// maxCalls is what the media ports of one address allow.
const maxCalls = 10_000

func (c *checker) limits() {
	n := c.p.Limits.Calls
	switch {
	case n < 1:
		c.fault("limits.calls", "write how many calls the office may have at once", "%d is below one", n)
	case n > maxCalls:
		c.fault("limits.calls", "", "%d is above %d, which is the most", n, maxCalls)
	}
	l := c.p.Limits
	active, held := c.seconds("limits.silence_timeout", l.SilenceTimeout), c.seconds("limits.hold_timeout", l.HoldTimeout)
	if active && held && l.HoldTimeout < l.SilenceTimeout {
		c.fault("limits.hold_timeout", "write as many or more", "%d is below silence_timeout, and a call on hold is more silent than others", l.HoldTimeout)
	}
}

// Bounds of the time-outs of silent calls. Of a peer that is mute there are still reports, one each five seconds (RFC 3550 §6.2).
const (
	leastSilence = 10
	mostSilence  = 24 * 60 * 60
)

func (c *checker) seconds(path string, n int) bool {
	if n < leastSilence || n > mostSilence {
		c.fault(path, "write seconds, such as 60", "%d is not between %d and %d", n, leastSilence, mostSilence)
		return false
	}
	return true
}

func (c *checker) admin() {
	a := c.p.Admin
	if c.required("admin.port", a.Port != 0, "write the port of the page, such as 443") && (a.Port == 5060 || a.Port == 5061) {
		c.fault("admin.port", "choose another, such as 443", "%d is a port of the signalling", a.Port)
	}
	c.ownCertificate("admin", a.identity())
	if slices.Equal(a.Sources, c.p.Network.Inside.Prefixes) {
		return // the default, whose faults are told there
	}
	c.ranges("admin.sources", a.Sources)
	c.insideOnly("admin.sources", a.Sources)
}
