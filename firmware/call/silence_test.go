package call

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/ua"
)

// patient gives the calls to come the patience of a test.
func (s *scene) patient(active, held time.Duration) {
	s.desk.mu.Lock()
	settings := *s.desk.settings
	s.desk.mu.Unlock()
	settings.Patience = Patience{Active: active, Held: held}
	s.desk.Set(settings)
}

// ends waits until the box hangs up on both, and returns the reason in the record.
func (s *scene) ends(caller, callee *dialog) string {
	s.t.Helper()
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	return find[event.CallEnded](s).Reason
}

// agreeOn has the caller hold the call, or take it back.
func agreeOn(t *testing.T, caller, callee *dialog, direction, answer string) {
	t.Helper()
	out := caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a="+direction))
	in := callee.request(sip.INVITE)
	if err := in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(secureSDP("203.0.113.8", "a="+answer)), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	caller.expect(200)
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	callee.request(sip.ACK)
}

func TestACallWhoseAudioHasStoppedIsHungUpOnBothSides(t *testing.T) {
	s := newScene(t, nil)
	s.patient(100*time.Millisecond, time.Hour)
	begun := time.Now()
	if reason := s.ends(s.answeredCall()); reason != "pbx has sent no audio for 100ms" {
		t.Errorf("the record says %q", reason)
	}
	if d := find[event.CallEnded](s).Duration; d < 100*time.Millisecond || time.Since(begun) > 3*time.Second {
		t.Errorf("it lasted %v", d)
	}
}

func TestACallOnHoldMayBeSilentForLonger(t *testing.T) {
	const active, held = 300 * time.Millisecond, 900 * time.Millisecond
	for direction, answer := range map[string]string{"sendonly": "recvonly", "inactive": "inactive", "recvonly": "sendonly"} {
		t.Run(direction, func(t *testing.T) {
			s := newScene(t, nil)
			s.patient(active, held)
			caller, callee := s.answeredCall()
			agreeOn(t, caller, callee, direction, answer)
			begun := time.Now()
			time.AfterFunc(held/2, func() { s.session().inbox.Post(moved{}) }) // something else happens meanwhile
			if reason := s.ends(caller, callee); reason != "nobody has sent any audio for 900ms" {
				t.Errorf("the record says %q", reason)
			}
			if waited := time.Since(begun); waited < held-50*time.Millisecond {
				t.Errorf("it ended after %v", waited)
			}
		})
	}
}

func TestACallTakenBackFromHoldIsWatchedAgain(t *testing.T) {
	s := newScene(t, nil)
	s.patient(200*time.Millisecond, time.Hour)
	caller, callee := s.answeredCall()
	agreeOn(t, caller, callee, "sendonly", "recvonly")
	time.Sleep(300 * time.Millisecond) // longer than an active call may be silent
	agreeOn(t, caller, callee, "sendrecv", "sendrecv")
	if reason := s.ends(caller, callee); !strings.HasSuffix(reason, "has sent no audio for 200ms") {
		t.Errorf("the record says %q", reason)
	}
}

// A peer that renews its hold every few minutes does not keep it up for ever.
func TestAHoldIsNotProlongedByBeingRenewed(t *testing.T) {
	s := newScene(t, nil)
	s.patient(time.Hour, 600*time.Millisecond)
	caller, callee := s.answeredCall()
	agreeOn(t, caller, callee, "sendonly", "recvonly")
	begun := time.Now()
	time.Sleep(300 * time.Millisecond)
	agreeOn(t, caller, callee, "inactive", "inactive")
	if reason := s.ends(caller, callee); reason != "nobody has sent any audio for 600ms" || time.Since(begun) > 880*time.Millisecond {
		t.Errorf("the record says %q after %v", reason, time.Since(begun))
	}
}

func TestAnEmergencyCallIsGivenTheLongerTime(t *testing.T) {
	s := newScene(t, nil)
	s.patient(50*time.Millisecond, 500*time.Millisecond)
	caller := s.pbx.dial("201", "112", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	begun := time.Now()
	if reason := s.ends(caller, callee); reason != "nobody has sent any audio for 500ms" || time.Since(begun) < 400*time.Millisecond {
		t.Errorf("the record says %q after %v", reason, time.Since(begun))
	}
}

func TestEachPeerOfACallHasToBeHeard(t *testing.T) {
	p := Patience{Active: time.Minute, Held: time.Hour}
	for name, c := range map[string]struct {
		held           bool
		caller, callee time.Duration
		left           time.Duration
	}{
		"both speak":                  {false, time.Second, 2 * time.Second, 58 * time.Second},
		"one is silent":               {false, time.Second, time.Minute, 0},
		"the other is silent":         {false, time.Minute, time.Second, 0},
		"held, one plays music":       {true, time.Second, 3 * time.Hour, time.Hour - time.Second},
		"held, the other plays music": {true, 3 * time.Hour, time.Second, time.Hour - time.Second},
		"held, and nobody is there":   {true, time.Hour, 2 * time.Hour, 0},
	} {
		if left := p.left(c.held, c.caller, c.callee); left != c.left {
			t.Errorf("%s: %v are left, want %v", name, left, c.left)
		}
	}
}
