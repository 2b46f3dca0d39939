package branch_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/scripts/lab/branch"
)

func TestACallerWhoGivesUpEndsTheRingingOnTheOtherSide(t *testing.T) {
	b := build(t, branch.Wishes{Manual: true})
	for _, c := range []branch.Conversation{b.Outgoing(), b.Incoming()} {
		c.To.Forget()
		if err := c.From.Ring(t.Context(), c.Number); err != nil {
			t.Fatal(err)
		}
		if err := c.To.Rings(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.From.HangUp(t.Context()); err != nil {
			t.Error(err)
		}
		if err := c.To.Ended(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := b.Box.AwaitRest(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestACalledWhoDeclinesIsTheCallersAnswer(t *testing.T) {
	b := build(t, branch.Wishes{Manual: true})
	for _, c := range []branch.Conversation{b.Outgoing(), b.Incoming()} {
		c.To.Forget()
		if err := c.From.Ring(t.Context(), c.Number); err != nil {
			t.Fatal(err)
		}
		if err := c.To.Rings(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.To.HangUp(t.Context()); err != nil {
			t.Error(err)
		}
		if err := c.From.Ended(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := b.Box.AwaitRest(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestANumberNobodyHasIsSaidToTheCaller(t *testing.T) {
	b := build(t, branch.Wishes{})
	for from, number := range map[string]string{"out": "0987650000", "in": "+33123456799"} {
		caller := b.Phones[0]
		if from == "in" {
			caller = b.Subscribers[0]
		}
		if err := caller.Dial(t.Context(), number); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("%s: a call to nobody ended with %v, want 404", from, err)
		}
	}
}

func TestHoldAndResumePassTheBorder(t *testing.T) {
	b := build(t, branch.Wishes{})
	for _, c := range []branch.Conversation{b.Outgoing(), b.Incoming()} {
		c.To.Forget()
		if err := c.From.Dial(t.Context(), c.Number); err != nil {
			t.Fatal(err)
		}
		if err := c.To.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
		pause(t, 0.5)
		for _, on := range []bool{true, false} {
			if err := c.From.Hold(on); err != nil {
				t.Fatal(err)
			}
			pause(t, 1)
		}
		pause(t, 1)
		if err := c.From.HangUp(t.Context()); err != nil {
			t.Error(err)
		}
		if err := c.To.Ended(t.Context()); err != nil {
			t.Error(err)
		}
		j, err := b.Heard(c.To, c.From)
		if err != nil || !j.Heard() {
			t.Errorf("after a hold %s did not hear %s: %s (%v)", c.To.Name, c.From.Name, j, err)
		}
	}
	messages, err := b.Carrier.Messages()
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, m := range messages {
		if m.Received && m.Source.Addr() == b.Lab.BoxPublic() && strings.HasPrefix(m.Text, "INVITE") &&
			(strings.Contains(m.Text, "a=sendonly") || strings.Contains(m.Text, "a=inactive")) {
			held++
		}
	}
	if held == 0 {
		t.Error("the carrier saw no re-INVITE that holds")
	}
}

func TestCallsBothWaysAtOnceDoNotMix(t *testing.T) {
	b := build(t, branch.Wishes{})
	out, in := b.Outgoing(), b.Incoming()
	done := make(chan error, 2)
	for _, c := range []branch.Conversation{out, in} {
		go func() { done <- b.Talk(t.Context(), c) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for _, c := range []branch.Conversation{out, in} {
		heard(t, b, c)
	}
}

func TestAnEmergencyCallPasses(t *testing.T) {
	b := build(t, branch.Wishes{})
	c := b.Outgoing()
	c.Number, c.Seconds = branch.Emergency, 1.5
	talk(t, b, c)
}

func TestOnSIGTERMCallsAreHungUpAndNothingIsLeft(t *testing.T) {
	b := build(t, branch.Wishes{})
	c := b.Outgoing()
	c.To.Forget()
	if err := c.From.Dial(t.Context(), c.Number); err != nil {
		t.Fatal(err)
	}
	if tables := filterTables(t, b); !strings.Contains(tables, "tollgate") {
		t.Errorf("the box runs without a table of its own: %q", tables)
	}
	start := time.Now()
	if err := b.Box.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.From.Ended(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.To.Ended(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case <-b.Box.Process.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the box still runs after 10 s")
	}
	if took := time.Since(start); took > 5500*time.Millisecond {
		t.Errorf("stopping took %v, want 5 s at most", took)
	}
	if code := b.Box.Process.ExitCode(); code != 0 {
		t.Errorf("the box ended with exit code %d, want 0", code)
	}
	if tables := filterTables(t, b); tables != "" {
		t.Errorf("after the stop the packet filter still has %q", tables)
	}
}

// filterTables lists the tables of the box's packet filter.
func filterTables(t *testing.T, b *branch.Branch) string {
	t.Helper()
	out, err := exec.Command("ip", "netns", "exec", b.Box.Host.Namespace, "nft", "list", "tables").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}
