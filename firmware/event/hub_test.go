package event

import "testing"

func TestASlowListenerLosesFactsAndIsToldHowMany(t *testing.T) {
	var h Hub
	slow, fast := h.Listen(1), h.Listen(3)
	for range 3 {
		h.Tell(CallAnswered{Call: "c"})
	}
	if got := slow.Lost(); got != 2 {
		t.Errorf("slow listener lost %d facts, want 2", got)
	}
	if got := slow.Lost(); got != 0 {
		t.Errorf("asked again, lost = %d, want 0", got)
	}
	if got := len(fast.C); got != 3 {
		t.Errorf("fast listener holds %d facts, want 3", got)
	}
}

func TestAClosedListenerHearsNothing(t *testing.T) {
	var h Hub
	l := h.Listen(1)
	l.Close()
	l.Close()
	h.Tell(CallAnswered{})
	if _, open := <-l.C; open {
		t.Error("C is still open after Close")
	}
}
