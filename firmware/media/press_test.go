package media

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"tollgate/firmware/policy"
)

// eventPacket is the peer's next packet with a telephone event.
func (p *peer) eventPacket(pt uint8, event byte, timestamp uint32, duration uint16, over bool) {
	p.t.Helper()
	b := []byte{event, 10, 0, 0}
	if over {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], duration)
	h := rtp.Header{Version: 2, PayloadType: pt, SequenceNumber: p.seq, Timestamp: timestamp, SSRC: p.ssrc}
	p.seq++
	packet, err := (&rtp.Packet{Header: h, Payload: b}).Marshal()
	if err == nil && p.encrypt != nil {
		packet, err = p.encrypt.EncryptRTP(nil, packet, nil)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	write(p.t, p.rtp, p.boxRTP(), packet)
}

// told collects presses.
func told(t *testing.T, from <-chan Press, n int) (list []Press) {
	t.Helper()
	for range n {
		select {
		case p := <-from:
			list = append(list, p)
		case <-time.After(patience):
			t.Fatalf("told of %v alone", list)
		}
	}
	select {
	case p := <-from:
		t.Errorf("told of %v too", p)
	case <-time.After(quiet):
	}
	return list
}

// listening is a call whose outer leg's presses are taken out.
func listening(t *testing.T, suite policy.Suite) (*call, <-chan Press) {
	c, presses := newCall(t, plainRTP, suite), make(chan Press, 16)
	c.b.set(func(p *Params) {
		p.Events = &Events{Send: 101, Receive: 96, Rate: 8000, Pressed: func(p Press) { presses <- p }}
	})
	return c, presses
}

func TestAKeyPressIsTakenOutOfTheAudioAndToldOnce(t *testing.T) {
	for _, suite := range []policy.Suite{plainRTP, aesCM} {
		c, presses := listening(t, suite)
		c.b.talk([]byte("before"))
		c.a.hears([]byte("before"))
		press := func(event byte, at uint32, ends int) {
			for i := range uint16(3) {
				c.b.eventPacket(96, event, at, 160*(i+1), false)
			}
			for range ends {
				c.b.eventPacket(96, event, at, 640, true)
			}
		}
		press(5, 20000, 3)
		press(5, 21000, 1)                       // the same key again, two of three ends lost
		press(11, 22000, 0)                      // all of them lost, and the next key follows
		press(16, 23000, 3)                      // the hook
		press(200, 24000, 3)                     // no key
		press(12, 25000, 0)                      // all of them lost, and speech follows
		c.b.eventPacket(96, 5, 21000, 640, true) // a late end
		c.b.seq += 200
		c.b.talk([]byte("after"))
		c.a.hears([]byte("after"))
		want := []Press{{'5', 80 * time.Millisecond}, {'5', 80 * time.Millisecond}, {'#', 60 * time.Millisecond}, {'!', 80 * time.Millisecond}, {'A', 60 * time.Millisecond}}
		if diff := cmp.Diff(want, told(t, presses, len(want))); diff != "" {
			t.Errorf("%s: presses differ (-want +got):\n%s", suite, diff)
		}
	}
}

func TestALongPressInSegmentsIsOne(t *testing.T) {
	c, presses := listening(t, plainRTP)
	c.b.eventPacket(96, 9, 1000, 0xffff, false)
	c.b.eventPacket(96, 9, 1000+0xffff, 800, false)
	c.b.eventPacket(96, 9, 1000+0xffff, 1600, true)
	if got := told(t, presses, 1)[0]; got.Key != '9' || got.Duration != (0xffff+1600)*time.Second/8000 {
		t.Errorf("told of %c for %v", got.Key, got.Duration)
	}
}

func TestNoPressCrossesAsTheEventThatItWas(t *testing.T) {
	c, _ := listening(t, plainRTP)
	c.b.eventPacket(96, 1, 1000, 160, false)
	c.a.hearsNothing()
}

