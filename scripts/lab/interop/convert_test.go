package interop_test

import (
	"testing"

	"tollgate/scripts/lab/interop"
)

// TestSpeechIsConvertedBetweenTheEncodingsOfG711 has an office that speaks PCMA alone talk with a carrier that takes PCMU
// alone: each program decodes what it asked for.
func TestSpeechIsConvertedBetweenTheEncodingsOfG711(t *testing.T) {
	w := open(t, "ffmpeg", "gst-launch-1.0")
	for name, program := range map[string]tool{"ffmpeg": interop.FFmpeg{}, "GStreamer": interop.GStreamer{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := talk(t, w, interop.Mu, interop.PCMA)
			use(t, c, program, interop.PCMU, interop.Suites[0], interop.Tone(interop.PCMU, interop.FarTone))
			exercise(t, c)
		})
		t.Run(name+" calling", func(t *testing.T) {
			t.Parallel()
			c := talk(t, w, interop.Mu, interop.PCMA)
			use(t, c, program, interop.PCMU, interop.Suites[0], interop.Tone(interop.PCMU, interop.FarTone))
			heard(t, "the peer calls", c.In(), c.Both)
			step(t, "the peer hangs up", c.HangUp(true))
		})
	}
}
