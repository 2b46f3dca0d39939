package call

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

const mobile = "+33698765432"

// absent shows the peers of a scene with a PBX that may be away.
type absent struct {
	*scene
	why string
}

func (a absent) PBX() (Party, bool) {
	p, ok := a.scene.PBX()
	p.Away = a.why
	p.Params = ";line=7"
	return p, ok
}

// overflowScene has an overflow number, or none. The PBX is away for the reason given, if any.
func overflowScene(t *testing.T, number, away string, change func(*policy.Policy)) *scene {
	t.Helper()
	s := newScene(t, change)
	plan, err := numbering.For(s.policy.Site.Country)
	if err != nil {
		t.Fatal(err)
	}
	settings := Settings{Plan: plan, Routes: route.New(s.policy, time.UTC), OutsidePrefix: s.policy.PBX.OutsidePrefix}
	if number != "" {
		if settings.Overflow, err = plan.Read(number, ""); err != nil {
			t.Fatal(err)
		}
	}
	s.desk.o.Parties = absent{s, away}
	s.desk.Set(settings)
	return s
}

const notRegistered = "the PBX has not registered yet"

func TestACallForAPBXThatIsAwayGoesOutAgain(t *testing.T) {
	s := overflowScene(t, mobile, notRegistered, nil)
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	callee := s.a.called()
	in := callee.in
	if got := in.Recipient.String(); got != "sip:"+mobile+"@carrier-a.example" {
		t.Errorf("called %s", got)
	}
	if got := in.From().Address.User; got != "+33123456700" {
		t.Errorf("presented %s, want the number of ours that was called", got)
	}
	if got := in.GetHeaders("P-Asserted-Identity"); len(got) != 1 || got[0].Value() != "<sip:+33123456700@carrier-a.example>" {
		t.Errorf("asserted %v", got)
	}
	if got := in.Request.MaxForwards().Val(); got != ua.MaxForwards-1 {
		t.Errorf("Max-Forwards %d, want one less than the call came with", got)
	}
	if got := find[event.CallOverflowed](s); got.Called != "+33123456700" || got.To != mobile || got.From != "+33612345678" || got.Reason != notRegistered {
		t.Errorf("told %+v", got)
	}
	if u := s.gate.Usage(); u.Calls != 2 || u.Trunks["carrier-a"] != 2 {
		t.Errorf("counted %+v, want both halves", u)
	}
	callee.respond(180, "")
	caller.expect(180)
	callee.respond(200, secureSDP("203.0.113.9"))
	res := caller.expect(200)
	if body := string(res.Body()); !strings.Contains(body, "c=IN IP4 198.51.100.2") || !strings.Contains(body, " RTP/SAVP ") {
		t.Errorf("the caller is to send to\n%s", body)
	}
	caller.ack(res)
	callee.request(sip.ACK)
	if calls := s.desk.Calls(); len(calls) != 1 || calls[0].Caller.Side != policy.SideOutside || calls[0].Caller.Peer != "carrier-a" ||
		calls[0].Callee.Side != policy.SideOutside || calls[0].Callee.Peer != "carrier-a" || !calls[0].Callee.Encrypted() || calls[0].To != mobile {
		t.Errorf("shown %+v", calls)
	}
	for _, addr := range []string{"203.0.113.8", "203.0.113.9"} {
		if !s.holes.listens(addr) {
			t.Errorf("the media of %s is not let in", addr)
		}
	}
	bye := callee.ask(sip.BYE, "")
	if e := callee.next(); e.Sent != bye || e.Response.StatusCode != 200 {
		t.Errorf("BYE answered with %s", shown(e))
	}
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	find[event.CallEnded](s)
	if n := s.pbx.boxEnd.Count("INVITE"); n != 0 {
		t.Errorf("the PBX that is away was called %d times", n)
	}
}

func TestACallOverflowsWhenThePBXCannotBeReachedAndOnlyThen(t *testing.T) {
	tests := map[string]struct {
		pbx  func(*scene)
		want int // 0: it overflows
	}{
		"the connection fails":         {pbx: func(s *scene) { s.pbx.boxEnd.Dead = true }},
		"the PBX is out of service":    {pbx: func(s *scene) { s.pbx.called().respond(503, "") }},
		"the extension is busy":        {pbx: func(s *scene) { s.pbx.called().respond(486, "") }, want: 486},
		"nobody is there":              {pbx: func(s *scene) { s.pbx.called().respond(480, "") }, want: 480},
		"there is no such extension":   {pbx: func(s *scene) { s.pbx.called().respond(404, "") }, want: 404},
		"it was heard before it broke": {want: 503, pbx: func(s *scene) { c := s.pbx.called(); c.respond(183, clearSDP("192.0.2.51")); c.respond(503, "") }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := overflowScene(t, mobile, "", nil)
			if name == "the connection fails" {
				tt.pbx(s)
			}
			caller := s.a.dial("anonymous", "+33123456700", secureSDP("203.0.113.8"))
			if name != "the connection fails" {
				tt.pbx(s)
			}
			if tt.want != 0 {
				if strings.HasPrefix(name, "it was heard") {
					caller.expect(183)
				}
				caller.expect(tt.want)
				return
			}
			callee := s.a.called()
			if got := callee.in.From().Address.Host; got != "anonymous.invalid" || len(callee.in.GetHeaders("Privacy")) != 1 {
				t.Errorf("a withheld caller comes from %s", got)
			}
			callee.respond(486, "")
			caller.expect(486)
		})
	}
}

