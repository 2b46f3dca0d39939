package interop_test

import (
	"strings"
	"testing"

	"tollgate/scripts/lab/interop"
)

// TestChromiumIsHeardAndHears has a page call and be called: keys by DTLS, ICE that it makes in full, RTP and RTCP on one port,
// a bundle that it asks for or insists on, and in the middle of the call another codec, which the office has not.
func TestChromiumIsHeardAndHears(t *testing.T) {
	w := open(t, "chromium")
	b, err := w.StartBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	for _, bundle := range []string{"balanced", "max-bundle"} {
		page := func(t *testing.T) (*interop.Conversation, *interop.Page) {
			t.Helper()
			t.Parallel()
			c := talk(t, w, interop.ICE, interop.PCMA)
			p, err := c.Browse(b, bundle)
			if err != nil {
				t.Fatal(err)
			}
			return c, p
		}
		t.Run(bundle, func(t *testing.T) {
			t.Parallel()
			t.Run("called", func(t *testing.T) {
				c, p := page(t)
				heard(t, "the office calls", c.Out(), c.Both)
				connected(t, p, "PCMA")
				heard(t, "the office holds", c.Hold(true), c.OnHold)
				heard(t, "the office resumes", c.Hold(false), c.Both)
				heard(t, "the page changes its codec", c.Change(), c.Both)
				connected(t, p, "PCMU")
				step(t, "the office hangs up", c.HangUp(false))
			})
			t.Run("calling", func(t *testing.T) {
				c, p := page(t)
				heard(t, "the page calls", c.In(), c.Both)
				connected(t, p, "PCMA")
				heard(t, "the page changes its codec", c.Change(), c.Both)
				connected(t, p, "PCMU")
				heard(t, "the office holds", c.Hold(true), c.OnHold)
				heard(t, "the office resumes", c.Hold(false), c.Both)
				step(t, "the page hangs up", c.HangUp(true))
			})
		})
	}
}

// connected asks Chromium itself how its connection is, and what it speaks.
func connected(t *testing.T, p *interop.Page, codec string) {
	t.Helper()
	s, err := p.Connection()
	step(t, "ask for the connection", err)
	if s.State != "connected" || s.DTLS != "connected" || s.Pair == "" || s.Codec != "audio/"+codec || s.Cipher == "" || s.Packets == 0 || s.Lost*20 > s.Packets {
		t.Errorf("Chromium says %+v", s)
	}
	t.Log(strings.TrimPrefix(s.Codec, "audio/"), "by", s.Cipher)
}
