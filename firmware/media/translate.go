package media

import (
	"fmt"

	"tollgate/firmware/g711"
)

// translation is how packets from one leg's peer become packets that the other's understands, by the payload type that
// arrives.
type translation struct {
	types       [128]uint8
	conversions [128]g711.Conversion
}

// unchanged is the translation of most calls.
var unchanged = func() *translation {
	t := new(translation)
	for i := range t.types {
		t.types[i] = uint8(i)
	}
	return t
}()

// translationOf makes it from parameters.
func translationOf(p Params) (*translation, error) {
	if len(p.PayloadMap)+len(p.Conversions) == 0 {
		return unchanged, nil
	}
	t := new(translation)
	*t = *unchanged
	for from, to := range p.PayloadMap {
		if from > 127 || to > 127 {
			return t, fmt.Errorf("payload type %d cannot become %d: they go up to 127", from, to)
		}
		t.types[from] = to
	}
	for from, c := range p.Conversions {
		if from > 127 {
			return t, fmt.Errorf("payload type %d cannot be converted: they go up to 127", from)
		}
		t.conversions[from] = c
	}
	return t, nil
}

// translate changes a sound RTP packet in place. Its length and its timing stay as they are.
func (t *translation) translate(packet []byte) {
	pt := packet[1] & 0x7f
	packet[1] = packet[1]&0x80 | t.types[pt]
	if c := t.conversions[pt]; c != g711.None {
		c.Convert(payload(packet))
	}
}

// payload returns what a sound RTP packet carries, without header and padding (RFC 3550 §5.1).
func payload(packet []byte) []byte {
	end := len(packet)
	if packet[0]&0x20 != 0 {
		end -= int(packet[end-1])
	}
	return packet[headerSize(packet):end]
}
