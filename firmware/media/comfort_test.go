package media

import "testing"

// A telephone that suppresses silence says what the silence is like (RFC 3389) and then nothing, until its user speaks.
func TestComfortNoiseAndTheSilenceAfterItPass(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.converse(3)
	call.a.pt = 13
	call.a.talk([]byte{0x40})
	if got := call.b.hear(); got.PayloadType != 13 || len(got.Payload) != 1 || got.Payload[0] != 0x40 {
		t.Errorf("comfort noise arrives as %v", got)
	}
	call.a.pt = 8
	again := call.a.next([]byte("and then"))
	again[1] |= 0x80                             // a talk spurt begins (RFC 3551 §4.1)
	again[4], again[5] = 0x00, 0x03              // a long time after,
	write(t, call.a.rtp, call.a.boxRTP(), again) // under the next number
	if got := call.b.hear(); !got.Marker || got.Timestamp>>16 != 3 || string(got.Payload) != "and then" {
		t.Errorf("speech after a silence arrives as %v", got)
	}
	call.converse(3)
	in := call.crossing(Caller, "nothing is shown", func(c Crossing) bool { return c.In.Expected == 8 }).In
	if in.Lost != 0 {
		t.Errorf("a silence is counted as loss: %+v", in)
	}
}
