package media

import (
	"bytes"
	"strings"
	"testing"

	"tollgate/firmware/g711"
	"tollgate/firmware/policy"
)

// convertedCall is a call whose inside has PCMA and whose outside has PCMU.
func convertedCall(t *testing.T, outside policy.Suite) *call {
	c := newCall(t, plainRTP, outside)
	c.b.pt = 0
	c.a.set(func(p *Params) {
		p.PayloadMap, p.Conversions = map[uint8]uint8{8: 0, 101: 96}, map[uint8]g711.Conversion{8: g711.AToMu}
	})
	c.b.set(func(p *Params) {
		p.PayloadMap, p.Conversions = map[uint8]uint8{0: 8, 96: 101}, map[uint8]g711.Conversion{0: g711.MuToA}
	})
	return c
}

func converted(c g711.Conversion, speech []byte) []byte {
	speech = bytes.Clone(speech)
	c.Convert(speech)
	return speech
}

func TestSpeechIsConvertedBetweenTheEncodingsOfG711(t *testing.T) {
	for _, suite := range []policy.Suite{plainRTP, aesCM, gcm} {
		call := convertedCall(t, suite)
		for i := range 20 {
			said := tone(i, 440)
			call.a.talk(said)
			got := call.b.hear()
			if got.PayloadType != 0 || got.SequenceNumber != uint16(100+i) || got.Timestamp != uint32(16000+160*i) || !bytes.Equal(got.Payload, converted(g711.AToMu, said)) {
				t.Fatalf("%s: packet %d arrives as %+v", suite, i, got.Header)
			}
			call.b.talk(said)
			if got := call.a.hear(); got.PayloadType != 8 || !bytes.Equal(got.Payload, converted(g711.MuToA, said)) {
				t.Fatalf("%s: packet %d arrives as %+v", suite, i, got.Header)
			}
		}
	}
}

func TestKeyPressesAndComfortNoiseAreNotConverted(t *testing.T) {
	call := convertedCall(t, plainRTP)
	for _, c := range []struct {
		from, to uint8
		payload  string
	}{{101, 96, "\x05\x0a\x00\xa0"}, {13, 13, "\x40"}} {
		call.a.pt = c.from
		call.a.talk([]byte(c.payload))
		if got := call.b.hear(); got.PayloadType != c.to || string(got.Payload) != c.payload {
			t.Errorf("payload type %d arrives as %d with %x", c.from, got.PayloadType, got.Payload)
		}
	}
}

// Sources behind the header, an extension and padding are not speech.
func TestOnlySpeechIsConverted(t *testing.T) {
	call := convertedCall(t, plainRTP)
	call.a.talk([]byte{0xd5})
	call.b.hear()
	packet := []byte{0xb1, 8, 0, 101, 0, 0, 0, 1, 0x5e, 0xed, 0, 1, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 7, 7, 7, 7, 0xd5, 0xd5, 0xd5, 0xd5, 0, 3, 3}
	want := bytes.Clone(packet)
	want[1] = 0
	want = append(append(want[:24:24], converted(g711.AToMu, packet[24:28])...), packet[28:]...)
	write(t, call.a.rtp, call.a.boxRTP(), packet)
	if b, _, ok := read(t, call.b.rtp, patience); !ok || !bytes.Equal(b, want) {
		t.Errorf("arrives as %x, want %x", b, want)
	}
}

func TestAPayloadTypeThatIsNoneIsRefused(t *testing.T) {
	call := newCall(t, plainRTP, plainRTP)
	for _, change := range []func(*Params){
		func(p *Params) { p.PayloadMap = map[uint8]uint8{128: 0} },
		func(p *Params) { p.PayloadMap = map[uint8]uint8{0: 128} },
		func(p *Params) { p.Conversions = map[uint8]g711.Conversion{128: g711.AToMu} },
	} {
		p := call.a.params()
		change(&p)
		if err := call.a.leg.Set(p); err == nil || !strings.Contains(err.Error(), "they go up to 127") {
			t.Errorf("got %v", err)
		}
	}
}
