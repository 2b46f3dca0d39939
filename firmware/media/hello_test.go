package media

import (
	"encoding/binary"
	"testing"
)

// piece is part of a ClientHello of 1413 octets, as Chromium sends it: from an octet on, all of them of one value where the
// first piece has its random, without a cookie.
func piece(offset int, value byte) []byte {
	const whole, most = 1413, 1175
	length := min(most, whole-offset)
	b := make([]byte, helloMessage+12+length)
	b[0], b[1], b[2] = 22, 0xfe, 0xff
	binary.BigEndian.PutUint16(b[11:], uint16(12+length))
	message := b[helloMessage:]
	message[0] = 1
	binary.BigEndian.PutUint16(message[2:], whole)
	binary.BigEndian.PutUint16(message[7:], uint16(offset))
	binary.BigEndian.PutUint16(message[10:], uint16(length))
	for i := range 32 {
		b[helloRandom+i] = value
	}
	return b
}

func TestTheRestOfAClientHelloIsNoOtherOne(t *testing.T) {
	var h hello
	for i, b := range [][]byte{piece(0, 1), piece(1175, 2), piece(0, 1), piece(1175, 2)} {
		if h.givesWayTo(b) {
			t.Errorf("packet %d is taken for the beginning of another handshake", i)
		}
	}
	if !h.givesWayTo(piece(0, 3)) {
		t.Error("another handshake does not count")
	}
}
