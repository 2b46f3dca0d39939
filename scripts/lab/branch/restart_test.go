package branch_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/tone"
)

// TestTelephonesDoNotNoticeARestart kills the box in the middle of calls between real telephones: each goes on hearing the
// other, can hold the call and is told when the other hangs up.
func TestTelephonesDoNotNoticeARestart(t *testing.T) {
	for name, w := range map[string]branch.Wishes{
		"keys by DTLS":            {DTLS: true},
		"a PBX over TLS, by SRTP": {PBXTransport: "tls", PBXSRTP: "required", PhoneSRTP: true},
		"a PBX that registers":    {PBXRegisters: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/dev/shm", "branch")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			w.Live = filepath.Join(dir, "calls")
			b := build(t, w)
			for _, c := range []branch.Conversation{b.Outgoing(), b.Incoming()} {
				outlives(t, b, c)
			}
			if err := b.Box.AwaitRest(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func begin(t *testing.T, b *branch.Branch) {
	t.Helper()
	policy, err := b.Policy()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Box.Start(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if err := b.Box.AwaitTrunk(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func outlives(t *testing.T, b *branch.Branch, c branch.Conversation) {
	t.Helper()
	c.To.Forget()
	for _, err := range []error{c.From.DropRecordings(), c.To.DropRecordings(), c.From.Dial(t.Context(), c.Number), c.To.Answered(t.Context())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	pause(t, 1.5)
	if err := b.Box.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-b.Box.Process.Done()
	begin(t, b)
	for _, on := range []bool{true, false} {
		if err := c.From.Hold(on); err != nil {
			t.Error(err)
		}
		pause(t, 0.7)
	}
	pause(t, 2.5)
	ends, learns := c.From, c.To
	if c.CalledHangsUp {
		ends, learns = c.To, c.From
	}
	if err := ends.HangUp(t.Context()); err != nil {
		t.Error(err)
	}
	if err := learns.Ended(t.Context()); err != nil {
		t.Error(err)
	}
	for who, other := range map[*peer.Phone]*peer.Phone{c.From: c.To, c.To: c.From} {
		samples, err := who.Heard()
		if err != nil {
			t.Error(err)
			continue
		}
		last := samples[max(0, len(samples)-2*tone.Rate):] // two seconds, long after the restart
		var others []float64
		for _, p := range b.Everyone() {
			if p.Tone != other.Tone {
				others = append(others, p.Tone)
			}
		}
		if j := tone.Judge(last, other.Tone, others...); !j.Heard() {
			t.Errorf("after the restart %s did not hear %s: %s", who.Name, other.Name, j)
		}
	}
}
