package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/policy"
)

const (
	plainRTP = policy.Suite("")
	aesCM    = policy.SuiteAESCM128SHA180
	gcm      = policy.SuiteAEADAES128GCM
)

func TestAToneSurvivesBothWays(t *testing.T) {
	for _, c := range []struct{ inside, outside policy.Suite }{
		{plainRTP, plainRTP}, {plainRTP, aesCM}, {plainRTP, gcm}, {aesCM, plainRTP}, {gcm, aesCM}, {gcm, gcm},
	} {
		t.Run(fmt.Sprintf("%s to %s", c.inside, c.outside), func(t *testing.T) {
			call := newCall(t, c.inside, c.outside)
			call.converse(100)
			for _, role := range []Role{Caller, Callee} {
				s := call.stats(role, "packets are not counted", func(s LegStats) bool { return s.PacketsIn == 100 && s.PacketsOut == 100 })
				if s.AuthFailures+s.Strangers+s.Replays+s.Malformed+s.Withheld != 0 {
					t.Errorf("%s: %+v", role, s)
				}
				if s.BytesIn < 100*172 || s.BytesOut < 100*172 || time.Since(s.LastIn) > patience {
					t.Errorf("%s: %+v", role, s)
				}
				if want := call.Leg(role).half.rtp.seal != nil; s.Encrypted != want {
					t.Errorf("%s: encrypted %v, want %v", role, s.Encrypted, want)
				}
			}
		})
	}
}

func TestTheEncryptedLegIsUnreadable(t *testing.T) {
	for _, suite := range policy.Suites() {
		call := newCall(t, plainRTP, suite)
		payload := bytes.Repeat([]byte("clear"), 32)
		call.a.talk(payload)
		b, _, ok := read(t, call.b.rtp, patience)
		if !ok || len(b) <= 12+len(payload) || bytes.Contains(b, []byte("clear")) {
			t.Errorf("%s: on the wire is %q", suite, b)
		}
		if got := call.b.understand(b); !bytes.Equal(got.Payload, payload) {
			t.Errorf("%s: decrypted to %q", suite, got.Payload)
		}
	}
}

func TestRTPKeepsWhatIsNotOurs(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	packet := call.a.next([]byte("x"))
	packet[1] |= 0x80 // the marker
	write(t, call.a.rtp, call.a.boxRTP(), packet)
	got := call.b.hear()
	if !got.Marker || got.PayloadType != 8 || got.SSRC != call.a.ssrc || got.SequenceNumber != 100 || got.Timestamp != 16000 {
		t.Errorf("header %+v", got.Header)
	}
}

func TestRTCPIsRelayed(t *testing.T) {
	type way struct{ insideMux, outsideMux bool }
	for _, w := range []way{{false, false}, {false, true}, {true, false}, {true, true}} {
		for _, suite := range []policy.Suite{plainRTP, aesCM, gcm} {
			t.Run(fmt.Sprintf("%+v %s", w, suite), func(t *testing.T) {
				call := newCall(t, plainRTP, suite)
				call.a.set(func(p *Params) { p.Mux = w.insideMux })
				call.b.set(func(p *Params) { p.Mux = w.outsideMux })
				call.converse(3)
				for range 3 {
					relayReport(t, call.a, w.insideMux, call.b, w.outsideMux)
					relayReport(t, call.b, w.outsideMux, call.a, w.insideMux)
				}
				for _, role := range []Role{Caller, Callee} {
					call.stats(role, "reports are not counted", func(s LegStats) bool {
						return s.ControlIn == 3 && s.ControlOut == 3 && s.PacketsIn == 3 && s.Malformed+s.AuthFailures+s.Replays == 0
					})
				}
			})
		}
	}
}

