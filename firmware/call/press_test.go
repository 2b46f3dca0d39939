package call

import (
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// Two peers of which one signals key presses by INFO alone, with audio that really flows.
func TestKeyPressesAreConvertedBetweenInfoAndTheAudio(t *testing.T) {
	s := newScene(t, viaB(func(p *policy.Policy) { p.PBX.DTMF = policy.DTMFInfo }))
	s.hear()
	office, carrier := newHandset(t, s), newHandset(t, s)
	caller := s.pbx.dial("201", "00472105518", office.at(speaks("192.0.2.50", "8")))
	callee := s.b.called()
	if got := formatsOf(callee.in.Body()); got != "8 101" {
		t.Errorf("the carrier is offered %s", got)
	}
	carrier.knows(callee.in.Body(), false)
	callee.respond(200, carrier.at(speaks("203.0.113.8", "8 96", "a=rtpmap:96 telephone-event/8000")))
	callee.request(sip.ACK)
	res := caller.expect(200)
	caller.ack(res)
	office.knows(res.Body(), true)
	if got := formatsOf(res.Body()); got != "8" {
		t.Errorf("the office is answered %s", got)
	}

	// From the carrier's audio to INFO. Its events come in the type that the box has offered.
	for i := range 3 {
		carrier.say(101, 8000, []byte{11, 10, 0, byte(80 * (i + 1))})
	}
	carrier.say(101, 8000, []byte{11, 0x8a, 1, 0x40})
	in := caller.request(sip.INFO)
	if string(in.Body()) != "Signal=#\r\nDuration=40\r\n" || in.BodyType() != relayType {
		t.Errorf("the office is told %s: %q", in.BodyType(), in.Body())
	}
	in.Refuse(ua.Reply{Status: 200})

	// From INFO to the carrier's audio, in the type that the carrier has answered with.
	caller.askBy(sip.INFO, relayType, "Signal=7\r\nDuration=60\r\n")
	caller.expect(200)
	for i := 0; ; i++ {
		office.say(8, uint32(160*i), make([]byte, 160))
		b := carrier.read()
		if b == nil || i > 100 {
			t.Fatal("the carrier gets no key press")
		}
		if b[1]&0x7f == 96 {
			if b[1] != 0x80|96 || len(b) != 16 || b[12] != 7 {
				t.Errorf("the carrier gets %x", b)
			}
			break
		}
	}
	caller.askBy(sip.INFO, relayType, "Signal=nonsense\r\n")
	caller.expect(400)
}

func TestAnInfoIsPressedForWhoWantsItInTheAudioAndPassedOnOtherwise(t *testing.T) {
	for dtmf, pressed := range map[policy.DTMF]bool{policy.DTMFPass: false, policy.DTMFRFC4733: true} {
		for formats, agreed := range map[string]bool{"8 101": true, "8": false} {
			s := newScene(t, viaB(func(p *policy.Policy) { p.Trunks[1].DTMF = dtmf }))
			caller := s.pbx.dial("201", "00472105518", speaks("192.0.2.50", "8 101"))
			callee := s.b.called()
			callee.respond(200, speaks("203.0.113.8", formats))
			callee.request(sip.ACK)
			caller.ack(caller.expect(200))
			caller.askBy(sip.INFO, "application/dtmf", "4")
			if !pressed || !agreed {
				callee.request(sip.INFO).Refuse(ua.Reply{Status: 200})
			}
			caller.expect(200)
		}
	}
}

func TestKeysAreReadInEverySpelling(t *testing.T) {
	const usual = usualPress
	for _, c := range []struct {
		kind, body string
		want       media.Press
		ok         bool
	}{
		{relayType, "Signal=5\r\nDuration=160\r\n", media.Press{Key: '5', Duration: usual}, true},
		{relayType, "Signal= *\nDuration = 90", media.Press{Key: '*', Duration: 90 * time.Millisecond}, true},
		{relayType, "signal=11\r\n", media.Press{Key: '#', Duration: usual}, true},
		{relayType, "Signal=d\r\nDuration=0\r\n", media.Press{Key: 'D', Duration: usual}, true},
		{relayType, "Signal=16\r\nDuration=1e9\r\n", media.Press{Key: '!', Duration: usual}, true},
		{"application/dtmf", " 0 \r\n", media.Press{Key: '0', Duration: usual}, true},
		{"application/dtmf", "", media.Press{}, false},
		{relayType, "Duration=160\r\n", media.Press{}, false},
		{relayType, "Signal=17\r\n", media.Press{}, false},
		{relayType, "Signal=55\r\n", media.Press{}, false},
	} {
		got, ok := readPress(c.kind, []byte(c.body))
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s %q is %c for %v, %v", c.kind, c.body, got.Key, got.Duration, ok)
		}
	}
}

func FuzzReadPress(f *testing.F) {
	f.Add(relayType, []byte("Signal=5\r\nDuration=160\r\n"))
	f.Add("application/dtmf", []byte("#"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		p, ok := readPress(kind, body)
		if !ok {
			return
		}
		if p.Duration <= 0 || p.Duration > 66*time.Second {
			t.Errorf("%q lasts %v", body, p.Duration)
		}
		if again, ok := readPress(relayType, writePress(p)); !ok || again != p {
			t.Errorf("%+v, written and read, is %+v", p, again)
		}
	})
}
