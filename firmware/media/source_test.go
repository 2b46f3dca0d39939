package media

import (
	"bytes"
	"net/netip"
	"testing"

	"tollgate/firmware/policy"
)

func TestAStrangerIsNeitherHeardNorAnswered(t *testing.T) {
	for _, suite := range []policy.Suite{plainRTP, aesCM, gcm} {
		t.Run(string(suite), func(t *testing.T) {
			call := newCall(t, suite, aesCM)
			stranger := listen(t, "127.0.3.3")
			attack := func(times int) {
				for range times { // before, among and after the peer's packets
					write(t, stranger, call.a.boxRTP(), call.a.next([]byte("injected")))
					call.a.seq-- // the number stays the peer's
					write(t, stranger, call.b.boxRTP(), report(7))
					write(t, stranger, call.b.boxRTCP(), report(7))
				}
			}
			attack(10)
			if suite != plainRTP {
				call.a.encrypt = pionContext(t, *call.a.theirs) // what the stranger copied was never sent
			}
			call.converse(5)
			attack(10)
			call.stats(Caller, "strangers are not counted", func(s LegStats) bool { return s.Strangers == 20 })
			call.stats(Callee, "strangers are not counted", func(s LegStats) bool { return s.Strangers == 40 })
			if suite != plainRTP {
				call.a.encrypt = pionContext(t, *call.a.theirs)
			}
			call.converse(5)
			silent(t, stranger, "the stranger")
			call.b.hearsNothing()
		})
	}
}

func TestAPlainPeersPortIsLearnedOnceAndThenFixed(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	signalled, routed, third := call.a.rtp, listen(t, "127.0.1.9"), listen(t, "127.0.1.9")
	call.a.rtp = routed // the description says another port, as behind a router
	call.converse(3)

	write(t, third, call.a.boxRTP(), call.a.next([]byte("hijack")))
	call.stats(Caller, "a second port was let in", func(s LegStats) bool { return s.Strangers == 1 })
	call.converse(3)
	silent(t, third, "the hijacker")

	// The address of the description itself is never a hijacker.
	call.a.rtp = signalled
	call.converse(3)
	write(t, routed, call.a.boxRTP(), call.a.next([]byte("late")))
	call.stats(Caller, "the old port is still let in", func(s LegStats) bool { return s.Strangers == 2 })
}

func TestSignallingMovesAPlainPeer(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	call.converse(2)
	old := call.a.rtp
	call.a.rtp = listen(t, "127.0.1.77")
	call.a.talk([]byte("not yet"))
	call.stats(Caller, "it moved without signalling", func(s LegStats) bool { return s.Strangers == 1 })
	call.a.set()
	call.b.talk([]byte("first")) // before the new address has sent anything
	call.a.hears([]byte("first"))
	call.converse(3)
	write(t, old, call.a.boxRTP(), call.a.next([]byte("old")))
	call.stats(Caller, "the old address is still let in", func(s LegStats) bool { return s.Strangers == 2 })
	silent(t, old, "the old address")
}

func TestSRTPMovesAmongPortsOnlyByAPacketThatProvesItself(t *testing.T) {
	call := newCall(t, aesCM, plainRTP)
	call.converse(2)
	other := listen(t, "127.0.1.9")
	forged := call.a.next([]byte("x"))
	forged[len(forged)-1] ^= 1
	write(t, other, call.a.boxRTP(), forged)
	call.stats(Caller, "it was not refused", func(s LegStats) bool { return s.AuthFailures == 1 })
	replayed := call.a.next([]byte("y"))
	write(t, call.a.rtp, call.a.boxRTP(), replayed)
	call.b.hears([]byte("y"))
	write(t, other, call.a.boxRTP(), replayed)
	call.stats(Caller, "it was not refused", func(s LegStats) bool { return s.Replays == 1 })
	call.converse(2)
	silent(t, other, "the other port")

	call.a.rtp = other // now the peer itself has a new port, as after a router's restart
	call.converse(3)
}