// relayReport sends a report from one peer and takes it at the other.
func relayReport(t *testing.T, from *peer, fromMux bool, to *peer, toMux bool) {
	t.Helper()
	plain := report(from.ssrc)
	b := plain
	if from.encrypt != nil {
		b, _ = from.encrypt.EncryptRTCP(nil, plain, nil)
	}
	if fromMux {
		write(t, from.rtp, from.boxRTP(), b)
	} else {
		write(t, from.rtcp, from.boxRTCP(), b)
	}
	socket, box := to.rtcp, to.boxRTCP()
	if toMux {
		socket, box = to.rtp, to.boxRTP()
	}
	got, source, ok := read(t, socket, patience)
	if ok && to.decrypt != nil {
		var err error
		if got, err = to.decrypt.DecryptRTCP(nil, got, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !ok || source != box || !bytes.Equal(got, plain) {
		t.Fatalf("from %v came %x, want %x from %v", source, got, plain, box)
	}
}

func TestPayloadTypesAreMapped(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.a.set(func(p *Params) { p.PayloadMap = map[uint8]uint8{101: 96} })
	call.a.pt, call.b.pt = 101, 101
	call.a.talk([]byte("digit"))
	if got := call.b.hear(); got.PayloadType != 96 {
		t.Errorf("arrived with payload type %d, want 96", got.PayloadType)
	}
	call.b.talk([]byte("digit"))
	if got := call.a.hear(); got.PayloadType != 101 {
		t.Errorf("the other way, payload type %d, want 101", got.PayloadType)
	}
}

func TestHoldSilencesOneDirectionAndKeepsRTCP(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.converse(2)
	call.b.set(func(p *Params) { p.Hold = true })
	call.a.talk([]byte("nobody wants this"))
	call.stats(Callee, "nothing was withheld", func(s LegStats) bool { return s.Withheld == 1 })
	call.b.hearsNothing()
	call.b.talk([]byte("music"))
	call.a.hears([]byte("music"))
	relayReport(t, call.a, false, call.b, false)
	call.b.set()
	call.converse(2)
}

func TestNothingIsSentToAnUnspecifiedAddress(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	call.converse(1)
	call.b.set(func(p *Params) { p.Remote = netip.AddrPortFrom(netip.IPv4Unspecified(), p.Remote.Port()) })
	call.a.talk([]byte("hold"))
	call.stats(Callee, "nothing was withheld", func(s LegStats) bool { return s.Withheld == 1 })
	call.b.talk([]byte("early"))
	call.stats(Callee, "it is no stranger", func(s LegStats) bool { return s.Strangers == 1 })
	call.b.set()
	call.converse(2)
}

func TestBeforeSetNothingIsTaken(t *testing.T) {
	r := newRelay(t, nil, labConfig())
	s := openSession(t, r)
	call := &call{Session: s, a: newPeer(t, s.Leg(Caller), "127.0.1.9", ""), b: newPeer(t, s.Leg(Callee), "127.0.2.9", "")}
	call.b.set()
	call.a.talk([]byte("too early"))
	call.stats(Caller, "it is no stranger", func(s LegStats) bool { return s.Strangers == 1 && s.PacketsIn == 0 })
	call.b.hearsNothing()
}

func TestIPv6AndAChangeOfFamily(t *testing.T) {
	c := labConfig()
	c.Inside.Address = netip.IPv6Loopback()
	r := newRelay(t, nil, c)
	s := openSession(t, r)
	call := &call{Session: s, relay: r, a: newPeer(t, s.Leg(Caller), "::1", gcm),
		b: newPeer(t, s.Leg(Callee), "127.0.2.9", aesCM)}
	call.a.set()
	call.b.set()
	call.converse(10)
	relayReport(t, call.a, false, call.b, false)
	relayReport(t, call.b, false, call.a, false)
	if err := call.a.leg.Set(call.b.params()); err == nil || !strings.Contains(err.Error(), "another family") {
		t.Errorf("an IPv4 peer on the IPv6 leg: %v", err)
	}
}

func TestBothSidesMayShareOneAddress(t *testing.T) {
	c := labConfig()
	c.Outside.Address = c.Inside.Address
	r := newRelay(t, nil, c)
	s := openSession(t, r)
	call := &call{Session: s, relay: r, a: newPeer(t, s.Leg(Caller), "127.0.1.9", ""),
		b: newPeer(t, s.Leg(Callee), "127.0.2.9", aesCM)}
	call.a.set()
	call.b.set()
	call.converse(10)
}

func TestWhatLeavesIsMarkedExpeditedForwarding(t *testing.T) {
	c := labConfig()
	c.Inside.Address = netip.IPv6Loopback()
	r := newRelay(t, nil, c)
	s := openSession(t, r)
	call := &call{Session: s, relay: r, a: newPeer(t, s.Leg(Caller), "::1", ""), b: newPeer(t, s.Leg(Callee), "127.0.2.9", "")}
	call.a.set()
	call.b.set()
	call.converse(1) // so that both ports are learned
	for _, e := range []struct {
		from, to      *peer
		level, option int
	}{{call.a, call.b, unix.IPPROTO_IP, unix.IP_RECVTOS}, {call.b, call.a, unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS}} {
		raw, _ := e.to.rtp.SyscallConn()
		raw.Control(func(fd uintptr) {
			if err := unix.SetsockoptInt(int(fd), e.level, e.option, 1); err != nil {
				t.Fatal(err)
			}
		})
		e.from.talk([]byte("x"))
		e.to.rtp.SetReadDeadline(time.Now().Add(patience))
		b, oob := make([]byte, 100), make([]byte, 100)
		_, n, _, _, err := e.to.rtp.ReadMsgUDPAddrPort(b, oob)
		if err != nil {
			t.Fatal(err)
		}
		m, err := unix.ParseSocketControlMessage(oob[:n])
		if err != nil || len(m) != 1 || m[0].Data[0] != 46<<2 {
			t.Errorf("the type of service is %v, %v; want DSCP 46", m, err)
		}
	}
}

func TestParametersThatCannotWorkAreRefused(t *testing.T) {
	call := newCall(t, aesCM, gcm)
	call.converse(1)
	for says, change := range map[string]func(*Params){
		"one direction has a key": func(p *Params) { p.Send = nil },
		"other has none":          func(p *Params) { p.Receive = nil },
		"the same key":            func(p *Params) { p.Send = p.Receive },
		"the other leg sends":     func(p *Params) { p.Send = call.b.ours },
		"takes 30 bytes":          func(p *Params) { p.Send = &Keys{Suite: aesCM, Key: []byte("short")} },
		"no SRTP suite is called": func(p *Params) { p.Receive = &Keys{Suite: "NULL", Key: make([]byte, 30)} },
		"another family":          func(p *Params) { p.Remote = netip.MustParseAddrPort("[2001:db8::1]:4000") },
		"media port of our own":   func(p *Params) { p.Remote = call.b.boxRTP() },
		"our own":                 func(p *Params) { p.RemoteRTCP = netip.AddrPortFrom(netip.MustParseAddr(insideAddr), labPorts.High) },
		"up to 127":               func(p *Params) { p.PayloadMap = map[uint8]uint8{8: 200} },
	} {
		p := call.a.params()
		change(&p)
		err := call.a.leg.Set(p)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "peer 127") {
			t.Errorf("%q: %v", says, err)
		}
	}
	call.converse(1) // everything is as before
}

func TestSettingTwiceChangesNothing(t *testing.T) {
	f := newFilter()
	r := newRelay(t, f, labConfig())
	if err := r.Set(context.Background(), labConfig()); err != nil {
		t.Fatal(err)
	}
	s := openSession(t, r)
	call := &call{Session: s, relay: r, a: newPeer(t, s.Leg(Caller), "127.0.1.9", ""), b: newPeer(t, s.Leg(Callee), "127.0.2.9", gcm)}
	for range 3 {
		call.a.set()
		call.b.set()
		call.converse(3)
	}
	if len(f.moves) != 4 {
		t.Errorf("the packet filter was changed %d times, want 4 openings: %v", len(f.moves), f.moves)
	}
}

func TestAConfigurationThatCannotWorkIsRefusedAndTheOldOneStays(t *testing.T) {
	r := newRelay(t, nil, labConfig())
	for says, change := range map[string]func(*Config){
		"inside side has no address":  func(c *Config) { c.Inside.Address = netip.Addr{} },
		"outside side has no address": func(c *Config) { c.Outside.Address = netip.IPv4Unspecified() },
		"hold no pair":                func(c *Config) { c.Ports = PortRange{Low: 4001, High: 4002} },
		"address of the outside side": func(c *Config) { c.Outside.Address = netip.MustParseAddr("192.0.2.1") },
	} {
		c := labConfig()
		change(&c)
		if err := r.Set(context.Background(), c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	openSession(t, r).Close()
	fresh, err := New(nil, r.log)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if _, err := fresh.Open("x", policy.SideInside, policy.SideOutside); err == nil {
		t.Error("a relay without a configuration opened a session")
	}
}

func TestAnAdvertisedAddressStandsInLocal(t *testing.T) {
	c := labConfig()
	c.Outside.Advertised = netip.MustParseAddr("203.0.113.5")
	s := openSession(t, newRelay(t, nil, c))
	rtp, rtcp := s.Leg(Callee).Local()
	if rtp.Addr() != c.Outside.Advertised || rtcp.Addr() != c.Outside.Advertised || rtp.Port()%2 != 0 || rtcp.Port() != rtp.Port()+1 {
		t.Errorf("outside is at %v and %v", rtp, rtcp)
	}
	if rtp, _ := s.Leg(Caller).Local(); rtp.Addr() != c.Inside.Address {
		t.Errorf("inside is at %v", rtp)
	}
}

func TestCloseIsCompleteAndMayBeRepeated(t *testing.T) {
	before := openFiles(t)
	r := newRelay(t, nil, labConfig())
	warm(t, r)
	idle := openFiles(t) - parkedFiles(r)
	var sessions []*Session
	for range 50 {
		sessions = append(sessions, openSession(t, r))
	}
	for _, s := range sessions[:40] {
		s.Close()
		s.Close()
	}
	if got, want := openFiles(t)-parkedFiles(r), idle+10*2*filesOfPair(r); got != want {
		t.Errorf("%d files are open with 10 sessions, want %d", got, want)
	}
	leg := sessions[0].Leg(Caller)
	if err := leg.Set(Params{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Set after Close: %v", err)
	}
	r.Close()
	r.Close()
	sessions[45].Close()
	if got := openFiles(t); got != before {
		t.Errorf("%d files are open after Close, want %d", got, before)
	}
	if _, err := r.Open("x", policy.SideInside, policy.SideOutside); !errors.Is(err, ErrClosed) {
		t.Errorf("Open after Close: %v", err)
	}
	if err := r.Set(context.Background(), labConfig()); !errors.Is(err, ErrClosed) {
		t.Errorf("Set after Close: %v", err)
	}
}

// warm has every worker open what it opens with its first session.
func warm(t *testing.T, r *Relay) {
	t.Helper()
	var sessions []*Session
	for range r.workers {
		sessions = append(sessions, openSession(t, r))
	}
	for _, s := range sessions {
		s.Close()
	}
}

// parkedFiles are the sockets that wait for a call.
func parkedFiles(r *Relay) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pools {
		n += filesOfPair(r) * len(p.parked)
	}
	return n
}

// filesOfPair are the sockets of a leg: where packets come one by one, RTP has two (bindPort).
func filesOfPair(r *Relay) int {
	if r.Steered() {
		return 2
	}
	return 3
}

func openFiles(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

func TestStatsOutliveTheSession(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.converse(5)
	call.Close()
	if s := call.Leg(Callee).Stats(); s.PacketsIn != 5 || s.PacketsOut != 5 || !s.Encrypted {
		t.Errorf("after Close %+v", s)
	}
}

func TestAPanicInTheWorkerEndsNoCall(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.converse(1)
	call.worker.do(func() { panic("on purpose") })
	call.converse(3)
}
