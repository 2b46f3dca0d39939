package trunk

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

func TestHealthChangesOnlyAfterTwoInARow(t *testing.T) {
	for _, tt := range []struct {
		results string // a: answered, f: failed
		down    string // after each of them: d or .
	}{
		{"aaaa", "...."},
		{"fa", ".."}, // one lost packet is no outage
		{"ff", ".d"},
		{"afaf", "...."},
		{"ffa", ".dd"}, // one answer is no recovery
		{"ffaa", ".dd."},
		{"ffafaa", ".dddd."},
		{"fffffaaf", ".dddddd."[:6] + ".."},
	} {
		var h health
		got := ""
		for _, r := range tt.results {
			failure := ""
			if r == 'f' {
				failure = "no answer"
			}
			h.take(failure, time.Millisecond)
			if h.down {
				got += "d"
			} else {
				got += "."
			}
		}
		if got != tt.down {
			t.Errorf("%s: %s, want %s", tt.results, got, tt.down)
		}
	}
}

func TestACarrierThatDoesNotAnswerIsToldDownAndUpAgain(t *testing.T) {
	tests := map[string]struct {
		fail    func(*carrier)
		explain string
	}{
		"silence":       {func(c *carrier) { c.become(silent) }, "does not answer"},
		"503":           {func(c *carrier) { c.become(with(503)) }, "answers OPTIONS with 503 Service Unavailable"},
		"408":           {func(c *carrier) { c.become(with(408)) }, "answers OPTIONS with 408 Request Timeout"},
		"no connection": {func(c *carrier) { c.die(errDead) }, "cannot be reached"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(slowly(20*time.Millisecond, with(200)), one)
				tr, told, _ := startFleet(t, f, fleetNames(one), staticPolicy())
				time.Sleep(time.Second)
				if s := tr.State(); s.State != Up || s.RoundTrip != 20*time.Millisecond || s.Members[0].RoundTrip != s.RoundTrip {
					t.Errorf("state %+v, want up with a round trip of 20 ms", s)
				}
				tt.fail(f.at(one))
				time.Sleep(askEvery*3/4 - 2*time.Second) // before the next question, whatever its jitter
				if s := tr.State(); s.State != Up {
					t.Errorf("%s before anything was asked, want up", s.State)
				}
				time.Sleep(askEvery/4 + askAgain + 2*askTimeout + 2*time.Second)
				if s := tr.State(); s.State != Down || !strings.Contains(s.Reason, tt.explain) || !tr.Down() {
					t.Errorf("state %s, reason %q; want down because %q", s.State, s.Reason, tt.explain)
				}
				f.at(one).become(with(404)) // whatever it answers
				f.at(one).die(nil)
				time.Sleep(2 * (askAgain + askTimeout))
				if s := tr.State(); s.State != Up || tr.Down() {
					t.Errorf("%s after two answers, want up", s.State)
				}
				var seen []bool
				for _, e := range told.told() {
					seen = append(seen, e.Up)
				}
				if len(seen) != 3 || !seen[0] || seen[1] || !seen[2] {
					t.Errorf("told up %v, want true false true", seen)
				}
			})
		})
	}
}

// slowly answers after d.
func slowly(d time.Duration, script func(*sip.Request) *sip.Response) func(*sip.Request) *sip.Response {
	return func(req *sip.Request) *sip.Response {
		time.Sleep(d)
		return script(req)
	}
}

func TestATrunkIsUpAsLongAsOneOfItsServersAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(with(200), one, two)
		tr, told, _ := startFleet(t, f, fleetNames(one, two), staticPolicy())
		time.Sleep(time.Second)
		f.at(one).become(silent)
		time.Sleep(2 * time.Minute)
		s := tr.State()
		if s.State != Up || len(told.told()) != 1 {
			t.Errorf("state %s, facts %+v; want up all the time", s.State, told.told())
		}
		if first(tr) != two || !s.Members[1].Down || s.Members[0].Down {
			t.Errorf("calls go to %s first; members %+v", first(tr), s.Members)
		}
		f.at(two).become(silent)
		time.Sleep(2 * time.Minute)
		if s := tr.State().State; s != Down || len(tr.Members()) != 2 {
			t.Errorf("%s with %d servers to try, want down and both", s, len(tr.Members()))
		}
	})
}

func TestACarrierIsAskedOnlyWhenThePolicySaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one)
		p := staticPolicy()
		p.Health = policy.HealthOff
		tr, told, _ := startFleet(t, f, fleetNames(one), p)
		time.Sleep(10 * time.Minute)
		if n := f.at(one).count(sip.OPTIONS); n != 0 || tr.State().State != Static || len(told.told()) != 0 {
			t.Errorf("%d OPTIONS, state %s, facts %v; want none, static, none", n, tr.State().State, told.told())
		}
	})
}

func TestAnOPTIONSRevealsNothingOfTheOffice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one)
		_, _, _ = startFleet(t, f, fleetNames(one), staticPolicy())
		time.Sleep(time.Second)
		req := f.at(one).last()
		if req.Recipient.String() != "sip:sip.carrier.example" || req.From().Address.String() != "sip:office@sip.carrier.example" {
			t.Errorf("asked\n%s", req)
		}
	})
}

func TestARegistrationMovesWhenItsServerStopsAnswering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(accept, one, two)
		p := fleetPolicy()
		p.Health = policy.HealthOptions
		tr, _, _ := startFleet(t, f, fleetNames(one, two), p)
		time.Sleep(time.Second)
		f.at(one).become(silent)
		time.Sleep(askEvery + askAgain + 2*askTimeout + 2*firstWait)
		if n := f.at(two).count(sip.REGISTER); n != 1 || first(tr) != two {
			t.Errorf("%d registrations at the other server, want one long before the lapse", n)
		}
	})
}
