package interop_test

import (
	"flag"
	"os"
	"testing"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/interop"
)

// binary is the program under test: TOLLGATE_BINARY, or built once for this run.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // calls wait more than they compute
		panic(err)
	}
	os.Exit(branch.WithProgram(m.Run, func(name string) { binary = name }))
}

// possible skips a test that cannot be made here, and fails one for which programs are missing.
func possible(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	if err := lab.Missing(programs...); err != nil {
		t.Fatal(err)
	}
}

// open lays a world out, for a test that needs programs.
func open(t *testing.T, programs ...string) *interop.World {
	t.Helper()
	possible(t, programs...)
	w, err := interop.Open(t.Context(), binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the box said:\n%s", w.Box.Process.Tail(60))
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// talk prepares a conversation whose office says the office's tone.
func talk(t *testing.T, w *interop.World, trunk string, codec interop.Codec) *interop.Conversation {
	t.Helper()
	c, err := w.Talk(trunk, codec, interop.Tone(codec, interop.NearTone))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// step runs one part of a call and ends the test when that fails.
func step(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// heard runs one part of a call, and then listens.
func heard(t *testing.T, what string, err error, listen func() (string, error)) {
	t.Helper()
	step(t, what, err)
	said, err := listen()
	step(t, what, err)
	t.Logf("%s: %s", what, said)
}

// exercise has a call of the office's go through everything: tones both ways, hold, resume, a re-INVITE of the peer's.
func exercise(t *testing.T, c *interop.Conversation) {
	t.Helper()
	heard(t, "the office calls", c.Out(), c.Both)
	heard(t, "the office holds", c.Hold(true), c.OnHold)
	heard(t, "the office resumes", c.Hold(false), c.Both)
	heard(t, "the peer changes", c.Change(), c.Both)
	step(t, "the office hangs up", c.HangUp(false))
}
