package policy

import "time"

// clearT38 checks the exception for a fax by T.38, which nobody has who does not encrypt.
func (c *checker) clearT38(path string, m SRTPMode, e Exception) {
	path += ".clear_t38"
	if e.Made() && m == SRTPOff {
		c.fault(path, "remove it", "has no effect with srtp: off")
		return
	}
	c.exception(path, e)
}

// clearFax tells that a fax is sent in the clear, or was.
func clearFax(path string, e Exception, now time.Time, add func(path, text string, args ...any)) {
	path += ".clear_t38"
	switch last, _ := e.last(); {
	case !e.Made():
	case e.Over(now):
		add(path, "The exception for faxes by T.38 has ended on %s: they go as encrypted sound. Remove it, or give a later day.", e.Until)
	case last.Sub(now) < soonOver:
		add(path, "Faxes by T.38 go in the clear, so that everybody on the way can read them; the exception ends on %s.", e.Until)
	default:
		add(path, "Faxes by T.38 go in the clear, so that everybody on the way can read them. The exception counts until %s.", e.Until)
	}
}
