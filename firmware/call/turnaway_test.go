package call

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/ua"
)

func TestWhatIsNoCallIsTurnedAwayWithAReason(t *testing.T) {
	s := newScene(t, nil)
	for _, tc := range []struct {
		method sip.RequestMethod
		header sip.Header
		status int
		reason string
	}{
		{"PUBLISH", sip.NewHeader("Expires", "60"), 405, "pbx sent PUBLISH, which is not taken"},
		{sip.OPTIONS, sip.NewHeader("Require", "teleport, 100rel, Beam"), 420, "pbx requires what the box does not speak: teleport, Beam"},
	} {
		d := ua.Draft{Method: tc.method, URI: "sip:192.0.2.1", From: "sip:x@192.0.2.10", To: "sip:192.0.2.1", FromTag: "f", CallID: ua.NewCallID(), Seq: 1,
			Local: ua.Local{Host: "192.0.2.98", Port: 5060, Transport: "UDP"}, Headers: []sip.Header{tc.header}}
		req, err := d.Request()
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.pbx.core.Do(t.Context(), req, box, s.pbx.end, nil)
		if err != nil || res.StatusCode != tc.status {
			t.Fatalf("%s: %v, %v", tc.method, res, err)
		}
		if h := res.GetHeaders("Unsupported"); tc.status == 420 && (len(h) != 1 || h[0].Value() != "teleport, Beam") {
			t.Errorf("Unsupported: %v", h)
		}
		if e := find[event.SourceRefused](s); e.Status != tc.status || e.Reason != tc.reason || e.Side != "inside" {
			t.Errorf("told %+v", e)
		}
		s.facts.mu.Lock()
		s.facts.list = nil
		s.facts.mu.Unlock()
	}
}