func TestExtraSourcesAreHeardButNotTalkedTo(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	call.a.set(func(p *Params) {
		p.ExtraSources = []netip.Prefix{netip.MustParsePrefix("127.0.4.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	})
	sender := listen(t, "127.0.4.4")
	write(t, sender, call.a.boxRTP(), call.a.next([]byte("from the media gateway")))
	call.b.hears([]byte("from the media gateway"))
	call.b.talk([]byte("to the address of the description"))
	call.a.hears([]byte("to the address of the description"))
	silent(t, sender, "the extra source")

	// Without signalling naming it any longer, it is a stranger again.
	call.a.set()
	write(t, sender, call.a.boxRTP(), call.a.next([]byte("again")))
	call.stats(Caller, "it is no stranger", func(s LegStats) bool { return s.Strangers == 1 })
}

func TestBadTagsDoNotDisturbTheCall(t *testing.T) {
	for _, suite := range []policy.Suite{aesCM, gcm} {
		call := newCall(t, plainRTP, suite)
		for i := range 50 {
			for k := range 20 {
				bad := bytes.Clone(call.b.next(tone(i, 1000)))
				call.b.seq--
				bad[len(bad)-1-k] ^= 0x40
				write(t, call.b.rtp, call.b.boxRTP(), bad)
			}
			call.b.encrypt = pionContext(t, *call.b.theirs)
			call.converse(1)
		}
		call.stats(Callee, "bad tags are not counted", func(s LegStats) bool { return s.AuthFailures == 1000 && s.PacketsIn == 50 })
	}
}

func TestBadTagsFromManySourcesAreForgotten(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	for i := range 2 * maxSources {
		bad := call.b.next([]byte("x"))
		bad[8] = byte(i) // another SSRC, so that the tag is wrong
		write(t, call.b.rtp, call.b.boxRTP(), bad)
		call.stats(Callee, "it is not counted", func(s LegStats) bool { return s.AuthFailures == uint64(i+1) })
	}
	call.converse(3)
}

func TestSourcesUnderOneKeyAreBounded(t *testing.T) {
	for _, c := range []struct{ inside, outside policy.Suite }{{plainRTP, aesCM}, {gcm, plainRTP}} {
		call := newCall(t, c.inside, c.outside)
		call.converse(1)
		for i := range maxSources - 1 {
			call.a.ssrc = 1000 + uint32(i)
			call.a.talk([]byte("new source"))
			call.b.hears([]byte("new source"))
		}
		call.a.ssrc = 9999
		call.a.talk([]byte("one too many"))
		call.stats(Caller, "it was let through", func(s LegStats) bool { return s.Malformed == 1 })
		call.b.hearsNothing()
		call.a.ssrc = 0x5eed0001 // the known ones go on
		call.converse(3)
	}
}

func TestWhatIsNotRTPIsDropped(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	good := call.a.next([]byte("0123456789"))
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	junk := [][]byte{
		{}, {0x80}, good[:8], good[:11], bytes.Repeat([]byte{0x80}, largest+1),
		change(func(b []byte) []byte { b[0] = 0x40; return b }),                          // version 1
		change(func(b []byte) []byte { b[0] = 0x8f; return b }),                          // 15 contributing sources, none there
		change(func(b []byte) []byte { b[0] = 0x90; b[14], b[15] = 255, 255; return b }), // an extension beyond the end
		change(func(b []byte) []byte { b[0] = 0x90; return b[:13] }),                     // an extension without its head
		change(func(b []byte) []byte { b[0] = 0xa0; b[len(b)-1] = 0; return b }),         // padding of nothing
		change(func(b []byte) []byte { b[0] = 0xa0; b[len(b)-1] = 11; return b }),        // padding of more than there is
		report(1), // RTCP on the RTP port of a leg without mux
		[]byte("\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00"), // DTLS
		[]byte("\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"),     // STUN
		[]byte("OPTIONS sip:a@example.org SIP/2.0\r\n\r\n"),        // SIP
	}
	for _, b := range junk {
		write(t, call.a.rtp, call.a.boxRTP(), b)
	}
	control := [][]byte{{0x80, 200, 0, 0}, report(1)[:20], append(report(1), 0x80), good,
		{0x80, 200, 0xff, 0xff, 0, 0, 0, 0}, {0x80, 199 - 64, 0, 1, 0, 0, 0, 0}, {0x40, 200, 0, 1, 0, 0, 0, 0}}
	for _, b := range control {
		write(t, call.a.rtcp, call.a.boxRTCP(), b)
	}
	want := uint64(len(junk) + len(control))
	call.stats(Caller, "not all of it was dropped", func(s LegStats) bool { return s.Malformed == want && s.PacketsIn+s.ControlIn == 0 })
	call.b.hearsNothing()
	silent(t, call.b.rtcp, "the far RTCP port")
	call.converse(3)
}

func TestSRTPTooShortForItsTagIsDropped(t *testing.T) {
	for _, suite := range []policy.Suite{aesCM, gcm} {
		call := newCall(t, plainRTP, suite)
		for _, n := range []int{12, 20, 21} {
			write(t, call.b.rtp, call.b.boxRTP(), append([]byte{0x80, 8}, make([]byte, n-2)...))
			write(t, call.b.rtcp, call.b.boxRTCP(), append([]byte{0x80, 200}, make([]byte, n-2)...))
		}
		call.stats(Callee, "not all of it was dropped", func(s LegStats) bool { return s.Malformed == 6 })
		call.converse(2)
	}
}
