package call

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/siptest"
	"tollgate/firmware/ua"
)

// server is one of several servers of a carrier.
type server struct {
	*siptest.End
	actor *actor

	mu      sync.Mutex // guards everything below
	avoided []time.Duration
}

func (s *server) Avoid(_ string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.avoided = append(s.avoided, d)
}

func (s *server) wasAvoided() (d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.avoided {
		d += a
	}
	return d
}

// servers gives carrier-a two servers.
func (s *scene) servers() (first, second *server) {
	newServer := func(a *actor) *server { return &server{End: a.boxEnd, actor: a} }
	first, second = newServer(s.a), newServer(newActor(s.t, s.wires, s.a.peer))
	s.more = map[string][]Member{"carrier-a": {first, second}}
	return first, second
}

func headerOf(m, name string) string {
	for line := range strings.Lines(m) {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func TestACallMovesToAnotherServerOfTheTrunkUnnoticed(t *testing.T) {
	tests := map[string]struct {
		fail    func(first *server) // how the first server fails before the call
		respond func(d *dialog)     // what it answers
		avoided time.Duration
	}{
		"it cannot be reached":           {fail: func(f *server) { f.Dead = true }, avoided: avoidFailed},
		"it says nothing":                {fail: func(f *server) { f.Lose = func(string) bool { return true } }, avoided: avoidFailed},
		"it is out of service":           {respond: func(d *dialog) { d.respond(503, "") }},
		"it is out of service for 20 s":  {respond: func(d *dialog) { d.respond503("20 (maintenance);duration=60") }, avoided: 20 * time.Second},
		"it rings and is out of service": {respond: func(d *dialog) { d.respond(100, ""); d.respond(503, "") }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, nil)
			first, second := s.servers()
			if tt.fail != nil {
				tt.fail(first)
			}
			caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
			if tt.respond != nil {
				tt.respond(first.actor.called())
			}
			callee := second.actor.calledWithin(silenceTimeout + 5*time.Second)
			callee.respond(180, "")
			caller.expect(180)
			callee.respond(200, secureSDP("203.0.113.8"))
			caller.ack(caller.expect(200))
			callee.request(sip.ACK)
			one, two := first.Last("INVITE "), second.Last("INVITE ")
			for _, h := range []string{"Call-ID", "From", "To", "CSeq"} {
				if headerOf(one, h) != headerOf(two, h) {
					t.Errorf("%s differs between the servers: %q and %q", h, headerOf(one, h), headerOf(two, h))
				}
			}
			if headerOf(one, "Via") == headerOf(two, "Via") {
				t.Error("the second server got the first one's branch (RFC 3263 §4.3)")
			}
			if got := first.wasAvoided(); got != tt.avoided {
				t.Errorf("the first server is avoided for %v, want %v", got, tt.avoided)
			}
			if second.wasAvoided() != 0 {
				t.Error("the second server is avoided although it answered")
			}
			if n := s.b.boxEnd.Count("INVITE "); n != 0 {
				t.Error("the next trunk was tried although a server of the first one took the call")
			}
			caller.ask(sip.BYE, "")
			callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
			if n := first.Count("BYE "); n != 0 {
				t.Error("the BYE went to the server that failed")
			}
		})
	}
}

func TestARefusalIsNoReasonToAskAnotherServer(t *testing.T) {
	for _, status := range []int{404, 486, 500, 603} {
		s := newScene(t, func(p *policy.Policy) { p.Routes[0].Trunks = p.Routes[0].Trunks[:1] })
		first, second := s.servers()
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		first.actor.called().respond(status, "")
		caller.next()
		if second.Count("INVITE ") != 0 {
			t.Errorf("after %d the second server was asked", status)
		}
	}
}

func TestTheNextTrunkIsTriedWhenNoServerOfTheFirstTakesTheCall(t *testing.T) {
	s := newScene(t, nil)
	first, second := s.servers()
	first.Dead = true
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	second.actor.called().respond(503, "")
	callee := s.b.called()
	callee.respond(200, clearSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	if a, b := headerOf(second.Last("INVITE "), "Call-ID"), headerOf(s.b.boxEnd.Last("INVITE "), "Call-ID"); a == b {
		t.Error("two carriers saw the same Call-ID")
	}
}

func TestACancelEndsTheCallAtWhateverServerHasIt(t *testing.T) {
	s := newScene(t, nil)
	first, second := s.servers()
	first.Dead = true
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := second.actor.called()
	callee.respond(180, "")
	caller.expect(180)
	caller.out.Cancel()
	if e := callee.next(); e.Cancelled == nil {
		t.Errorf("the second server got %s, want the call cancelled", shown(e))
	}
	caller.expect(487)
	if s.b.boxEnd.Count("INVITE ") != 0 {
		t.Error("a cancelled call went on to the next trunk")
	}
	find[event.CallEnded](s) // before the second server, which is younger than the scene, goes
}

func TestACallerWhoGivesUpIsNotKeptByASilentServer(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	first, second := s.servers()
	first.Lose = func(string) bool { return true }
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	caller.out.Cancel()
	caller.expect(487)
	deadline := time.Now().Add(silenceTimeout + 2*time.Second)
	for s.sessions() > 0 { // Calls leaves out one that is not admitted yet
		if time.Now().After(deadline) {
			t.Fatal("the call is still there")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if second.Count("INVITE ") > 0 {
		t.Error("a cancelled call went on to the next server")
	}
}

func TestATrunkThatIsDownIsTriedLast(t *testing.T) {
	s := newScene(t, nil)
	s.down = "carrier-a"
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	s.b.called().respond(503, "")
	s.a.called().respond(486, "") // and it is tried
	caller.expect(486)

	emergency := s.pbx.dial("201", "112", clearSDP("192.0.2.50"))
	s.b.called().respond(503, "")
	s.a.called().respond(486, "")
	emergency.expect(486)
}

func (c *dialog) respond503(after string) {
	c.a.t.Helper()
	r := ua.Reply{Status: 200}
	r.Status, r.Headers = 503, []sip.Header{sip.NewHeader("Retry-After", after)}
	if err := c.in.Respond(c.box, r); err != nil {
		c.a.t.Fatal(err)
	}
}

// calledWithin is called with patience.
func (a *actor) calledWithin(d time.Duration) *dialog {
	a.t.Helper()
	deadline := time.Now().Add(d)
	for len(a.calls) == 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	return a.called()
}

// sessions counts the calls of the desk, in whatever state.
func (s *scene) sessions() int {
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	return len(s.desk.calls)
}
