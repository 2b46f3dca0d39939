package media

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crossing waits until a condition on what is shown of a leg is met.
func (c *call) crossing(role Role, what string, met func(Crossing) bool) Crossing {
	c.a.t.Helper()
	return c.stats(role, what, func(s LegStats) bool { return met(s.Crossing) }).Crossing
}

func TestLossOrderAndDuplicatesAreCountedForEachLeg(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	var sent [][]byte
	for range 12 {
		sent = append(sent, call.a.next(tone(0, 440)))
	}
	// Number 4 is lost, 7 and 8 change places, 10 comes twice.
	for _, i := range []int{0, 1, 2, 3, 5, 6, 8, 7, 9, 10, 10, 11} {
		write(t, call.a.rtp, call.a.boxRTP(), sent[i])
	}
	got := call.crossing(Caller, "nothing is shown", func(c Crossing) bool { return c.In.Expected == 12 }).In
	if got.Lost != 1 || got.Late != 1 || got.Duplicates != 1 {
		t.Errorf("%+v", got)
	}
	if other := call.Leg(Callee).Stats().Crossing; other.In.Expected != 0 || other.PayloadType != -1 {
		t.Errorf("of the leg that nobody spoke on: %+v", other)
	}
}

func TestTheLastAccountIsThatOfTheEnd(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.converse(5)
	call.Close()
	for _, role := range []Role{Caller, Callee} {
		if c := call.Leg(role).Stats().Crossing; c.In.Expected != 5 || c.In.Lost != 0 || c.PayloadType != 8 {
			t.Errorf("%v: %+v", role, c)
		}
	}
}

func TestJitterIsMeasuredWithTheClockOfTheCodec(t *testing.T) {
	for rate, even := range map[int]bool{8000: true, 48000: false} {
		call := newCall(t, plainRTP, aesCM)
		call.a.set(func(p *Params) { p.ClockRate = rate })
		begun := time.Now()
		for i := range 30 { // of 20 ms at 8000 Hz, by a clock that is never late
			packet, w := call.a.next(tone(i, 440)), call.worker
			w.do(func() {
				w.now = begun.Add(time.Duration(i) * 20 * time.Millisecond)
				w.take(call.Leg(Caller).half.rtp, addrOf(call.a.rtp), packet, len(packet))
			})
		}
		got := call.crossing(Caller, "nothing is shown", func(c Crossing) bool { return c.In.Expected == 30 }).In.Jitter
		// At 48000 Hz the same numbers mean 3.3 ms, so that every packet is late by the rest: after 30 of them 85 % of it.
		if wrong := 10 * time.Millisecond; (got < wrong) != even {
			t.Errorf("at %d Hz: jitter %v", rate, got)
		}
	}
}

// answer makes the receiver report of a peer that has got a sender report some time ago.
func answer(from, about uint32, highest uint32, lost int, middle uint32, delay time.Duration) []byte {
	b := make([]byte, 32)
	b[0], b[1], b[3] = 0x81, 201, 7
	words := []uint32{from, about, uint32(lost) & 0xffffff, highest, 80, middle, uint32(delay << 16 / time.Second)}
	for i, v := range words {
		binary.BigEndian.PutUint32(b[4+4*i:], v)
	}
	return b
}

func TestReportsTellOfTheWayToThePeerAndBack(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	call.converse(5)
	sr := report(call.a.ssrc)
	binary.BigEndian.PutUint32(sr[10:], 0x12345678)
	write(t, call.a.rtcp, call.a.boxRTCP(), sr)
	if _, _, ok := read(t, call.b.rtcp, patience); !ok {
		t.Fatal("the sender report does not arrive")
	}
	const away = 60 * time.Millisecond
	time.Sleep(away)
	// The peer says that it has held the report for 20 ms: the other 40 were on the way.
	const held = 20 * time.Millisecond
	write(t, call.b.rtcp, call.b.boxRTCP(), answer(call.b.ssrc, call.a.ssrc, 100, 0, 0, 0))
	write(t, call.b.rtcp, call.b.boxRTCP(), answer(call.b.ssrc, 0xbad, 9000, 4000, 0, 0)) // of a source that is none of ours
	write(t, call.b.rtcp, call.b.boxRTCP(), answer(call.b.ssrc, call.a.ssrc, 200, 10, 0x12345678, held))
	got := call.crossing(Callee, "no report is taken", func(c Crossing) bool { return c.Reports && c.RoundTrip > 0 })
	if got.RoundTrip < away-held || got.RoundTrip > away-held+200*time.Millisecond {
		t.Errorf("round trip %v, want about %v", got.RoundTrip, away-held)
	}
	if got.Out.Expected != 100 || got.Out.Lost != 10 || got.Out.Jitter != 10*time.Millisecond {
		t.Errorf("%+v", got.Out)
	}
	if c := call.Leg(Caller).Stats().Crossing; c.Reports || c.RoundTrip != 0 {
		t.Errorf("the other leg, which has reported nothing: %+v", c)
	}
}

