package call

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// A call that has rested is asked for everything that it had read before: it holds, goes on, and is sent elsewhere.
func TestACallThatHasRestedReadsAgainWhatItNeeds(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	for _, direction := range []string{"sendonly", "sendrecv"} {
		rested(t, s)
		asked := caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a="+direction))
		in := callee.request(sip.INVITE)
		if !hasLine(offerOf(in), "a="+direction) {
			t.Errorf("offered\n%s", in.Body())
		}
		if err := in.Respond(callee.box, ua.Reply{Status: 200, Body: []byte(secureSDP("203.0.113.8")), ContentType: sdpType}); err != nil {
			t.Fatal(err)
		}
		callee.request(sip.ACK)
		caller.expect(200)
		if err := asked.Ack(nil); err != nil {
			t.Fatal(err)
		}
	}
}

// rested has a call with nothing to do say how it stands; then it rests.
func rested(t *testing.T, s *scene) {
	t.Helper()
	to := make(chan written, 1)
	if !s.session().inbox.Post(writeDown{to}) {
		t.Fatal("the call takes no note")
	}
	if w := <-to; w.err != nil || w.record == nil {
		t.Fatalf("it stands %q, %v", w.record, w.err)
	}
}

func TestAnInviteThatCannotBeReadAgainIsFromNobody(t *testing.T) {
	s := newScene(t, nil)
	inbox := ua.New(func(*ua.Incoming) {}, s.desk.o.Log).NewInbox()
	defer inbox.Close()
	c := &Session{desk: s.desk, log: s.desk.o.Log, inbox: inbox, opening: opening{text: "INVITE\r\n", source: "192.0.2.10:5060", tag: "ours"}}
	in := c.in()
	if saysFrom(in) != anonymousUser || in.To() == nil || in.Tag != "ours" || in.Source() != "192.0.2.10:5060" {
		t.Errorf("it is read as\n%s", in.Request)
	}
}
