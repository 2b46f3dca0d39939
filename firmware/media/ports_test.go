package media

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

func TestALegTakesAnEvenPortAndTheNextOne(t *testing.T) {
	r := newRelay(t, nil, labConfig())
	starts := map[uint16]bool{}
	for range 20 {
		s := openSession(t, r)
		for _, role := range []Role{Caller, Callee} {
			rtp, rtcp := s.Leg(role).Local()
			if rtp.Port()%2 != 0 || rtcp.Port() != rtp.Port()+1 || rtp.Port() < labPorts.Low || rtcp.Port() > labPorts.High {
				t.Errorf("ports %v and %v", rtp, rtcp)
			}
		}
		rtp, _ := s.Leg(Caller).Local()
		starts[rtp.Port()] = true
	}
	if len(starts) != 20 {
		t.Errorf("20 sessions have %d ports", len(starts))
	}
	ordered := 0
	for p := range starts {
		if starts[p+2] {
			ordered++
		}
	}
	if ordered > 10 {
		t.Errorf("the next port can be foretold: %v", starts)
	}
}

func TestExhaustedPortsAreToldAndComeBack(t *testing.T) {
	c := labConfig()
	c.Ports = PortRange{Low: 22001, High: 22006} // pairs 22002 and 22004
	r := newRelay(t, nil, c)
	first, second := openSession(t, r), openSession(t, r)
	_, err := r.Open("third", policy.SideInside, policy.SideOutside)
	if err == nil || !strings.Contains(err.Error(), "all 2 port pairs from 22001 to 22006 are in use") || !strings.Contains(err.Error(), insideAddr) {
		t.Errorf("the third session: %v", err)
	}
	first.Close()
	openSession(t, r) // at once, although the ports have not rested: better than no call
	second.Close()
}

func TestOneSideExhaustedLeavesNothingBehind(t *testing.T) {
	c := labConfig()
	c.Ports = PortRange{Low: 22010, High: 22011}
	other, err := net.ListenPacket("udp", outsideAddr+":22011") // the RTCP port outside is somebody else's
	if err != nil {
		t.Fatal(err)
	}
	r := newRelay(t, nil, c)
	if _, err := r.Open("first", policy.SideInside, policy.SideOutside); err == nil { // whose inside ports are kept for another
		t.Error("a call has ports that are somebody else's")
	}
	files := openFiles(t)
	for range 3 {
		if _, err := r.Open("x", policy.SideInside, policy.SideOutside); err == nil || !strings.Contains(err.Error(), "outside") {
			t.Errorf("Open: %v", err)
		}
	}
	if got := openFiles(t); got != files {
		t.Errorf("%d files are open after the failure, %d before", got, files)
	}
	other.Close()
	openSession(t, r)
}

func TestPortsRestAfterACall(t *testing.T) {
	p := newPorts(PortRange{Low: 2000, High: 2003})
	p.retire() // nothing is parked
	local := netip.MustParseAddr("127.0.0.1")
	bind := func(even uint16) (pair, error) { return bindPair(local, 0, false) } // any ports will do
	now := time.Now()
	first, sockets, _ := p.take(now, bind)
	p.give(first, sockets, now)
	for range 20 {
		next, sockets, err := p.take(now, bind)
		if err != nil || next == first {
			t.Fatalf("took %d, %v; %d had just been freed", next, err, first)
		}
		p.give(next, sockets, now.Add(-rest)) // rested
	}
	if _, _, err := p.take(now, func(uint16) (pair, error) { return pair{}, errBusy }); err == nil || !strings.Contains(err.Error(), "all 2") {
		t.Errorf("all busy: %v", err)
	}
	broken := errors.New("broken")
	if _, _, err := p.take(now, func(uint16) (pair, error) { return pair{}, broken }); !errors.Is(err, broken) {
		t.Errorf("another error: %v", err)
	}
}

func TestPortRanges(t *testing.T) {
	for _, c := range []struct {
		r            PortRange
		first, pairs int
	}{
		{PortRange{20000, 20999}, 20000, 500}, {PortRange{20001, 20999}, 20002, 499}, {PortRange{20000, 20998}, 20000, 499},
		{PortRange{20000, 20001}, 20000, 1}, {PortRange{20001, 20002}, 20002, 0}, {PortRange{20000, 20000}, 20000, 0},
		{PortRange{5, 3}, 6, 0}, {PortRange{65534, 65535}, 65534, 1}, {PortRange{65535, 65535}, 65536, 0},
	} {
		if c.r.first() != c.first || c.r.pairs() != c.pairs {
			t.Errorf("%v: first %d, %d pairs; want %d, %d", c.r, c.r.first(), c.r.pairs(), c.first, c.pairs)
		}
	}
}
