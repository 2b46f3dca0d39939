package interop_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/scripts/lab/interop"
)

// faxing is the page that is sent, and the program of the machines.
type faxing struct {
	binary, page string
	rows         []byte
}

func newFaxing(t *testing.T) *faxing {
	t.Helper()
	f := &faxing{binary: filepath.Join(t.TempDir(), "faxmachine"), page: filepath.Join(t.TempDir(), "page.tif"), rows: interop.FaxPage()}
	if out, err := exec.Command("gcc", "-O1", "-o", f.binary, "faxmachine/faxmachine.c", "-lspandsp", "-ltiff", "-lm").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	step(t, "write a page", os.WriteFile(f.page, interop.TIFF(f.rows), 0o600))
	return f
}

// waiter is a machine that comes to an end.
type waiter interface {
	Wait(time.Duration) (string, error)
}

// arrives waits for both machines and compares the page that has come.
func (f *faxing) arrives(t *testing.T, sends, receives waiter, arrived string) {
	t.Helper()
	for what, m := range map[string]waiter{"sender": sends, "receiver": receives} {
		said, err := m.Wait(60 * time.Second)
		t.Logf("%s: %s", what, said)
		step(t, what, err)
	}
	got, err := exec.Command(f.binary, "pixels", arrived).Output()
	step(t, "read the page that arrived", err)
	if !bytes.Equal(got, f.rows) {
		t.Errorf("%d octets of pixels arrived, not the %d that were sent", len(got), len(f.rows))
	}
}

// call has the office call the peer, or the peer the office.
func call(t *testing.T, c *interop.Conversation, out bool) {
	t.Helper()
	if out {
		step(t, "the office calls", c.Out())
	} else {
		step(t, "the peer calls", c.In())
	}
}

// TestAPageArrivesFromOneFaxMachineAtAnother sends a page through the box as sound, encrypted at the carrier's side, and by T.38 where an
// exception of the policy lets it go in the clear.
func TestAPageArrivesFromOneFaxMachineAtAnother(t *testing.T) {
	w := open(t, "gcc")
	f := newFaxing(t)
	for _, p := range []struct {
		name, modems string
		codec        interop.Codec
		out          bool
	}{
		{"PCMA v17 to the carrier", "v17", interop.PCMA, true}, {"PCMA v17 to the office", "v17", interop.PCMA, false},
		{"PCMU v17 to the carrier", "v17", interop.PCMU, true}, {"PCMU v27 to the office", "v27", interop.PCMU, false},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			arrived := filepath.Join(t.TempDir(), "arrived.tif")
			sends, err := interop.NewMachine(f.binary, "send", f.page, p.codec, p.modems)
			step(t, "sender", err)
			t.Cleanup(sends.Close)
			receives, err := interop.NewMachine(f.binary, "receive", arrived, p.codec, p.modems)
			step(t, "receiver", err)
			t.Cleanup(receives.Close)
			c, err := w.Talk(interop.SDES, p.codec, nil)
			step(t, "talk", err)
			t.Cleanup(c.Close)
			near, far := sends, receives
			if !p.out {
				near, far = receives, sends
			}
			step(t, "use", c.UseFax(near, far))
			call(t, c, p.out)
			if err := c.OfferT38(); err == nil || !strings.Contains(err.Error(), "488") {
				t.Errorf("T.38 is answered with %v", err)
			}
			f.arrives(t, sends, receives, arrived)
			step(t, "hang up", c.HangUp(!p.out))
		})
	}
	for name, out := range map[string]bool{"T.38 to the carrier": true, "T.38 to the office": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived := filepath.Join(t.TempDir(), "arrived.tif")
			c, err := w.Talk(interop.Clear, interop.PCMA, nil)
			step(t, "talk", err)
			t.Cleanup(c.Close)
			sends, err := c.NewT38(out, f.binary, "send", f.page, "v17")
			step(t, "sender", err)
			receives, err := c.NewT38(!out, f.binary, "receive", arrived, "v17")
			step(t, "receiver", err)
			near, far := sends, receives
			if !out {
				near, far = receives, sends
			}
			t.Cleanup(near.Close)
			call(t, c, out)
			step(t, "whoever was called asks for T.38", c.AskT38(out, near, far))
			f.arrives(t, sends, receives, arrived)
			step(t, "hang up", c.HangUp(!out))
		})
	}
}
