package call

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/pion/srtp/v3"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// t38 is a description of a fax.
func t38(addr string) string {
	return strings.Join([]string{"v=0", "o=marked-user 42 2 IN IP4 " + addr, "s=marked-session", "c=IN IP4 " + addr, "t=0 0",
		"m=image 4000 udptl t38", "a=T38FaxVersion:0", "a=T38FaxUdpEC:t38UDPRedundancy"}, "\r\n") + "\r\n"
}

var clearToday = policy.Exception{Reason: "an old fax", Until: time.Now().AddDate(0, 0, 1).Format(time.DateOnly)}

// switchTo has one peer ask for something else and the other accept it.
func switchTo(t *testing.T, from, to *dialog, offer, answer string) (passed, answered []byte) {
	t.Helper()
	out := from.ask(sip.INVITE, offer)
	in := to.request(sip.INVITE)
	if err := in.Respond(to.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(answer), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	to.request(sip.ACK)
	res := from.expect(200)
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	return in.Body(), res.Body()
}

func TestAFaxByT38PassesWhereNothingIsEncrypted(t *testing.T) {
	s := newScene(t, viaB(nil))
	s.hear()
	office, carrier := newHandset(t, s), newHandset(t, s)
	caller := s.pbx.dial("201", "00472105518", office.at(clearSDP("192.0.2.50")))
	callee := s.b.called()
	callee.respond(200, carrier.at(clearSDP("203.0.113.8")))
	callee.request(sip.ACK)
	caller.ack(caller.expect(200))

	passed, answered := switchTo(t, callee, caller, carrier.at(t38("203.0.113.8")), office.at(t38("192.0.2.50")))
	office.knows(passed, true)
	carrier.knows(answered, false)
	for i := range byte(10) {
		packet := []byte{0xab, i, 4, 1, 2, 3, i, 0, 0}
		office.write(packet)
		if got := carrier.read(); !bytes.Equal(got, packet) {
			t.Fatalf("the carrier gets %x", got)
		}
		carrier.write(packet)
		if got := office.read(); !bytes.Equal(got, packet) {
			t.Fatalf("the office gets %x", got)
		}
	}
	if got := s.desk.Calls()[0].Callee.Codec; got != "T.38" {
		t.Errorf("the call is shown with %s", got)
	}
	// Back to speech, from the other side.
	passed, _ = switchTo(t, caller, callee, office.at(clearSDP("192.0.2.50")), carrier.at(clearSDP("203.0.113.8")))
	if !strings.Contains(string(passed), " RTP/AVP 8 0 101\r\n") {
		t.Errorf("the carrier is offered\n%s", passed)
	}
	office.say(8, 160, []byte("hello"))
	if got := carrier.read(); !bytes.HasSuffix(got, []byte("hello")) {
		t.Errorf("the carrier hears %q", got)
	}
}

// The carrier's leg is encrypted; the fax goes on as sound, and not a bit of it changes.
func TestAFaxByT38IsRefusedWhereAudioIsEncrypted(t *testing.T) {
	for name, e := range map[string]policy.Exception{"no exception": {}, "an exception that is over": {Reason: "an old fax", Until: "2026-01-31"}} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, func(p *policy.Policy) { p.Trunks[0].ClearT38 = e })
			s.hear()
			office, carrier := newHandset(t, s), newHandset(t, s)
			caller := s.pbx.dial("201", "00472105518", office.at(clearSDP("192.0.2.50")))
			callee := s.a.called()
			carrier.knows(callee.in.Body(), false)
			keys := newSealed(t, callee.in.Body())
			callee.respond(200, carrier.at(secureSDP("203.0.113.8")))
			callee.request(sip.ACK)
			res := caller.expect(200)
			caller.ack(res)
			office.knows(res.Body(), true)

			for _, d := range []*dialog{caller, callee} {
				d.ask(sip.INVITE, t38("192.0.2.50"))
				d.expect(488)
			}
			for i := range uint32(50) {
				tone := modem(int(i))
				office.say(8, 160*i, tone)
				if got := keys.open(carrier.read()); !bytes.HasSuffix(got, tone) || len(got) != 12+len(tone) {
					t.Fatalf("packet %d has changed on its way out", i)
				}
				carrier.write(keys.seal(uint16(i), 160*i, tone))
				if got := office.read(); !bytes.HasSuffix(got, tone) || len(got) != 12+len(tone) {
					t.Fatalf("packet %d has changed on its way in", i)
				}
			}
		})
	}
}

func TestACallThatBeginsWithAFaxIsRefusedWhereAudioHasToBeEncrypted(t *testing.T) {
	s := newScene(t, nil)
	s.a.dial("+33612345678", "+33123456700", t38("203.0.113.8")).expect(488)
	if e := find[event.CallRefused](s); e.Rule != "trunks.clear_t38" || !strings.Contains(e.Reason, "T.38 is never encrypted") {
		t.Errorf("told %+v", e)
	}
}

