package call

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/doctor"
	"tollgate/firmware/event"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// mouth is a socket of a peer that speaks and listens.
type mouth struct {
	t    *testing.T
	conn *net.UDPConn
	seq  uint16
}

func newMouth(t *testing.T, addr string) *mouth {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &mouth{t: t, conn: c}
}

// sdp describes the mouth.
func (m *mouth) sdp(extra ...string) string {
	port := m.conn.LocalAddr().(*net.UDPAddr).Port
	return strings.Replace(clearSDP("203.0.113.9", extra...), "m=audio 4000", fmt.Sprintf("m=audio %d", port), 1)
}

// speak sends a second of audio to a leg of the box.
func (m *mouth) speak(l *media.Leg, kind byte) {
	m.t.Helper()
	to, _ := l.Local()
	before := l.Stats().PacketsIn
	for range 50 {
		m.seq++
		b := make([]byte, 172)
		b[0], b[1], b[2], b[3], b[8] = 0x80, kind, byte(m.seq>>8), byte(m.seq), 1
		if _, err := m.conn.WriteToUDPAddrPort(b, netip.AddrPortFrom(boxAddress(l), to.Port())); err != nil {
			m.t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	for range 200 {
		if l.Stats().PacketsIn >= before+40 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	m.t.Fatalf("the box takes nothing: %+v", l.Stats())
}

// boxAddress is where the box really is on a side.
func boxAddress(l *media.Leg) netip.Addr {
	c := mediaConfig(30000, 30999)
	if l.Side() == policy.SideInside {
		return c.Inside.Address
	}
	return c.Outside.Address
}

// opened waits for an opening packet of the box.
func (m *mouth) opened() {
	m.t.Helper()
	m.conn.SetReadDeadline(time.Now().Add(3 * time.Second))
	b := make([]byte, 2000)
	for {
		n, err := m.conn.Read(b)
		if err != nil {
			m.t.Fatalf("no opening packet: %v", err)
		}
		if n == 12 && b[1] == 20 {
			return
		}
	}
}

// quietCall is an answered call through carrier-b, in the clear, that nobody speaks on yet.
func quietCall(t *testing.T, extra ...string) (s *scene, run *Session, caller, callee *dialog, office, carrier *mouth) {
	t.Helper()
	s = newScene(t, func(p *policy.Policy) { p.Routes[0].Trunks = []string{"carrier-b"} })
	s.really = netip.MustParseAddr("127.0.0.1")
	office, carrier = newMouth(t, "127.0.0.1"), newMouth(t, "127.0.0.1")
	caller = s.pbx.dial("201", "00472105518", office.sdp(extra...))
	callee = s.b.called()
	callee.respond(200, carrier.sdp(extra...))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	for run = s.session(); ; time.Sleep(time.Millisecond) {
		if c := s.desk.Calls(); len(c) == 1 && c[0].State == Answered {
			return s, run, caller, callee, office, carrier
		}
	}
}

// diagnosis is what is known of the only call.
func (s *scene) diagnosis() *Diagnosis {
	s.t.Helper()
	calls := s.desk.Calls()
	if len(calls) != 1 {
		s.t.Fatalf("%d calls", len(calls))
	}
	return calls[0].Diagnosis
}

func TestACarrierThatIsNotHeardIsNamedTreatedAndForgottenWhenItIs(t *testing.T) {
	s, run, _, callee, office, carrier := quietCall(t)
	run.lookAfter(time.Now())
	if d := s.diagnosis(); d != nil {
		t.Fatalf("a call just answered is ill: %+v", d)
	}
	office.speak(run.relay.Leg(media.Caller), 8)
	run.mu.Lock()
	run.answered = run.answered.Add(-time.Minute)
	run.mu.Unlock()
	run.lookAfter(time.Now())
	d := s.diagnosis()
	if d == nil || d.Rule != "never came" || d.Role != media.Callee || !d.Over.IsZero() {
		t.Fatalf("found %+v", d)
	}
	if e := find[event.AudioFaulty](s); e.Peer != "carrier-b" || !strings.HasPrefix(e.Reason, "carrier-b was told to send to 198.51.100.2, but nothing arrives") || !strings.Contains(e.Reason, "30000-30999") {
		t.Errorf("told %+v", e)
	}
	carrier.opened()
	office.opened()

	// That has not helped: the audio is described to the carrier again, as it was.
	office.speak(run.relay.Leg(media.Caller), 8)
	run.mu.Lock()
	run.health.tried = run.health.tried.Add(-renewAfter)
	run.mu.Unlock()
	run.lookAfter(time.Now())
	in := callee.request(sip.INVITE)
	if string(in.Body()) != string(callee.in.Body()) {
		t.Errorf("another description:\n%s\nafter\n%s", in.Body(), callee.in.Body())
	}
	if err := in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(carrier.sdp()), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	callee.request(sip.ACK)

	office.speak(run.relay.Leg(media.Caller), 8)
	carrier.speak(run.relay.Leg(media.Callee), 8)
	run.lookAfter(time.Now())
	if d := s.diagnosis(); d == nil || d.Over.IsZero() || !d.Healed || len(d.Tried) != 2 {
		t.Errorf("afterwards %+v", d)
	}
}

func TestARefusedRemedyEndsNoCall(t *testing.T) {
	s, run, caller, callee, _, _ := quietCall(t)
	for _, status := range []int{488, 481} {
		run.inbox.Post(heal{remedy: doctor.Renew, role: media.Callee})
		callee.request(sip.INVITE).Refuse(ua.Reply{Status: status})
	}
	caller.ask(sip.OPTIONS, "") // both refusals have been seen when this is answered
	caller.next()
	if c := s.desk.Calls(); len(c) != 1 || c[0].State != Answered {
		t.Errorf("the call is %+v", c)
	}
}

func TestACallOnHoldIsNotIll(t *testing.T) {
	s, run, _, _, _, _ := quietCall(t, "a=inactive")
	run.lookAfter(time.Now().Add(time.Hour))
	if d := s.diagnosis(); d != nil {
		t.Errorf("found %+v: %s", d, d.Sentence(doctor.English))
	}
}

// Most telephones that hold say sendonly, and many of those have no music.
func TestAPeerThatHoldsNeedNotPlayMusic(t *testing.T) {
	s, run, caller, callee, office, carrier := quietCall(t)
	out := caller.ask(sip.INVITE, office.sdp("a=sendonly"))
	in := callee.request(sip.INVITE)
	if err := in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(carrier.sdp("a=recvonly")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	caller.expect(200)
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	callee.request(sip.ACK)
	run.lookAfter(time.Now().Add(time.Hour))
	if d := s.diagnosis(); d != nil {
		t.Errorf("found %+v: %s", d, d.Sentence(doctor.English))
	}
}

func TestAPayloadTypeThatNobodyAgreedOnIsNamed(t *testing.T) {
	s, run, _, _, office, carrier := quietCall(t)
	run.mu.Lock()
	run.answered = run.answered.Add(-time.Minute)
	run.mu.Unlock()
	office.speak(run.relay.Leg(media.Caller), 8)
	carrier.speak(run.relay.Leg(media.Callee), 18)
	for range 30 { // what the relay has counted is shown once a second
		office.speak(run.relay.Leg(media.Caller), 8)
		carrier.speak(run.relay.Leg(media.Callee), 18)
		run.lookAfter(time.Now())
		if d := s.diagnosis(); d != nil {
			if want := "carrier-b sends audio of payload type 18, but 8, 0, 101 were agreed on."; d.Sentence(doctor.English) != want {
				t.Errorf("%q, want %q", d.Sentence(doctor.English), want)
			}
			if len(d.Tried) != 0 {
				t.Errorf("tried %v", d.Tried)
			}
			return
		}
	}
	t.Error("nothing is found")
}

func TestTheSnapshotNamesTheCodecOfEachLeg(t *testing.T) {
	s, _, _, _, _, _ := quietCall(t)
	if c := s.desk.Calls()[0]; c.Caller.Codec != "PCMA" || c.Callee.Codec != "PCMA" {
		t.Errorf("%q and %q", c.Caller.Codec, c.Callee.Codec)
	}
}

func TestTheRecordOfACallHasItsLastCounters(t *testing.T) {
	s, run, caller, callee, office, _ := quietCall(t)
	ended := make(chan Snapshot, 1)
	s.desk.o.Ended = func(snap Snapshot, _ event.CallEnded) { ended <- snap }
	office.speak(run.relay.Leg(media.Caller), 8)
	caller.ask(sip.BYE, "")
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	snap := <-ended
	in, out := snap.Rate(media.Caller)
	if got := snap.Caller.Media.Crossing.In.Expected; got != 50 || snap.Caller.Codec != "PCMA" || snap.To != "+33472105518" {
		t.Errorf("%d packets in %+v", got, snap)
	}
	if in == nil || in.MOS < 4 || out != nil {
		t.Errorf("rated %v and %v", in, out)
	}
	if in, _ := snap.Rate(media.Callee); in != nil {
		t.Errorf("nobody spoke there, rated %+v", in)
	}
}

// Two gateways that send only to where they have heard something from would wait for one another for ever.
func TestGatewaysThatWaitForOneAnotherAreWoken(t *testing.T) {
	s, run, _, _, office, carrier := quietCall(t)
	for m, l := range map[*mouth]*media.Leg{office: run.relay.Leg(media.Caller), carrier: run.relay.Leg(media.Callee)} {
		go func() {
			b := make([]byte, 2000)
			if n, err := m.conn.Read(b); err != nil || n != 12 {
				return // the test fails by what does not come
			}
			for seq := byte(1); seq < 200; seq++ {
				p := make([]byte, 172)
				to, _ := l.Local()
				p[0], p[1], p[3], p[8] = 0x80, 8, seq, 1
				if _, err := m.conn.WriteToUDPAddrPort(p, netip.AddrPortFrom(boxAddress(l), to.Port())); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	run.mu.Lock()
	run.answered = run.answered.Add(-time.Minute)
	run.mu.Unlock()
	run.lookAfter(time.Now())
	if d := s.diagnosis(); d == nil || d.Rule != "both silent" {
		t.Fatalf("found %+v", d)
	}
	heard := func(r media.Role) bool { return run.relay.Leg(r).Stats().PacketsOut > 20 }
	for end := time.Now().Add(5 * time.Second); !heard(media.Caller) || !heard(media.Callee); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no audio after the ways were opened")
		}
	}
	run.lookAfter(time.Now())
	if d := s.diagnosis(); d.Over.IsZero() || !d.Healed {
		t.Errorf("afterwards %+v", d)
	}
}
