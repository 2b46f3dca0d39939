package nat

import (
	"context"
	"strings"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

// await waits until the only call is as a test wants it.
func await(t *testing.T, b *branch.Branch, what string, met func(branch.Call) bool) branch.Call {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	var found branch.Call
	err := b.Box.Await(ctx, what, func(s branch.Status) bool {
		if len(s.Calls) != 1 {
			return false
		}
		found = s.Calls[0]
		return met(found)
	})
	if err != nil {
		t.Fatalf("%v; the call is %+v", err, found)
	}
	return found
}

func TestARouterThatDropsTheCarriersAudioIsNamedAndItsEndIsNoticed(t *testing.T) {
	t.Parallel()
	b := build(t, branch.Wishes{Translation: lab.FullCone}, nil)
	c := b.Outgoing()
	if err := b.Lab.Router.DropAudio(); err != nil {
		t.Fatal(err)
	}
	c.To.Forget()
	if err := c.From.Dial(t.Context(), c.Number); err != nil {
		t.Fatal(err)
	}
	if err := c.To.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	call := await(t, b, "saying why the carrier is silent", func(c branch.Call) bool { return c.Diagnosis != nil })
	said := call.Diagnosis.Sentence.English
	t.Log(said)
	if call.Diagnosis.Rule != "never came, router" || call.Diagnosis.Leg != "callee" ||
		!strings.Contains(said, " was told to send to "+b.Lab.Router.Outside.String()+", but nothing arrives: its firewall or your router drops UDP ") {
		t.Errorf("found %+v", call.Diagnosis)
	}
	if call.Legs.Caller.Quality == nil || call.Legs.Caller.Quality.In.MOS < 4 {
		t.Errorf("the office is well, it is rated %+v", call.Legs.Caller.Quality)
	}
	// What can be tried is tried, and ends nothing.
	await(t, b, "trying to heal", func(c branch.Call) bool { return len(c.Diagnosis.Tried) == 2 })

	if err := b.Lab.Router.PassAudio(); err != nil {
		t.Fatal(err)
	}
	call = await(t, b, "hearing the carrier", func(c branch.Call) bool { return c.Outside().PacketsIn > 50 && c.Diagnosis.Over != nil })
	t.Logf("%+v", call.Diagnosis)

	// In the middle of the call it stops again.
	if err := b.Lab.Router.DropAudio(); err != nil {
		t.Fatal(err)
	}
	call = await(t, b, "noticing that it has stopped", func(c branch.Call) bool { return c.Diagnosis.Over == nil })
	if call.Diagnosis.Rule != "stopped" {
		t.Errorf("found %+v", call.Diagnosis)
	}
	if err := c.From.HangUp(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.To.Ended(t.Context()); err != nil {
		t.Error(err)
	}
}
