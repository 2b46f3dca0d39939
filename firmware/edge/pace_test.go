package edge

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/policy"
)

func TestASourceThatAsksForMoreThanAnOfficeDoesIsDroppedLaneByLane(t *testing.T) {
	each := func(l lane, host string) pacedSource {
		return pacedSource{netip.MustParseAddr(host), policy.SideOutside, l}
	}
	taken := func(p *pacing, now time.Time, s pacedSource, tries int) (n int) {
		for range tries {
			if p.take(now, s) == 0 {
				n++
			}
		}
		return n
	}
	var p pacing
	now := time.Unix(1_800_000_000, 0)
	flooded := each(laneCall, "198.51.100.7")
	if n := taken(&p, now, flooded, 10_000); n != 3000 {
		t.Errorf("%d of 10,000 at once were taken", n)
	}
	if n := taken(&p, now.Add(time.Second), flooded, 10_000); n != 1500 {
		t.Errorf("%d a second later", n)
	}
	for _, other := range []pacedSource{each(laneShort, "198.51.100.7"), each(laneWithin, "198.51.100.7"), each(laneOther, "198.51.100.7"), each(laneCall, "198.51.100.8")} {
		if n := taken(&p, now.Add(time.Second), other, 100); n != 100 {
			t.Errorf("%+v: %d of 100 were taken beside the flood", other, n)
		}
	}
	if wait := p.take(now.Add(time.Second), flooded); wait <= 0 || wait > time.Second/1500 {
		t.Errorf("the next one has to wait %v", wait)
	}
}

func TestNobodyBeginsMoreCallsASecondThanTheBoxCarriesAtOnce(t *testing.T) {
	b := newBench(t)
	for calls, want := range map[int]int{0: 3000, 30: 400, 500: 1000, 8000: 3000} {
		if err := b.Set(t.Context(), Config{Calls: calls}); err != nil {
			t.Fatal(err)
		}
		if got := b.pacing.of(laneCall).burst; got != want {
			t.Errorf("with %d calls: %d at once, want %d", calls, got, want)
		}
	}
}

func TestAFloodOfSourcesIsForgotten(t *testing.T) {
	var p pacing
	now := time.Unix(1_800_000_000, 0)
	for i := range 2 * maxPaced {
		p.take(now, pacedSource{holder: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), lane: laneOther})
	}
	if len(p.whole) > maxPaced {
		t.Errorf("%d sources are remembered", len(p.whole))
	}
	if wait := p.take(now.Add(time.Second), pacedSource{holder: netip.MustParseAddr("192.0.2.7"), lane: laneCall}); wait != 0 {
		t.Errorf("after the flood somebody has to wait %v", wait)
	}
}

func TestTheLaneOfAMessageIsSeenBeforeItIsParsed(t *testing.T) {
	for name, c := range map[string]struct {
		start, to string
		want      lane
	}{
		"a call":                        {"INVITE sip:+33123456789@192.0.2.1 SIP/2.0", "<sip:+33123456789@192.0.2.1>", laneCall},
		"a call for help":               {"INVITE sip:112@192.0.2.1 SIP/2.0", "<sip:112@192.0.2.1>", laneShort},
		"with the outside line's digit": {"INVITE sip:0112@192.0.2.1;user=phone SIP/2.0", "sip:0112@192.0.2.1", laneShort},
		"the doctor on duty":            {"INVITE sip:+33116117@192.0.2.1 SIP/2.0", "sip:+33116117@192.0.2.1", laneShort},
		"tel":                           {"INVITE tel:112;phone-context=+33 SIP/2.0", "<tel:112>", laneShort},
		"a service":                     {"INVITE urn:service:sos.fire SIP/2.0", "<urn:service:sos.fire>", laneShort},
		"within a dialog":               {"INVITE sip:+33123456789@192.0.2.1 SIP/2.0", "<sip:a@192.0.2.1>;x=y; TAG=1", laneWithin},
		"a tag that is the URI's":       {"INVITE sip:+33123456789@192.0.2.1 SIP/2.0", "<sip:a@192.0.2.1;tag=1>", laneCall},
		"hanging up":                    {"BYE sip:+33123456789@192.0.2.1 SIP/2.0", "sip:a@192.0.2.1;tag=1", laneWithin},
		"the acknowledgement":           {"ACK sip:+33123456789@192.0.2.1 SIP/2.0", "<sip:a@192.0.2.1>", laneWithin},
		"taking a call back":            {"CANCEL sip:+33123456789@192.0.2.1 SIP/2.0", "<sip:a@192.0.2.1>", laneWithin},
		"a registration":                {"REGISTER sip:192.0.2.1 SIP/2.0", "<sip:a@192.0.2.1>", laneOther},
		"a response":                    {"SIP/2.0 200 OK", "<sip:a@192.0.2.1>;tag=1", laneNone},
		"no SIP":                        {"INVITE", "<sip:a@192.0.2.1>", laneOther},
	} {
		method, _, _ := strings.Cut(c.start, " ")
		if method == "SIP/2.0" {
			method = "INVITE"
		}
		b := fmt.Appendf(nil, "%s\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:b@192.0.2.7>;tag=2\r\nTo: %s\r\nCall-ID: 1\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", c.start, c.to, method)
		s, _ := inspectDatagram(b)
		if got := laneOf(b, s); got != c.want {
			t.Errorf("%s: lane %d, want %d (fault %v)", name, got, c.want, s.fault)
		}
	}
}

func TestAFloodOfRegistrationsLeavesRoomForCallsFromTheSameSource(t *testing.T) {
	b := newBench(t)
	p := connect(t, policy.UDP, b.listen(t, inside(policy.UDP, nil))[policy.UDP], nil) // connections wait instead
	full := pacedSource{netip.MustParseAddr("127.0.0.1"), policy.SideInside, laneOther}
	for b.pacing.take(time.Now(), full) == 0 {
	}
	for i := range 50 {
		p.say(p.request("OPTIONS", i))
	}
	b.sink.await(t, ruleTooFast)
	p.say(p.request("INVITE", 100))
	for {
		if got := b.next(t); got.m.(interface{ IsInvite() bool }).IsInvite() {
			return
		}
	}
}

func TestAConnectionThatAsksForTooMuchIsReadLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Options{Sink: &sink{}, Log: quiet()})
		defer e.Close()
		s := &stream{ended: make(chan struct{})}
		c := &Conn{link: s, side: policy.SideOutside, transport: policy.TLSTransport, remote: netip.MustParseAddrPort("198.51.100.7:5061")}
		b := []byte("REGISTER sip:192.0.2.1 SIP/2.0\r\n")
		begun := time.Now()
		for range 6000 {
			if !e.inTime(c, b, shape{request: true, method: []byte("REGISTER")}) {
				t.Fatal("something was dropped")
			}
		}
		if took := time.Since(begun).Round(10 * time.Millisecond); took != 2*time.Second {
			t.Errorf("6,000 registrations took %v, want 2 s", took)
		}
		close(s.ended)
		for e.inTime(c, b, shape{request: true, method: []byte("REGISTER")}) {
		}
	})
}
