package media

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Who waits for a handshake answers the first ClientHello with a cookie, and goes on with who returns it (RFC 6347 §4.2.1):
// a forged address gets no further. But a library that has answered one does not listen to another, so that a single
// forged packet would keep the peer out. Therefore a beginning whose cookie has not been returned gives way to the next:
//
//	record: type 22, version, epoch 0, number, length | message: type 1, length, number, offset, length | version, random(32) | session | cookie

// errGivesWay ends an attempt to shake hands for another.
var errGivesWay = errors.New("another handshake begins")

// hello is how far the beginning of a handshake has come.
type hello struct {
	begun  bool
	proved bool // the cookie was returned, if it is the right one
	random [32]byte
}

const (
	helloMessage = 13                // where the message begins
	helloOffset  = helloMessage + 6  // where its offset is
	helloRandom  = helloMessage + 14 // where its random begins
	helloSession = helloRandom + 32
)

// readHello reads a ClientHello, or the first piece of one: those of browsers, with the keys of several key exchanges in them,
// do not fit into a packet. ok is false when the packet is none.
func readHello(b []byte) (random []byte, cookie, ok bool) {
	if len(b) < helloSession+2 || b[0] != 22 || binary.BigEndian.Uint16(b[3:]) != 0 || b[helloMessage] != 1 || [3]byte(b[helloOffset:]) != [3]byte{} {
		return nil, false, false
	}
	session := int(b[helloSession])
	if len(b) < helloSession+session+2 {
		return nil, false, false
	}
	return b[helloRandom:helloSession], b[helloSession+1+session] > 0, true
}

// givesWayTo tells whether a packet begins another handshake that counts more.
func (h *hello) givesWayTo(packet []byte) bool {
	random, cookie, ok := readHello(packet)
	switch {
	case !ok:
		return false
	case cookie:
		h.proved = h.proved || h.begun && bytes.Equal(random, h.random[:])
		return false
	case !h.begun:
		h.begun = true
		copy(h.random[:], random)
		return false
	}
	return !h.proved && !bytes.Equal(random, h.random[:])
}
