package branch_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/peer"
)

// binary is the program under test: TOLLGATE_BINARY, or built once for this run.
var binary string

func TestMain(m *testing.M) {
	os.Exit(branch.WithProgram(m.Run, func(name string) { binary = name }))
}

// build makes a branch and sees to it that nothing is left of it. When the test fails, the ends of the logs are shown.
func build(t *testing.T, w branch.Wishes) *branch.Branch {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	w.Binary = binary
	b := branch.New(w)
	t.Cleanup(func() {
		if t.Failed() {
			showLogs(t, b)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if b.Lab == nil {
			return
		}
		if left := b.Lab.Left(); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	if err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func showLogs(t *testing.T, b *branch.Branch) {
	if b.Box != nil && b.Box.Process != nil {
		t.Logf("the box said:\n%s", b.Box.Process.Tail(60))
		if s, err := b.Box.Status(context.Background()); err == nil {
			t.Logf("the box's status: %s", s)
			for _, c := range s.Counters {
				if c.Packets > 0 {
					t.Logf("  %6d packets  %s", c.Packets, c.Name)
				}
			}
		}
	}
	if keep := os.Getenv("TOLLGATE_KEEP"); keep != "" && b.Folder() != "" {
		out, err := exec.Command("cp", "-r", b.Folder(), filepath.Join(keep, t.Name())).CombinedOutput()
		t.Logf("logs kept below %s (%v %s)", keep, err, out)
	}
}

// prove runs every usual proof.
func prove(t *testing.T, b *branch.Branch) {
	t.Helper()
	for _, c := range b.Checks() {
		saw, err := c.Prove(t.Context())
		if err != nil {
			t.Errorf("%s: %v", c.Claim, err)
			continue
		}
		t.Logf("%s: %s", c.Claim, saw)
	}
}

// bothWays places a call each way and checks what everybody heard.
func bothWays(t *testing.T, b *branch.Branch) {
	t.Helper()
	for _, c := range []branch.Conversation{b.Outgoing(), b.Incoming()} {
		c.Seconds = 1.5
		talk(t, b, c)
	}
}

func talk(t *testing.T, b *branch.Branch, c branch.Conversation) {
	t.Helper()
	if err := b.Talk(t.Context(), c); err != nil {
		t.Error(err)
		return
	}
	heard(t, b, c)
}

// heard checks that each side heard the other.
func heard(t *testing.T, b *branch.Branch, c branch.Conversation) {
	t.Helper()
	for who, other := range map[*peer.Phone]*peer.Phone{c.From: c.To, c.To: c.From} {
		j, err := b.Heard(who, other)
		if err != nil {
			t.Error(err)
		} else if !j.Heard() {
			t.Errorf("%s did not hear %s: %s", who.Name, other.Name, j)
		}
	}
}

func TestCallsCrossTheBorderBothWays(t *testing.T) {
	prove(t, build(t, branch.Wishes{}))
}

func TestCallsCrossTheBorderBothWaysWithOnePort(t *testing.T) {
	prove(t, build(t, branch.Wishes{Layout: lab.OnePort}))
}
