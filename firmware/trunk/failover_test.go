package trunk

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

func TestARegistrationMovesToAnotherServer(t *testing.T) {
	tests := map[string]struct {
		fail  func(*carrier)
		after time.Duration // from the start to the registration at the other server
	}{
		"the first does not answer":   {func(c *carrier) { c.become(silent) }, hurriedRegister + time.Second},
		"the first cannot be reached": {func(c *carrier) { c.die(errDead) }, time.Second},
		"the first is out of service": {func(c *carrier) { c.become(with(503)) }, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(accept, one, two)
				tt.fail(f.at(one))
				tr, told, _ := startFleet(t, f, fleetNames(one, two), fleetPolicy())
				time.Sleep(tt.after)
				if s := tr.State(); s.State != Up {
					t.Fatalf("after %v the trunk is %s (%s)", tt.after, s.State, s.Reason)
				}
				if len(told.told()) != 1 || !told.told()[0].Up {
					t.Errorf("facts %+v, want one: up. A failover is no outage", told.told())
				}
				if first(tr) != two {
					t.Errorf("calls go to %s, want the server that has the registration", first(tr))
				}
				// The first server comes back; the registration stays where it is.
				f.at(one).become(accept)
				f.at(one).die(nil)
				before := f.at(one).count(sip.REGISTER)
				time.Sleep(10 * time.Minute)
				if f.at(one).count(sip.REGISTER) != before || first(tr) != two {
					t.Error("the registration went back although nothing was wrong")
				}
				if f.at(two).count(sip.REGISTER) < 4 {
					t.Error("the registration was not renewed where it is")
				}
			})
		})
	}
}

func TestARefusedRegistrationIsNotTriedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(with(403), one, two)
		tr, _, _ := startFleet(t, f, fleetNames(one, two), fleetPolicy())
		time.Sleep(10 * time.Second)
		if n := f.at(two).count(sip.REGISTER); n != 0 {
			t.Errorf("refused credentials were shown to another server %d times", n)
		}
		if s := tr.State(); s.State != Down || !strings.Contains(s.Reason, "refused the credentials") {
			t.Errorf("state %s, %q", s.State, s.Reason)
		}
	})
}

func TestTheRegistrationMovesWhenCallsFailAtItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one, two)
		tr, _, _ := startFleet(t, f, fleetNames(one, two), fleetPolicy())
		time.Sleep(time.Second)
		if first(tr) != one {
			t.Fatalf("registered at %s, want the better priority", first(tr))
		}
		f.at(one).become(silent)
		tr.Members()[0].Avoid("carrier-a does not answer", time.Minute)
		if first(tr) != two {
			t.Error("the next call goes to the server that failed")
		}
		time.Sleep(5 * time.Second)
		if n := f.at(two).count(sip.REGISTER); n != 1 || first(tr) != two {
			t.Errorf("%d registrations at the other server after 5 s, want 1: calls come in nowhere", n)
		}
	})
}

func TestWithAllServersDeadTheBackOffIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one, two)
		_, _, _ = startFleet(t, f, fleetNames(one, two), fleetPolicy())
		time.Sleep(time.Second)
		f.at(one).die(errDead)
		f.at(two).die(errDead)
		f.mu.Lock()
		before := len(f.dials)
		f.mu.Unlock()
		time.Sleep(15 * time.Minute)
		f.mu.Lock()
		rounds := (len(f.dials) - before) / 2
		f.mu.Unlock()
		// 150 s to the refresh, then 2, 4, 8 ... 120 s less a quarter at the most: about 12 rounds.
		if rounds > 16 || rounds < 8 {
			t.Errorf("%d rounds in 15 minutes, want the back-off of about 12", rounds)
		}
		f.at(two).die(nil)
		time.Sleep(2*time.Minute + time.Second)
		if f.at(two).count(sip.REGISTER) != 1 {
			t.Error("not registered within the longest back-off of the server's return")
		}
	})
}