// shape is what a packet with an event says.
func shape(p *rtp.Packet) string {
	return fmt.Sprintf("%d pt %d marker %v event %d over %v duration %d", p.SequenceNumber, p.PayloadType, p.Marker, p.Payload[0], p.Payload[1]&0x80 != 0, binary.BigEndian.Uint16(p.Payload[2:]))
}

func TestAKeyIsPressedInThePlaceOfTheAudio(t *testing.T) {
	for _, suite := range []policy.Suite{plainRTP, gcm} {
		c := newCall(t, plainRTP, suite)
		c.b.set(func(p *Params) { p.Events = &Events{Send: 97, Rate: 8000} })
		c.a.talk(tone(0, 440))
		c.b.hears(tone(0, 440))
		for _, key := range "4#" {
			if err := c.b.leg.Press(Press{byte(key), 60 * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		var stamps []uint32
		for i := range 15 {
			c.a.talk(tone(i, 440))
			p := c.b.hear()
			if p.SequenceNumber != uint16(101+i) || p.SSRC != c.a.ssrc {
				t.Errorf("%s: packet %d leaves as %+v", suite, i, p.Header)
			}
			if p.PayloadType == 97 {
				got, stamps = append(got, shape(p)), append(stamps, p.Timestamp)
			}
		}
		want := []string{
			"101 pt 97 marker true event 4 over false duration 160", "102 pt 97 marker false event 4 over false duration 320",
			"103 pt 97 marker false event 4 over true duration 480", "104 pt 97 marker false event 4 over true duration 480",
			"105 pt 97 marker false event 4 over true duration 480",
			"109 pt 97 marker true event 11 over false duration 160", "110 pt 97 marker false event 11 over false duration 320",
			"111 pt 97 marker false event 11 over true duration 480", "112 pt 97 marker false event 11 over true duration 480",
			"113 pt 97 marker false event 11 over true duration 480",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: events differ (-want +got):\n%s", suite, diff)
		}
		for i, at := range stamps {
			if want := uint32(101+8*(i/5)) * 160; at != want {
				t.Errorf("%s: event packet %d is stamped %d, want %d", suite, i, at, want)
			}
		}
	}
}

func TestAKeyIsPressedTowardsAPeerThatGetsNoAudio(t *testing.T) {
	c := newCall(t, plainRTP, aesCM)
	c.b.set(func(p *Params) { p.Events = &Events{Send: 97, Rate: 8000} })
	if err := c.b.leg.Press(Press{'7', 50 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	first := c.b.hear()
	if !first.Marker || first.PayloadType != 97 || first.Payload[0] != 7 {
		t.Errorf("the first packet is %s", shape(first))
	}
	ends, last := 0, first
	for ends < 3 {
		p := c.b.hear()
		if p.Timestamp != first.Timestamp || p.SSRC != first.SSRC || p.SequenceNumber != last.SequenceNumber+1 || p.Marker {
			t.Fatalf("after %+v comes %+v", last.Header, p.Header)
		}
		if last = p; p.Payload[1]&0x80 != 0 {
			ends++
		}
	}
	if d := binary.BigEndian.Uint16(last.Payload[2:]); d != 400 {
		t.Errorf("its duration is %d, want 400", d)
	}
	c.b.hearsNothing()
}

func TestAKeyThatCannotBePressedIsToldSo(t *testing.T) {
	c := newCall(t, plainRTP, plainRTP)
	if err := c.b.leg.Press(Press{Key: '1'}); err == nil {
		t.Error("a peer without events gets one")
	}
	c.b.set(func(p *Params) { p.Events = &Events{Send: 97, Rate: 8000} })
	if err := c.b.leg.Press(Press{Key: 'x'}); err == nil {
		t.Error("a key that is none is pressed")
	}
	var err error
	for range 20 {
		if err = c.b.leg.Press(Press{Key: '1', Duration: time.Hour}); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("twenty keys wait at once")
	}
	c.Close()
	if err := c.b.leg.Press(Press{Key: '1'}); err == nil {
		t.Error("a key is pressed in a call that is over")
	}
}
