package call

import (
	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// A call may end while a change of its media is under way: one side has hung up before the other has answered.

// leaveChange tells who asked for the change that nothing comes of it (RFC 3261 §15.1.2). The answer to a re-INVITE of ours
// is still met; one to an UPDATE needs nothing more.
func (s *Session) leaveChange() {
	c := s.change
	if c == nil {
		return
	}
	if c.in != nil && !c.told {
		c.told = true
		s.answer(c.in, ua.Reply{Status: 487})
	}
	if !c.out.Is(sip.INVITE) {
		s.change = nil
	}
}

// endChange takes the answer to a re-INVITE of ours that came after the end. A 2xx is acknowledged, or the peer repeats it
// for half a minute and takes the dialog for broken (RFC 3261 §13.2.2.4).
func (s *Session) endChange(e ua.Event) {
	c := s.change
	s.change = nil
	if e.Err != nil || !e.Response.IsSuccess() {
		return
	}
	s.other(c.from).Dialog.Retarget(e.Response)
	if err := c.out.Ack(nil); err != nil {
		s.log.Info("ACK not sent", "err", err)
	}
}
