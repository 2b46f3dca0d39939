package media

import (
	"testing"
	"time"

	"tollgate/firmware/datagram"
)

func TestPacketsThatComeFastAreGathered(t *testing.T) {
	p, err := newPoll(newAudio())
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	a, at := anyPort(t, "127.0.0.1")
	b, _ := anyPort(t, "127.0.0.1")
	if err := p.add(int(a), 7); err != nil {
		t.Fatal(err)
	}
	to := datagram.NameOf(at)
	packet := func() {
		t.Helper()
		if errno := b.Send([]byte("packet"), &to); errno != 0 {
			t.Fatal(errno)
		}
	}
	wait := func(carried int) time.Duration {
		t.Helper()
		found := p.found
		if err := p.wait(carried); err != nil {
			t.Fatal(err)
		}
		if ready := p.ready(); len(ready) != 1 || ready[0].Fd != 7 {
			t.Fatalf("%v is ready", ready)
		}
		return p.found.Sub(found)
	}
	take := func() {
		t.Helper()
		var in [100]byte
		var from datagram.Name
		if n, errno := a.Receive(in[:], &from); errno != 0 || n != 6 {
			t.Fatal(n, errno)
		}
	}
	packet()
	wait(0)
	take()

	packet()
	if took := wait(2); took < pace {
		t.Errorf("after two packets the next is looked for %v later, not %v", took, pace)
	}
	take()
	// When nothing came meanwhile, whatever comes then ends the wait.
	woken := make(chan struct{})
	go func() {
		defer close(woken)
		if err := p.wait(2); err != nil {
			t.Error(err)
		}
	}()
	time.Sleep(3 * pace)
	packet()
	select {
	case <-woken:
	case <-time.After(patience):
		t.Fatal("a packet after a silence wakes nobody")
	}
	take()

	// One packet at a time is not held back; of many tries one at least is not disturbed by other programs.
	quickest := time.Hour
	for range 20 {
		packet()
		quickest = min(quickest, wait(1))
		take()
	}
	if quickest >= pace {
		t.Errorf("a single packet waits for %v", quickest)
	}
}
