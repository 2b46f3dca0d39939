package media

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"tollgate/firmware/policy"
)

// udptl is a packet of a fax: number, primary message, no redundancy.
func udptl(seq uint16, message []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, seq)
	if len(message) < 0x80 {
		b = append(b, byte(len(message)))
	} else {
		b = binary.BigEndian.AppendUint16(b, 0x8000|uint16(len(message)))
	}
	return append(append(b, message...), 0, 0)
}

func setFax(p *Params) { p.Fax, p.Send, p.Receive, p.RemoteRTCP = true, nil, nil, netip.AddrPort{} }

// hearsExactly fails the test unless the very packet is the next one.
func (p *peer) hearsExactly(packet []byte) {
	p.t.Helper()
	if b, _, ok := read(p.t, p.rtp, patience); !ok || !bytes.Equal(b, packet) {
		p.t.Fatalf("heard %x, want %x", b, packet)
	}
}

func TestAFaxByT38PassesAsItIs(t *testing.T) {
	c := newCall(t, plainRTP, aesCM)
	c.converse(3)
	c.a.set(setFax)
	c.b.set(setFax) // the policy has made an exception
	for i := range uint16(20) {
		for _, size := range []int{1, 40, 300} {
			packet := udptl(0x7ff0+i, bytes.Repeat([]byte{byte(i)}, size)) // beyond what could be taken for RTP
			write(t, c.a.rtp, c.a.boxRTP(), packet)
			c.b.hearsExactly(packet)
			write(t, c.b.rtp, c.b.boxRTP(), packet)
			c.a.hearsExactly(packet)
		}
	}
	for _, bad := range [][]byte{nil, {1, 2, 3}, {0, 1, 9, 0, 0}, {0, 1, 0xc1, 0, 0, 0}, c.a.next(tone(0, 440))[:12]} {
		write(t, c.a.rtp, c.a.boxRTP(), bad)
	}
	c.b.hearsNothing()

	// Then speech goes on, under the same keys.
	c.a.set()
	c.b.set()
	c.converse(3)
}

func TestAFaxAndSpeechDoNotMix(t *testing.T) {
	c := newCall(t, plainRTP, plainRTP)
	c.a.set(setFax)
	write(t, c.a.rtp, c.a.boxRTP(), udptl(1, []byte{1}))
	c.b.hearsNothing()
	for _, change := range []func(*Params){func(p *Params) { p.Fax = true }, func(p *Params) { p.ZRTP = true }} {
		secure := newCall(t, plainRTP, aesCM)
		p := secure.b.params()
		change(&p)
		if err := secure.b.leg.Set(p); err == nil {
			t.Error("what passes as it is passes on a leg with keys")
		}
	}
}

// zrtpPacket is a ZRTP packet with a message of a type.
func zrtpPacket(seq uint16, kind string) []byte {
	b := make([]byte, 16, 32)
	b[0] = 0x10
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], zrtpCookie)
	b[12], b[13], b[15] = 0x50, 0x5a, 3
	return append(append(b, (kind + "        ")[:8]...), 1, 2, 3, 4, 5, 6, 7, 8)
}

func TestWhatTheEndsEncryptBetweenThemPassesUntouched(t *testing.T) {
	c := newCall(t, plainRTP, plainRTP)
	through := func(p *Params) { p.ZRTP, p.PayloadMap = true, map[uint8]uint8{8: 96} }
	c.a.set(through)
	c.b.set(through)
	for i, kind := range []string{"Hello", "HelloACK", "Commit", "DHPart1", "DHPart2", "Confirm1"} {
		packet := zrtpPacket(uint16(i), kind)
		write(t, c.a.rtp, c.a.boxRTP(), packet)
		c.b.hearsExactly(packet)
		write(t, c.b.rtp, c.b.boxRTP(), packet)
		c.a.hearsExactly(packet)
	}
	c.a.talk([]byte("clear still"))
	if got := c.b.hear(); got.PayloadType != 96 {
		t.Errorf("before the ends agree the payload type is %d", got.PayloadType)
	}
	confirm := zrtpPacket(9, "Confirm2")
	write(t, c.a.rtp, c.a.boxRTP(), confirm)
	c.b.hearsExactly(confirm)
	if !c.Leg(Caller).Stats().ZRTP || !c.Leg(Callee).Stats().ZRTP {
		t.Error("the call is not marked")
	}
	// What follows is theirs: padding that makes no sense, payload types, reports that cannot be read.
	for _, packet := range [][]byte{
		{0xa0, 8, 0, 200, 0, 0, 0, 9, 0x5e, 0xed, 0, 1, 1, 2, 3, 0xff},
		{0x80, 8, 0, 201, 0, 0, 0, 9, 0x5e, 0xed, 0, 1, 1, 2, 3, 4},
	} {
		write(t, c.a.rtp, c.a.boxRTP(), packet)
		c.b.hearsExactly(packet)
	}
	sealedReport := []byte{0x80, 200, 0, 6, 0x5e, 0xed, 0, 1, 0xde, 0xad, 0xbe, 0xef, 0x80, 0, 0, 1, 9, 9, 9, 9}
	write(t, c.a.rtcp, c.a.boxRTCP(), sealedReport)
	if b, _, ok := read(t, c.b.rtcp, patience); !ok || !bytes.Equal(b, sealedReport) {
		t.Errorf("a report of theirs arrives as %x", b)
	}
	c.a.set(through) // a change of something else keeps it
	if !c.Leg(Caller).Stats().ZRTP {
		t.Error("a change has taken the mark away")
	}
	ack := zrtpPacket(10, "ClearACK")
	write(t, c.b.rtp, c.b.boxRTP(), ack)
	c.a.hearsExactly(ack)
	if c.Leg(Caller).Stats().ZRTP {
		t.Error("the ends have gone back to clear speech, and the mark is there")
	}
}

func TestZRTPPassesWhereBothLegsLetIt(t *testing.T) {
	for _, outside := range []policy.Suite{plainRTP, aesCM} {
		c := newCall(t, plainRTP, outside)
		c.a.set(func(p *Params) { p.ZRTP = true })
		write(t, c.a.rtp, c.a.boxRTP(), zrtpPacket(1, "Confirm2"))
		c.b.hearsNothing()
		if c.Leg(Caller).Stats().ZRTP {
			t.Error("the call is marked")
		}
	}
}
