package interop_test

import (
	"testing"

	"tollgate/scripts/lab/interop"
)

func TestChromiumIsHeardAndHears(t *testing.T) {
	w := open(t, "chromium")
	b, err := w.StartBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	t.Run("calling", func(t *testing.T) {
		c := talk(t, w, interop.DTLS, interop.PCMA)
		p, err := c.Browse(b, "balanced")
		if err != nil {
			t.Fatal(err)
		}
		heard(t, "the page calls", c.In(), c.Both)
		heard(t, "the office holds", c.Hold(true), c.OnHold)
		heard(t, "the office resumes", c.Hold(false), c.Both)
		heard(t, "the page changes its codec", c.Change(), c.Both)
		s, err := p.Connection()
		step(t, "statistics", err)
		t.Logf("%+v", s)
		step(t, "the page hangs up", c.HangUp(true))
	})
}
