package interop_test

import (
	"strings"
	"testing"
	"time"

	"tollgate/scripts/lab/interop"
	"tollgate/scripts/lab/tone"
)

// TestAFaxOverSRTPArrivesOctetForOctet has both ends say the sounds of a fax at once, and compares what either program, or
// the office, wrote down with what was said.
func TestAFaxOverSRTPArrivesOctetForOctet(t *testing.T) {
	const listening = 12
	w := open(t, "ffmpeg", "gst-launch-1.0")
	fax := interop.Fax()
	for name, program := range map[string]tool{"ffmpeg": interop.FFmpeg{}, "GStreamer": interop.GStreamer{}} {
		for _, suite := range []string{interop.Suites[0], interop.Suites[4]} {
			if _, only := program.(interop.FFmpeg); only && strings.Contains(suite, "GCM") {
				continue // it has none
			}
			t.Run(name+" with "+suite, func(t *testing.T) {
				t.Parallel()
				c, err := w.Talk(interop.SDES, interop.PCMA, fax)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.Close)
				far := use(t, c, program, interop.PCMA, suite, fax)
				step(t, "the office calls", c.Out())
				time.Sleep(listening * time.Second)
				there, err := far.Octets()
				step(t, "the peer's recording", err)
				back := c.Near.Heard()
				step(t, "what the peer heard", interop.Exact(fax, there, listening-3))
				step(t, "what the office heard", interop.Exact(fax, back, listening-3))
				t.Logf("%d octets there and %d back, each as it was said", len(there), len(back))
				step(t, "the office hangs up", c.HangUp(false))
			})
		}
	}
}

// TestOneWrongOctetOfAFaxIsFound makes sure that the comparison can fail.
func TestOneWrongOctetOfAFaxIsFound(t *testing.T) {
	fax := interop.Fax()
	const from = 3000
	piece := func() []byte { return append([]byte(nil), fax[from:from+10*tone.Rate]...) }
	if err := interop.Exact(fax, piece(), 10); err != nil {
		t.Fatalf("what was said itself: %v", err)
	}
	changed := piece()
	changed[40000] ^= 1
	doubled := append(piece()[:40000], fax[from+39840:from+10*tone.Rate]...)
	lost := append(piece()[:40000], fax[from+40160:from+10*tone.Rate]...)
	for what, heard := range map[string][]byte{
		"changed": changed, "doubled": doubled, "lost": lost, "too little": piece()[:8000], "something else": make([]byte, 10*tone.Rate),
	} {
		if interop.Exact(fax, heard, 9) == nil {
			t.Errorf("%s: passes for what was said", what)
		}
	}
}
