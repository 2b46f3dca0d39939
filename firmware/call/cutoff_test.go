package call

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/ua"
)

// followed notes what it is told of calls.
type followed struct {
	mu    sync.Mutex // guards everything below
	ids   []uint64
	trail []string
}

func (f *followed) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trail = append(f.trail, fmt.Sprintf(format, args...))
}

func (f *followed) Begin(id uint64, a admission.Attempt, answered time.Time) {
	f.add("%s calls %s%s%s", a.User, a.Number, map[bool]string{true: ", " + string(a.Via)}[a.Via != ""], map[bool]string{true: " again"}[!answered.IsZero()])
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids = append(f.ids, id)
}

func (f *followed) Carry(_ uint64, trunk string) { f.add("by %s", trunk) }

func (f *followed) Heard(_ uint64, status int) { f.add("heard %d", status) }

func (f *followed) End(uint64) { f.add("over") }

func (f *followed) told() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.trail, "; ")
}

func (f *followed) last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ids[len(f.ids)-1]
}

func follow(s *scene) *followed {
	f := &followed{}
	s.follower = f
	s.gate.SetFollower(f)
	return f
}

// wantCut checks that a message tells its receiver why the call ends.
func wantCut(t *testing.T, in *ua.Incoming) {
	t.Helper()
	if got := valueOf(in, "Reason"); got != cutCause {
		t.Errorf("%s says %q, want %q", in.Method, got, cutCause)
	}
}

func TestARunningCallIsCutOffAndBothSidesAreTold(t *testing.T) {
	s := newScene(t, nil)
	f := follow(s)
	caller, callee := s.answeredCall()
	s.desk.CutOff(f.last()+1, "of somebody else")
	s.desk.CutOff(f.last(), "the money is gone")
	for _, d := range []*dialog{caller, callee} {
		bye := d.request(sip.BYE)
		wantCut(t, bye)
		bye.Refuse(ua.Reply{Status: 200})
	}
	s.await(0)
	if e := find[event.CallEnded](s); e.Reason != "cut off: the money is gone" || !e.Answered {
		t.Errorf("told %+v", e)
	}
	if got, want := f.told(), "201 calls +33472105518; by carrier-a; heard 200; over"; got != want {
		t.Errorf("followed: %s\nwant:     %s", got, want)
	}
}

func TestACallThatRingsIsCutOff(t *testing.T) {
	s := newScene(t, nil)
	f := follow(s)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(180, "")
	caller.expect(180)
	s.desk.CutOff(f.last(), "caller 201 is blocked")
	if e := callee.next(); e.Cancelled == nil {
		t.Errorf("the callee got %s, want a CANCEL", shown(e))
	}
	res := caller.expect(403)
	if h := res.GetHeader("Reason"); h == nil || h.Value() != cutCause {
		t.Errorf("the caller is not told why: %v", h)
	}
}

func TestACallThatWasTransferredIsCutOffByEitherHalf(t *testing.T) {
	s := newScene(t, nil)
	f := follow(s)
	caller, callee := s.answeredCall()
	caller.referTo("<sip:00612345678@192.0.2.1>")
	caller.expect(202)
	caller.notified("SIP/2.0 100 Trying", "active")
	target := s.a.called()
	target.respond(200, secureSDP("203.0.113.20"))
	target.request(sip.ACK)
	caller.notified("SIP/2.0 200 OK", "terminated")
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	callee.reinvited(secureSDP("203.0.113.8"))
	if got, want := f.told(), "201 calls +33472105518; by carrier-a; heard 200; 201 calls +33612345678, transferred; by carrier-a; heard 200"; got != want {
		t.Errorf("followed: %s\nwant:     %s", got, want)
	}
	s.desk.CutOff(f.last(), "the money is gone")
	for _, d := range []*dialog{target, callee} {
		bye := d.request(sip.BYE)
		wantCut(t, bye)
		bye.Refuse(ua.Reply{Status: 200})
	}
}

func TestWhatACarrierDeclinesIsToldAndAnEmergencyCallIsNotFollowed(t *testing.T) {
	s := newScene(t, nil)
	f := follow(s)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	s.a.called().respond(404, "")
	caller.expect(404)
	s.await(0)
	help := s.pbx.dial("202", "112", clearSDP("192.0.2.51"))
	service := s.a.called()
	service.respond(200, secureSDP("203.0.113.8"))
	help.ack(help.expect(200))
	service.request(sip.ACK)
	s.desk.CutOff(0, "nobody")
	s.desk.CutOff(f.last()+1, "nobody")
	if got, want := f.told(), "201 calls +33472105518; by carrier-a; heard 404; over"; got != want {
		t.Errorf("followed: %s\nwant:     %s", got, want)
	}
	if calls := s.desk.Calls(); len(calls) != 1 || !calls[0].Emergency {
		t.Errorf("calls: %+v", calls)
	}
}

func TestACarriersCallIsNotFollowed(t *testing.T) {
	s := newScene(t, nil)
	f := follow(s)
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	callee := s.pbx.called()
	callee.respond(200, clearSDP("192.0.2.51"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	if got := f.told(); got != "" {
		t.Errorf("followed: %s", got)
	}
}

func TestACallIsCutOffAfterARestartToo(t *testing.T) {
	s := newScene(t, nil)
	f := follow(s)
	folder := s.lasting()
	caller, callee := s.answeredCall()
	s.settled()
	if taken := s.kill(folder, 0); taken != 1 {
		t.Fatalf("%d calls taken up", taken)
	}
	before := f.last()
	if !slices.Contains(strings.Split(f.told(), "; "), "201 calls +33472105518 again") {
		t.Errorf("followed: %s", f.told())
	}
	s.desk.CutOff(before, "the money is gone")
	for _, d := range []*dialog{caller, callee} {
		bye := d.request(sip.BYE)
		wantCut(t, bye)
		bye.Refuse(ua.Reply{Status: 200})
	}
}
