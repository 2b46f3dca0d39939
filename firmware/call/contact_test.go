package call

import "testing"

// named shows the peers of a scene with a PBX that takes calls to its own name alone.
type named struct{ *scene }

func (n named) PBX() (Party, bool) {
	p, ok := n.scene.PBX()
	p.Target, p.Params = "sip:gw@192.0.2.77:5080;line=7", ";not=used"
	return p, ok
}

func TestACallToAContactHasTheNumberInToAlone(t *testing.T) {
	s := newScene(t, nil)
	s.desk.o.Parties = named{s}
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	callee := s.pbx.called()
	if got := callee.in.Recipient.String(); got != "sip:gw@192.0.2.77:5080;line=7" {
		t.Errorf("Request-URI %s", got)
	}
	if got := callee.in.To().Address.User; got != "0123456700" {
		t.Errorf("To %s", got)
	}
	callee.respond(486, "")
	caller.expect(486)
}
