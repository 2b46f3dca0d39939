package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// restarted is the gate of a box that begins, with no room for calls, and how it ends.
func restarted(t *testing.T, path string) (*callBacks, func()) {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCallBacks(admission.New(&policy.Policy{}), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c, func() {
		c.save()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAnEmergencyServiceMayCallBackAfterARestart(t *testing.T) {
	path, now := filepath.Join(t.TempDir(), "tollgate.db"), time.Now()
	shown := numbering.Number{E164: "+33123456700", Class: numbering.National}
	older := numbering.Number{E164: "+33123456701", Class: numbering.National}
	first, end := restarted(t, path)
	first.ExpectCallBack(older, now.Add(-45*time.Minute))
	first.ExpectCallBack(shown, now)
	end()
	second, end := restarted(t, path)
	end() // nothing new is to be kept, and nothing is lost
	third, end := restarted(t, path)
	defer end()
	in := func(n numbering.Number, after time.Duration) admission.Attempt {
		return admission.Attempt{Caller: policy.Peer{Side: policy.SideOutside, Name: "carrier"}, Trunk: "carrier", Number: n, At: now.Add(after), Draining: true}
	}
	for _, g := range []*callBacks{second, third} {
		for _, a := range []admission.Attempt{in(shown, 0), in(shown, 59*time.Minute), in(older, 10*time.Minute)} {
			if ticket, no := g.Admit(a); no != nil || !ticket.Urgent() {
				t.Errorf("%s at %v: %+v", a.Number, a.At.Sub(now), no)
			}
		}
		for _, a := range []admission.Attempt{in(shown, 61*time.Minute), in(older, 20*time.Minute)} {
			if _, no := g.Admit(a); no == nil {
				t.Errorf("%s is still admitted at %v", a.Number, a.At.Sub(now))
			}
		}
	}
}

func TestACallBackIsKeptSoonWhateverBecomesOfTheBox(t *testing.T) {
	c, end := restarted(t, filepath.Join(t.TempDir(), "tollgate.db"))
	defer end()
	c.ExpectCallBack(numbering.Number{E164: "+33123456700"}, time.Now())
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, found, err := c.store.Get(callBackKind, callBackKey)
		switch {
		case err != nil:
			t.Fatal(err)
		case found:
			return
		case time.Now().After(deadline):
			t.Fatal("nothing was kept")
		}
	}
}

func TestACallBackRecordThatCannotBeReadIsLeftAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	c, end := restarted(t, path)
	if err := c.store.Put(callBackKind, callBackKey, []byte("{")); err != nil {
		t.Fatal(err)
	}
	end()
	again, end := restarted(t, path)
	defer end()
	if list := again.CallBacks(time.Now()); len(list) != 0 {
		t.Errorf("expected %+v", list)
	}
}
