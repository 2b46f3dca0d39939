package interop_test

import (
	"testing"

	"tollgate/scripts/lab/interop"
)

// TestRTPEngineIsHeardAndHears has rtpengine stand before telephones of the carrier: by SDES with each suite, by DTLS, and by
// DTLS with the connectivity checks of ICE, which it makes in full.
func TestRTPEngineIsHeardAndHears(t *testing.T) {
	w := open(t, "rtpengine")
	e, err := w.StartEngine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer t.Cleanup(e.Close)
	manners := map[string]interop.Manner{"DTLS": {}, "DTLS and ICE": {ICE: true}}
	for _, suite := range interop.Suites {
		manners[suite] = interop.Manner{Suite: suite}
	}
	for name, m := range manners {
		trunk := interop.SDES
		if m.Suite == "" {
			trunk = interop.DTLS
		}
		if m.ICE {
			trunk = interop.ICE
		}
		anchored := func(t *testing.T) *interop.Conversation {
			t.Helper()
			t.Parallel()
			c := talk(t, w, trunk, interop.PCMA)
			if _, err := c.Anchor(e, m); err != nil {
				t.Fatal(err)
			}
			return c
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("called", func(t *testing.T) { exercise(t, anchored(t)) })
			t.Run("calling", func(t *testing.T) {
				c := anchored(t)
				heard(t, "the peer calls", c.In(), c.Both)
				heard(t, "the office holds", c.Hold(true), c.OnHold)
				heard(t, "the office resumes", c.Hold(false), c.Both)
				step(t, "the peer hangs up", c.HangUp(true))
			})
		})
	}
}
