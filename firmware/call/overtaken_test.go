package call

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// The office changes its audio and hangs up before the carrier has answered the box's re-INVITE.
func TestTheAnswerToAReInviteThatTheEndHasOvertakenIsAcknowledged(t *testing.T) {
	for name, byeFirst := range map[string]bool{"the BYE is answered before it": true, "the BYE is answered after it": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			caller, callee := s.answeredCall()
			out := caller.ask(sip.INVITE, "")
			caller.expect(200)
			if err := out.Ack([]byte(clearSDP("192.0.2.50", "a=inactive"))); err != nil {
				t.Fatal(err)
			}
			change := callee.request(sip.INVITE)
			caller.ask(sip.BYE, "")
			bye := callee.request(sip.BYE)
			if byeFirst {
				bye.Refuse(ua.Reply{Status: 200})
			}
			if err := change.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(secureSDP("203.0.113.8", "a=inactive")), ContentType: sdpType}); err != nil {
				t.Fatal(err)
			}
			if ack := callee.request(sip.ACK); ack.CSeq().SeqNo != change.CSeq().SeqNo {
				t.Errorf("the ACK is for %d, the re-INVITE was %d", ack.CSeq().SeqNo, change.CSeq().SeqNo)
			}
			if !byeFirst {
				bye.Refuse(ua.Reply{Status: 200})
			}
			s.await(0)
		})
	}
}

// Whoever waits for the answer to a change of its own is told that the call is over.
func TestAChangeThatTheEndHasOvertakenIsAnswered(t *testing.T) {
	for name, method := range map[string]sip.RequestMethod{"a re-INVITE": sip.INVITE, "an UPDATE": sip.UPDATE} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			caller, callee := s.answeredCall()
			caller.ask(method, clearSDP("192.0.2.50", "a=inactive"))
			change := callee.request(sip.INVITE)
			callee.ask(sip.BYE, "")
			caller.expect(487)
			caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
			callee.expect(200)
			if err := change.Respond(callee.box, ua.Reply{Status: 487}); err != nil {
				t.Fatal(err)
			}
			s.await(0)
		})
	}
}