func TestWhoIsNotLetInIsNamed(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	stranger := listen(t, "127.0.3.9")
	write(t, stranger, call.b.boxRTP(), call.b.next(tone(0, 440)))
	got := call.crossing(Callee, "the stranger is not named", func(c Crossing) bool { return c.Stranger.IsValid() })
	if got.Stranger != addrOf(stranger) {
		t.Errorf("the stranger is %v, want %v", got.Stranger, addrOf(stranger))
	}
}

func TestAPortWithNobodyBehindItIsNoticedAndCostsNoPacket(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	call.converse(2)
	gone := addrOf(call.b.rtp)
	call.b.rtp.Close()
	for i := range 5 { // each is answered by ICMP, which comes before the next
		call.a.talk(tone(i, 440))
		call.stats(Callee, "it was not sent", func(s LegStats) bool { return s.PacketsOut == uint64(3+i) })
	}
	got := call.crossing(Callee, "nobody says that it does not arrive", func(c Crossing) bool { return c.Unreachable >= 3 })
	if got.UnreachableBy != gone.Addr() || got.Prohibited {
		t.Errorf("%+v", got)
	}
	// The peer comes back: nothing of what it is sent is lost, and the worker has not gone mad meanwhile.
	again, err := listenAt(t, gone)
	if err != nil {
		t.Fatal(err)
	}
	call.b.rtp = again
	call.converse(5)
	if s := call.Leg(Callee).Stats(); s.Withheld != 0 {
		t.Errorf("%d packets withheld", s.Withheld)
	}
}

// Many peers have nobody at the port of RTCP, which says nothing about their audio.
func TestAClosedPortOfRTCPIsNotHeldAgainstThePeer(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	call.converse(2)
	call.b.rtcp.Close()
	for range 10 {
		write(t, call.a.rtcp, call.a.boxRTCP(), report(call.a.ssrc))
	}
	const packets = 5
	call.b.rtp.Close()
	for i := range packets {
		call.a.talk(tone(i, 440))
		call.stats(Callee, "it was not sent", func(s LegStats) bool { return s.PacketsOut >= uint64(3+i) })
	}
	got := call.crossing(Callee, "nobody says that audio does not arrive", func(c Crossing) bool { return c.Unreachable >= 3 })
	if got.Unreachable > packets {
		t.Errorf("%d messages are counted for %d packets of audio", got.Unreachable, packets)
	}
}

func TestMessagesOfRoutersAreRead(t *testing.T) {
	v4 := func(kind, code byte) []byte {
		b := make([]byte, 32)
		b[4], b[5], b[6] = 2, kind, code
		binary.NativeEndian.PutUint16(b[16:], unix.AF_INET)
		copy(b[20:], []byte{203, 0, 113, 1})
		return b
	}
	v6 := make([]byte, 44)
	v6[4], v6[5], v6[6] = 3, 1, 1
	binary.NativeEndian.PutUint16(v6[16:], unix.AF_INET6)
	at6 := netip.MustParseAddr("2001:db8::1")
	copy(v6[24:], at6.AsSlice())
	router := netip.MustParseAddr("203.0.113.1")
	for name, c := range map[string]struct {
		raw  []byte
		want unreachable
	}{
		"port unreachable":        {v4(3, 3), unreachable{router, false}},
		"prohibited by a filter":  {v4(3, 13), unreachable{router, true}},
		"time exceeded":           {v4(11, 0), unreachable{}},
		"IPv6, prohibited":        {v6, unreachable{at6, true}},
		"of the machine itself":   {append([]byte{0, 0, 0, 0, 1}, make([]byte, 30)...), unreachable{}},
		"cut short":               {v4(3, 3)[:20], unreachable{}},
		"IPv6 with half a sender": {v6[:30], unreachable{}},
	} {
		if got := readError(c.raw); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
