package interop_test

import (
	"testing"

	"tollgate/scripts/lab/interop"
)

// tool is a program with the suites that it has.
type tool interface {
	interop.Program
	Suites() []string
}

// use makes a program the peer of a conversation.
func use(t *testing.T, c *interop.Conversation, program interop.Program, codec interop.Codec, suite string, sound []byte) *interop.Tool {
	t.Helper()
	far, err := c.Use(program, codec, suite, sound)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(far.Said())
		}
	})
	return far
}

// eachSuite runs a program as source and sink of calls with every suite it has, at once, in both directions of calling.
func eachSuite(t *testing.T, w *interop.World, program tool) {
	for _, suite := range program.Suites() {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			t.Run("called", func(t *testing.T) {
				t.Parallel()
				c := talk(t, w, interop.SDES, interop.PCMA)
				use(t, c, program, interop.PCMA, suite, interop.Tone(interop.PCMA, interop.FarTone))
				exercise(t, c)
			})
			t.Run("calling", func(t *testing.T) {
				t.Parallel()
				c := talk(t, w, interop.SDES, interop.PCMA)
				use(t, c, program, interop.PCMA, suite, interop.Tone(interop.PCMA, interop.FarTone))
				heard(t, "the peer calls", c.In(), c.Both)
				step(t, "the peer hangs up", c.HangUp(true))
			})
		})
	}
}

func TestFFmpegIsHeardAndHearsWithEachSuiteItHas(t *testing.T) {
	eachSuite(t, open(t, "ffmpeg"), interop.FFmpeg{})
}

func TestGStreamerIsHeardAndHearsWithEachSuite(t *testing.T) {
	eachSuite(t, open(t, "gst-launch-1.0"), interop.GStreamer{})
}
