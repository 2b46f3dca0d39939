package media

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// fallSilent makes a leg's RTP last heard so long ago.
func (c *call) fallSilent(role Role, ago time.Duration) {
	f := c.Leg(role).half.rtp
	c.worker.do(func() { f.heard = time.Now().Add(-ago) })
}

func TestWhenAPlainPeerMayMoveIsThePolicysToSay(t *testing.T) {
	for _, c := range []struct {
		latching policy.Latching
		after    int // packets of a newcomer that are not heard; -1: none ever is
	}{{"", -1}, {policy.LatchStrict, -1}, {policy.LatchDynamic, 0}, {policy.LatchDynamicStrict, convincing - 1}} {
		t.Run(string(c.latching), func(t *testing.T) {
			call := newCall(t, plainRTP, plainRTP)
			call.a.set(func(p *Params) { p.Latching = c.latching })
			call.converse(2)
			old, third := call.a.rtp, listen(t, "127.0.1.9")
			call.a.rtp = third
			for range 2 * convincing { // while the peer is not silent nobody has its place, however often he asks
				call.fallSilent(Caller, silentFor-time.Second)
				call.a.talk([]byte("too soon"))
			}
			call.stats(Caller, "somebody moved in at once", func(s LegStats) bool { return s.Strangers == 2*convincing && s.PacketsIn == 2 })

			call.fallSilent(Caller, silentFor)
			for range 2 * convincing {
				call.a.talk([]byte("moved"))
			}
			if c.after < 0 {
				call.stats(Caller, "it moved", func(s LegStats) bool { return s.Strangers == 4*convincing })
				call.a.rtp = old
				call.converse(2)
				return
			}
			for range 2*convincing - c.after {
				call.b.hears([]byte("moved"))
			}
			call.converse(2)
			silent(t, old, "the port before")
			relayReport(t, call.b, false, call.a, false) // RTCP goes where signalling says until it is heard elsewhere
		})
	}
}

func TestOnlyAWholeStreamConvinces(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	call.a.set(func(p *Params) { p.Latching = policy.LatchDynamicStrict })
	call.converse(2)
	old, one, two := call.a.rtp, listen(t, "127.0.1.9"), listen(t, "127.0.1.9")
	call.fallSilent(Caller, time.Minute)
	sent := uint64(0)
	say := func(from *net.UDPConn, b []byte) {
		write(t, from, call.a.boxRTP(), b)
		sent++
		call.stats(Caller, "it was let in", func(s LegStats) bool { return s.Strangers == sent })
	}
	for range convincing { // two that take turns
		say(one, call.a.next([]byte("x")))
		say(two, call.a.next([]byte("y")))
	}
	for range 2 * convincing { // one with gaps
		call.a.seq++
		say(one, call.a.next([]byte("gap")))
	}
	for range 2 * convincing { // one that sends no RTP
		say(one, []byte("\x80\xc8\x00\x01\x00\x00\x00\x01"))
		say(one, []byte("nothing of the kind, at length"))
	}
	for i := range uint32(2 * convincing) { // one that changes its source
		call.a.ssrc = 77 + i
		say(one, call.a.next([]byte("many")))
	}
	call.b.hearsNothing()
	call.a.rtp = old
	call.converse(2)
}

func TestSilenceLetsNobodyInFromAnUnexpectedAddress(t *testing.T) {
	for _, latching := range []policy.Latching{policy.LatchDynamic, policy.LatchDynamicStrict} {
		call := newCall(t, plainRTP, plainRTP)
		call.a.set(func(p *Params) { p.Latching = latching })
		call.converse(2)
		call.fallSilent(Caller, time.Hour)
		stranger := listen(t, "127.0.3.3")
		for range 3 * convincing {
			write(t, stranger, call.a.boxRTP(), call.a.next([]byte("injected")))
		}
		call.stats(Caller, "the stranger was let in", func(s LegStats) bool { return s.Strangers == 3*convincing })
		call.b.hearsNothing()
		call.b.talk([]byte("not for strangers"))
		call.a.hears([]byte("not for strangers"))
		silent(t, stranger, "the stranger")
	}
}

// A carrier that splits media sends from one of several machines, and may change over to another.
func TestACarriersOtherMachineTakesOver(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	call.b.set(func(p *Params) {
		p.Latching, p.ExtraSources = policy.LatchDynamicStrict, []netip.Prefix{netip.MustParsePrefix("127.0.4.0/24")}
	})
	said := call.b.rtp
	call.b.rtp = listen(t, "127.0.4.4")
	call.b.talk([]byte("from the first machine"))
	call.a.hears([]byte("from the first machine"))
	call.b.rtp = listen(t, "127.0.4.5")
	call.b.talk([]byte("from the second, too soon"))
	call.stats(Callee, "it was let in", func(s LegStats) bool { return s.Strangers == 1 })
	call.fallSilent(Callee, silentFor)
	for range convincing {
		call.b.talk([]byte("from the second"))
	}
	call.a.hears([]byte("from the second"))
	call.a.talk([]byte("to where the description says"))
	call.b.rtp = said
	call.b.hears([]byte("to where the description says"))
}

// Encrypted packets move at once, whatever the policy says of plain ones, and only when they prove themselves.
func TestLatchingIsForPlainAudioAlone(t *testing.T) {
	call := newCall(t, aesCM, plainRTP)
	call.a.set(func(p *Params) { p.Latching = policy.LatchStrict })
	call.converse(2)
	call.a.rtp = listen(t, "127.0.1.9")
	call.converse(2)
}

func TestReportsAreASignOfLifeOfAPeerThatSaysNothing(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	if s := call.Leg(Caller).Stats(); !s.LastHeard.IsZero() {
		t.Errorf("heard at %v before anything came", s.LastHeard)
	}
	begun := time.Now()
	relayReport(t, call.a, false, call.b, false)
	if s := call.Leg(Caller).Stats(); !s.LastIn.IsZero() || s.LastHeard.Before(begun) {
		t.Errorf("after a report: audio at %v, heard at %v", s.LastIn, s.LastHeard)
	}
	write(t, listen(t, "127.0.3.3"), call.b.boxRTP(), call.b.next([]byte("a stranger")))
	bad := call.b.next([]byte("x"))
	bad[len(bad)-1] ^= 1
	write(t, call.b.rtp, call.b.boxRTP(), bad)
	if s := call.stats(Callee, "not refused", func(s LegStats) bool { return s.Strangers == 1 && s.AuthFailures == 1 }); !s.LastHeard.IsZero() {
		t.Errorf("what was refused is a sign of life: %v", s.LastHeard)
	}
	call.converse(1)
	if s := call.Leg(Callee).Stats(); s.LastHeard.Before(begun) || !s.LastHeard.Equal(s.LastIn) {
		t.Errorf("after audio: %+v", s)
	}
}
