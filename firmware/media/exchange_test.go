package media

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// second sets up another call of the same relay, with peers of its own.
func (c *call) second(t testing.TB, suffix string) *call {
	t.Helper()
	d := &call{Session: openSession(t, c.relay), relay: c.relay}
	d.a = newPeer(t, d.Leg(Caller), "127.0.1."+suffix, "")
	d.b = newPeer(t, d.Leg(Callee), "127.0.2."+suffix, aesCM)
	d.b.ssrc = 0x5eed0003
	d.a.set()
	d.b.set()
	return d
}

func TestExchangedLegsGoOnWithTheirKeysAndPorts(t *testing.T) {
	for _, workers := range []string{"the same worker", "two workers"} {
		t.Run(workers, func(t *testing.T) {
			first := newCall(t, plainRTP, aesCM)
			second := first.second(t, "10")
			if workers == "the same worker" {
				second = first.second(t, "11") // sessions go to the idlest in turn
			}
			first.converse(50)
			second.converse(50)
			rtp, _ := first.b.leg.Local()
			if err := first.relay.Exchange(first.Session, Caller, second.Session, Caller); err != nil {
				t.Fatal(err)
			}
			if again, _ := first.Leg(Callee).Local(); again != rtp || first.Leg(Caller) != second.a.leg {
				t.Fatalf("the leg that stays is at %v, was at %v", again, rtp)
			}
			joined := &call{Session: first.Session, relay: first.relay, a: second.a, b: first.b}
			joined.converse(50)
			crossed := &call{Session: second.Session, relay: first.relay, a: first.a, b: second.b}
			crossed.converse(50)
			second.Session.Close()
			joined.converse(50)
			first.a.talk(tone(0, 440))
			first.b.hearsNothing()
			for _, role := range []Role{Caller, Callee} {
				if s := joined.Leg(role).Stats(); s.AuthFailures+s.Replays+s.Malformed+s.Strangers != 0 || s.PacketsIn != 150 {
					t.Errorf("%v: %+v", role, s)
				}
			}
		})
	}
}

func TestExchangeUnderTrafficHarmsNobody(t *testing.T) {
	first := newCall(t, plainRTP, aesCM)
	second := first.second(t, "10")
	var traffic sync.WaitGroup
	stop := make(chan struct{})
	for i, p := range []*peer{first.a, first.b, second.a, second.b} {
		traffic.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					p.talk(tone(n, float64(400+100*i)))
					time.Sleep(100 * time.Microsecond)
				}
			}
		})
	}
	both := func() bool { return first.b.leg.Stats().PacketsOut > 0 && second.b.leg.Stats().PacketsOut > 0 }
	for n := 0; n < 200 || n < 10_000 && !both(); n++ {
		if err := first.relay.Exchange(first.Session, Role(n%2), second.Session, Role(n%2)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Microsecond)
	}
	close(stop)
	traffic.Wait()
	for name, l := range map[string]*Leg{"b": first.b.leg, "d": second.b.leg} {
		if s := l.Stats(); s.AuthFailures+s.Replays+s.Malformed != 0 || s.PacketsIn == 0 || s.PacketsOut == 0 {
			t.Errorf("%s: %s", name, fmt.Sprintf("%+v", s))
		}
	}
}

func TestAClosedSessionExchangesNothing(t *testing.T) {
	first := newCall(t, plainRTP, aesCM)
	second := first.second(t, "10")
	second.Session.Close()
	if err := first.relay.Exchange(first.Session, Caller, second.Session, Caller); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := first.relay.Exchange(first.Session, Caller, first.Session, Callee); err == nil {
		t.Error("a session exchanged a leg with itself")
	}
	first.converse(10)
}