func TestASilentPBXIsGivenUpBeforeTheCallerIs(t *testing.T) {
	s := overflowScene(t, mobile, "", nil)
	var lost atomic.Int32
	s.pbx.boxEnd.Lose = func(m string) bool { lost.Add(1); return true }
	begun := time.Now()
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	time.Sleep(silenceTimeout)
	callee := s.a.called()
	if took := time.Since(begun); took > silenceTimeout+2*time.Second || lost.Load() < 3 {
		t.Errorf("given up after %v and %d messages", took, lost.Load())
	}
	callee.respond(486, "")
	caller.expect(486)
}

func TestWhatCountsAsAPBXThatCannotBeReached(t *testing.T) {
	s := &Session{peer: policy.Peer{Side: policy.SideOutside}, caller: &Leg{Party: &Party{}}, callee: &Leg{Party: &Party{}}}
	s.settings = &Settings{Overflow: numbering.Number{E164: mobile}}
	for err, want := range map[error]bool{sip.ErrTransactionTimeout: true, errors.New("no route to host"): true} {
		if got := s.overflows(s.failedAttempt(giveUp{}, err)); got != want {
			t.Errorf("%v: overflows %v", err, got)
		}
	}
	if s.overflows(s.interrupted(ringTimeout{})) || s.overflows(s.interrupted(stop{reason: "the box is stopping"})) {
		t.Error("a call that rang too long, or that the box ended, overflows")
	}
	s.peer.Side = policy.SideInside
	if s.overflows(outcome{tryNext: true, status: 503}) {
		t.Error("a call of the office overflows")
	}
}

func TestACallThatCannotOverflowIsRefusedWithBothReasons(t *testing.T) {
	tests := map[string]struct {
		number string
		change func(*policy.Policy)
		rule   string
		reason string
	}{
		"no number":           {"", nil, "pbx.reached_by", notRegistered},
		"no route":            {mobile, func(p *policy.Policy) { p.Routes[0].Prefixes = []string{"+44"} }, "routes", "no route leads to " + mobile},
		"the box is full":     {mobile, func(p *policy.Policy) { p.Limits.Calls = 1 }, "limits.calls", "the limit is 1"},
		"a number with a fee": {"+33899123456", nil, "pbx.overflow", "class premium"},
		"an emergency number": {"112", nil, "pbx.overflow", "class emergency"},
		"the trunk is full": {mobile, func(p *policy.Policy) {
			p.Routes[0].Trunks, p.Trunks[0].Caps.Calls = []string{"carrier-a"}, 1
		}, "trunks.carrier-a.caps.calls", "its cap is 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := overflowScene(t, tt.number, notRegistered, tt.change)
			caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
			caller.expect(480)
			if got := find[event.CallRefused](s); got.Rule != tt.rule || !strings.Contains(got.Reason, tt.reason) || !strings.HasPrefix(got.Reason, notRegistered) {
				t.Errorf("told %+v", got)
			}
			if n := s.a.boxEnd.Count("INVITE"); n != 0 {
				t.Errorf("%d calls went out", n)
			}
		})
	}
}

// The mobile is diverted back to the office: each turn takes a hop, and the last one ends it.
func TestALoopOfOverflowsDies(t *testing.T) {
	s := overflowScene(t, mobile, notRegistered, func(p *policy.Policy) { p.Limits.Calls, p.Trunks[0].Caps.Calls = 100, 0 })
	hops, turns := 6, 0
	call := func(hops int) *dialog {
		return s.a.send(ua.Draft{
			Method: sip.INVITE, URI: "sip:+33123456700@198.51.100.2", From: "sip:+33612345678@carrier-a.example", To: "sip:+33123456700@198.51.100.2",
			FromTag: ua.NewTag(), CallID: ua.NewCallID(), Seq: 1, Contact: "sip:gw@203.0.113.7", Local: ua.Local{Host: "203.0.113.7", Port: 5060, Transport: "UDP"},
			Body: []byte(secureSDP("203.0.113.8")), ContentType: "application/sdp", MaxForwards: hops,
		})
	}
	outer := call(hops)
	for d := outer; ; turns++ {
		select {
		case in := <-s.a.calls:
			defer in.Inbox.Close()
			defer in.Refuse(ua.Reply{Status: 486})
			d = call(int(in.Request.MaxForwards().Val()) - 1) // the carrier is a hop too
			continue
		case <-time.After(300 * time.Millisecond):
		}
		d.expect(483)
		break
	}
	if turns != hops/2 {
		t.Errorf("%d turns with %d hops", turns, hops)
	}
}

func TestTheContactsParametersAreInTheRequestURI(t *testing.T) {
	s := overflowScene(t, "", "", nil)
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	callee := s.pbx.called()
	if got := callee.in.Recipient.String(); got != "sip:0123456700@192.0.2.10:5060;line=7" {
		t.Errorf("Request-URI %s", got)
	}
	if got := callee.in.To().Address.String(); got != "sip:0123456700@192.0.2.10:5060" {
		t.Errorf("To %s", got)
	}
	callee.respond(486, "")
	caller.expect(486)
}
