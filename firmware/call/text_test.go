package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

func TestATextWithinACallIsPassedOn(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	ask := func(method sip.RequestMethod, kind, body string) {
		t.Helper()
		if _, err := caller.box.Send(t.Context(), caller.state.RequestWith(method, []byte(body), kind), box, s.pbx.end, caller.state, nil); err != nil {
			t.Fatal(err)
		}
	}
	ask(sip.MESSAGE, "text/plain;charset=utf-8", "on my way")
	in := callee.request(sip.MESSAGE)
	if string(in.Body()) != "on my way" {
		t.Errorf("passed on\n%s", in.Request)
	}
	in.Refuse(ua.Reply{Status: 200})
	caller.expect(200)
	ask(sip.MESSAGE, "text/html", "<b>")
	caller.expect(415)
	ask(sip.MESSAGE, "text/plain", strings.Repeat("x", maxText+1))
	caller.expect(413)
	ask(sip.SUBSCRIBE, "", "")
	caller.expect(403)
	ask(sip.NOTIFY, "", "")
	caller.expect(481)
	ask("PUBLISH", "", "")
	res := caller.expect(405)
	if allow := valueOf(res, "Allow"); allow != ua.Allow || !ua.Lists(res.GetHeaders("Allow"), "MESSAGE") {
		t.Errorf("Allow: %s", allow)
	}
	hangUp(t, caller, callee)
}

func TestTheBoxTellsWhatItTakes(t *testing.T) {
	s := newScene(t, nil)
	d := ua.Draft{Method: sip.OPTIONS, URI: "sip:192.0.2.1", From: "sip:a@192.0.2.98", To: "sip:192.0.2.1", FromTag: "1", CallID: "2", Seq: 1,
		Local: ua.Local{Host: "192.0.2.98", Port: 5060, Transport: "UDP"}, MaxForwards: 70}
	res := s.pbx.send(d).expect(200)
	for name, want := range map[string]string{
		"Allow":        "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, SUBSCRIBE, NOTIFY, MESSAGE",
		"Supported":    "100rel, timer, replaces",
		"Allow-Events": "dialog, message-summary, reg",
	} {
		if got := valueOf(res, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