func TestAServerThatLeavesTheNamesLosesTheRegistrationAndKeepsItsVoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one, two, three)
		dns := fleetNames(one, two)
		tr, _, addrs := startFleet(t, f, dns, fleetPolicy())
		time.Sleep(time.Second)
		dns.set("sip.carrier.example", two, three)
		time.Sleep(65 * time.Second)
		if f.at(two).count(sip.REGISTER) != 1 || first(tr) != two {
			t.Errorf("registered %d times at a server that is left, calls go to %s", f.at(two).count(sip.REGISTER), first(tr))
		}
		all := []netip.Addr{netip.MustParseAddr(one), netip.MustParseAddr(two), netip.MustParseAddr(three)}
		if got := addrs.get(); !slices.Equal(got, all) {
			t.Errorf("allowed to speak: %v, want the one that has left too", got)
		}
		time.Sleep(grace + latestLook)
		if got := addrs.get(); !slices.Equal(got, all[1:]) {
			t.Errorf("after the grace %v may speak, want %v", got, all[1:])
		}
		dns.forget()
		time.Sleep(24 * time.Hour)
		if got := addrs.get(); !slices.Equal(got, all[1:]) || tr.State().State != Up {
			t.Errorf("a day without name servers left %v, %s", got, tr.State().State)
		}
	})
}

func TestAServerThatFailedIsTriedLastForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one, two, three)
		p := staticPolicy()
		p.Health = "off"
		tr, _, _ := startFleet(t, f, fleetNames(one, two, three), p)
		time.Sleep(time.Second)
		order := func() (s []string) {
			for _, m := range tr.Members() {
				s = append(s, m.Addr().Addr().String())
			}
			return s
		}
		tr.Members()[0].Avoid("connection refused", avoidFailed)
		if got := order(); !slices.Equal(got, []string{two, three, one}) {
			t.Errorf("order %v, want the failed one last", got)
		}
		if s := tr.State().Members[2]; s.Reason != "connection refused" || s.Avoided.IsZero() {
			t.Errorf("shown as %+v", s)
		}
		if tr.Down() {
			t.Error("down although two servers are well")
		}
		tr.Members()[0].Avoid("connection refused", avoidFailed)
		tr.Members()[0].Avoid("connection refused", avoidFailed)
		if got := order(); !tr.Down() || len(got) != 3 {
			t.Errorf("down is %v with order %v, want down and all three still there", tr.Down(), got)
		}
		time.Sleep(avoidFailed)
		if got := order(); tr.Down() || !slices.Equal(got, []string{one, two, three}) {
			t.Errorf("after the while order %v, down %v", got, tr.Down())
		}
	})
}

func TestThePathLeadsToTheFirstServerThatTakesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, two, three) // nobody at one
		p := staticPolicy()
		p.Health = "off"
		tr, _, _ := startFleet(t, f, fleetNames(one, two, three), p)
		begun := time.Now()
		conn, err := tr.Path().Conn(t.Context())
		if err != nil || conn != f.at(two) {
			t.Errorf("got %v, %v; want the second server", conn, err)
		}
		if took := time.Since(begun); took > hurriedDial {
			t.Errorf("took %v", took)
		}
		if first(tr) != two {
			t.Errorf("the next call goes to %s", first(tr))
		}
	})
}

func (r *reported) get() []netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.last)
}

func TestAChallengeIsAnsweredAtTheServerThatAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(func(req *sip.Request) *sip.Response {
			if len(req.GetHeaders("Authorization")) == 0 {
				return answer(req, 401, `WWW-Authenticate: Digest realm="carrier.example", nonce="`+req.CallID().Value()+`", algorithm=MD5, qop="auth"`)
			}
			return accept(req)
		}, one, two)
		f.at(one).become(with(503))
		tr, _, _ := startFleet(t, f, fleetNames(one, two), fleetPolicy())
		time.Sleep(time.Second)
		if a, b := f.at(one).count(sip.REGISTER), f.at(two).count(sip.REGISTER); a != 1 || b != 2 {
			t.Errorf("%d REGISTERs at the server out of service and %d at the other, want 1 and 2", a, b)
		}
		if s := tr.State(); s.State != Up || !s.Members[0].Registered || s.Members[0].Addr.Addr().String() != two {
			t.Errorf("state %+v, want registered at the second server", s)
		}
	})
}
