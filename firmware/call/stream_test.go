package call

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/siptest"
)

// cut is a connection that a request has come by and that has ended since.
type cut struct{ *siptest.End }

func (cut) WriteMsg(sip.Message) error { return net.ErrClosed }

func (cut) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// A re-INVITE and its answer may go by two connections: the one who asked would wait for the answer until it gives the
// call up.
func TestTheAnswerToAReinviteOutlivesItsStream(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	before := s.pbx.boxEnd.Count("SIP/2.0 200")
	hold := caller.state.RequestWith(sip.INVITE, []byte(clearSDP("192.0.2.50", "a=sendonly")), sdpType)
	hold.SetTransport("UDP")
	hold.SetSource("192.0.2.2:5060")
	s.wires.Receive(hold, cut{s.pbx.boxEnd}, s.pbx.peer)
	callee.reinvited(secureSDP("203.0.113.8", "a=recvonly"))
	for begun := time.Now(); s.pbx.boxEnd.Count("SIP/2.0 200") == before; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			t.Fatal("the answer was lost with the stream")
		}
	}
	if answer := s.pbx.boxEnd.Last("SIP/2.0 200"); !strings.Contains(answer, "a=recvonly") {
		t.Errorf("answered\n%s", answer)
	}
	ack := caller.state.Request(sip.ACK)
	ack.CSeq().SeqNo = hold.CSeq().SeqNo
	if err := s.pbx.end.WriteMsg(ack); err != nil {
		t.Fatal(err)
	}
	hangUp(t, caller, callee)
}