func TestAnExceptionLetsAFaxGoInTheClearAndTheKeysComeBack(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Trunks[0].ClearT38 = clearToday })
	s.hear()
	office, carrier := newHandset(t, s), newHandset(t, s)
	caller := s.pbx.dial("201", "00472105518", office.at(clearSDP("192.0.2.50")))
	callee := s.a.called()
	first := callee.in.Body()
	callee.respond(200, carrier.at(secureSDP("203.0.113.8")))
	callee.request(sip.ACK)
	caller.ack(caller.expect(200))

	passed, answered := switchTo(t, caller, callee, office.at(t38("192.0.2.50")), carrier.at(t38("203.0.113.8")))
	carrier.knows(passed, false)
	office.knows(answered, true)
	packet := []byte{0, 1, 2, 7, 7, 0, 0}
	office.write(packet)
	if got := carrier.read(); !bytes.Equal(got, packet) {
		t.Errorf("the carrier gets %x", got)
	}
	if s.desk.Calls()[0].Callee.Encrypted() {
		t.Error("the fax is shown as encrypted")
	}
	passed, _ = switchTo(t, caller, callee, office.at(clearSDP("192.0.2.50")), carrier.at(secureSDP("203.0.113.8")))
	if got, before := keysIn(passed), keysIn(first); len(got) != 1 || got[policy.SuiteAESCM128SHA180] != before[policy.SuiteAESCM128SHA180] || !strings.Contains(string(passed), " RTP/SAVP ") {
		t.Errorf("after the fax the carrier is offered\n%s", passed)
	}
	callee.ask(sip.INVITE, clearSDP("203.0.113.8"))
	callee.expect(488)
}

func TestZRTPPassesBetweenEndsThatAreSpokenWithInTheClear(t *testing.T) {
	hash := "a=zrtp-hash:1.10 " + strings.Repeat("0f", 32)
	for trunk, passes := range map[string]bool{"carrier-a": false, "carrier-b": true} {
		s := newScene(t, func(p *policy.Policy) { p.Routes[0].Trunks = []string{trunk} })
		s.hear()
		office, carrier := newHandset(t, s), newHandset(t, s)
		caller := s.pbx.dial("201", "00472105518", office.at(clearSDP("192.0.2.50", hash)))
		to, describe := s.b, clearSDP
		if !passes {
			to, describe = s.a, secureSDP
		}
		callee := to.called()
		if got := strings.Contains(string(callee.in.Body()), hash); got != passes {
			t.Errorf("%s is told the hash: %v", trunk, got)
		}
		callee.respond(200, carrier.at(describe("203.0.113.8", hash)))
		callee.request(sip.ACK)
		res := caller.expect(200)
		caller.ack(res)
		if got := strings.Contains(string(res.Body()), hash); got != passes {
			t.Errorf("the office is told the hash of %s: %v", trunk, got)
		}
		if !passes {
			continue
		}
		office.knows(res.Body(), true)
		confirm := append([]byte("\x10\x00\x00\x01ZRTP\x01\x02\x03\x04\x50\x5a\x00\x13Confirm2"), make([]byte, 40)...)
		office.write(confirm)
		if got := carrier.read(); !bytes.Equal(got, confirm) {
			t.Errorf("the carrier gets %x", got)
		}
		if c := s.desk.Calls()[0]; !c.Caller.Media.ZRTP || !c.Callee.Media.ZRTP {
			t.Error("the call is not marked")
		}
	}
}

// modem is the i-th packet of 20 ms of a modem: bits that nobody can guess, the same in every run.
func modem(i int) (b []byte) {
	for k := range 5 {
		sum := sha256.Sum256(fmt.Appendf(nil, "modem %d %d", i, k))
		b = append(b, sum[:]...)
	}
	return b
}

// sealed is a peer with the keys of an offer of the box's, and someKey as its own.
type sealed struct {
	t         *testing.T
	ours, box *srtp.Context
}

func newSealed(t *testing.T, offer []byte) *sealed {
	t.Helper()
	context := func(text string) *srtp.Context {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := srtp.CreateContext(key[:16], key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	_, own, _ := strings.Cut(someKey, "inline:")
	return &sealed{t, context(own), context(keysIn(offer)[policy.SuiteAESCM128SHA180])}
}

func (s *sealed) open(packet []byte) []byte {
	s.t.Helper()
	b, err := s.box.DecryptRTP(nil, packet, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *sealed) seal(seq uint16, timestamp uint32, payload []byte) []byte {
	s.t.Helper()
	b := []byte{0x80, 8, byte(seq >> 8), byte(seq), byte(timestamp >> 24), byte(timestamp >> 16), byte(timestamp >> 8), byte(timestamp), 0, 0, 0xca, 0x11}
	b, err := s.ours.EncryptRTP(nil, append(b, payload...), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}
