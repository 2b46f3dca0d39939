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

// TestAPageArrivesFromOneFaxMachineAtAnother sends a page through the box as sound, encrypted at the carrier's side.
func TestAPageArrivesFromOneFaxMachineAtAnother(t *testing.T) {
	w := open(t, "gcc")
	machine := filepath.Join(t.TempDir(), "faxmachine")
	if out, err := exec.Command("gcc", "-O1", "-o", machine, "faxmachine/faxmachine.c", "-lspandsp", "-ltiff", "-lm").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rows := interop.FaxPage()
	page := filepath.Join(t.TempDir(), "page.tif")
	step(t, "write a page", os.WriteFile(page, interop.TIFF(rows), 0o600))
	for _, p := range []struct {
		name, modems string
		codec        interop.Codec
		out          bool
	}{{"PCMA", "v17", interop.PCMA, true}, {"PCMA", "v17", interop.PCMA, false}, {"PCMU", "v17", interop.PCMU, true}, {"PCMU", "v27", interop.PCMU, false}} {
		t.Run(p.name+" "+p.modems+map[bool]string{true: " to the carrier", false: " to the office"}[p.out], func(t *testing.T) {
			t.Parallel()
			arrived := filepath.Join(t.TempDir(), "arrived.tif")
			sends, err := interop.NewMachine(machine, "send", page, p.codec, p.name, p.modems)
			step(t, "sender", err)
			t.Cleanup(sends.Close)
			receives, err := interop.NewMachine(machine, "receive", arrived, p.codec, p.name, p.modems)
			step(t, "receiver", err)
			t.Cleanup(receives.Close)
			c, err := w.Talk(interop.SDES, p.codec, nil)
			step(t, "talk", err)
			t.Cleanup(c.Close)
			near, far := sends, receives
			if !p.out {
				near, far = receives, sends
			}
			_, err = c.UseFax(near, far)
			step(t, "use", err)
			if p.out {
				step(t, "the office calls", c.Out())
			} else {
				step(t, "the peer calls", c.In())
			}
			if err := c.AskT38(); err == nil || !strings.Contains(err.Error(), "488") {
				t.Errorf("T.38 is answered with %v", err)
			}
			for what, m := range map[string]*interop.Machine{"sender": sends, "receiver": receives} {
				said, err := m.Wait(45 * time.Second)
				t.Logf("%s: %s", what, said)
				step(t, what, err)
			}
			got, err := exec.Command(machine, "pixels", arrived).Output()
			step(t, "read the page that arrived", err)
			if !bytes.Equal(got, rows) {
				t.Errorf("%d octets of pixels arrived, not the %d that were sent", len(got), len(rows))
			}
			step(t, "hang up", c.HangUp(!p.out))
		})
	}
}
