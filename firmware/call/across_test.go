package call

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// toldOnce knows that the PBX was told of one dialog by the second carrier.
type toldOnce struct{ s *scene }

func (o toldOnce) Told(watcher policy.Peer, callID, toTag, fromTag string) (policy.Peer, string, bool) {
	if watcher == o.s.pbx.peer && callID == "alias" && toTag == "1" && fromTag == "2" {
		return o.s.b.peer, "theirs;to-tag=x;from-tag=y", true
	}
	return policy.Peer{}, "", false
}

func TestACallAcrossTheBorderIsReplacedByWhoWatchesIt(t *testing.T) {
	s := newScene(t, nil)
	s.desk.o.Told = toldOnce{s}
	caller := s.pbx.dialReplacing("00472105518", clearSDP("192.0.2.50"), "Replaces: alias;to-tag=1;from-tag=2;early-only", "Require: replaces")
	callee := s.b.called() // not carrier-a, which is first
	if got := valueOf(callee.in, "Replaces"); got != "theirs;to-tag=x;from-tag=y;early-only" || valueOf(callee.in, "Require") != "replaces" {
		t.Errorf("it replaces %q", got)
	}
	callee.respond(200, clearSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	hangUp(t, caller, callee)
	noLeak(t, s.b, "alias")

	s.a.dialReplacing("+33123456700", secureSDP("203.0.113.8"), "Replaces: alias;to-tag=1;from-tag=2").expect(481)
	s.pbx.dialReplacing("00472105518", clearSDP("192.0.2.50"), "Replaces: alias;to-tag=2;from-tag=1").expect(481)
	help := s.pbx.dialReplacing("112", clearSDP("192.0.2.50"), "Replaces: alias;to-tag=1;from-tag=2")
	first := s.a.called()
	if got := valueOf(first.in, "Replaces"); got != "" {
		t.Errorf("an emergency call replaces %q", got)
	}
	first.respond(200, secureSDP("203.0.113.8"))
	help.ack(help.expect(200))
	first.request(sip.ACK)
	hangUp(t, help, first)
}
