package media

import (
	"encoding/binary"
	"testing"
)

// nullHello is a ClientHello that offers no cipher but that of nothing (RFC 6347 §4.2, RFC 5246 §7.4.1.2), as somebody
// sends it who wants to be there before the peer.
func nullHello() []byte {
	body := append([]byte{254, 253}, make([]byte, 32)...) // version, random
	body = append(body, 0, 0, 0, 2, 0, 0, 1, 0)           // no session, no cookie, TLS_NULL_WITH_NULL_NULL, no compression
	length := []byte{0, 0, byte(len(body))}
	message := append([]byte{1}, length...)
	message = append(message, 0, 0, 0, 0, 0)
	message = append(append(message, length...), body...)
	record := append([]byte{22, 254, 253}, make([]byte, 8)...)
	return append(binary.BigEndian.AppendUint16(record, uint16(len(message))), message...)
}

// Whoever can forge the peer's address can be first, but not end the call with it.
func TestAHandshakeThatBeginsWithNothingHindersNobody(t *testing.T) {
	call, h := newDTLSCall(t, true)
	h.agree(h.terms(aesCM))
	forger := listen(t, "127.0.2.9")
	for range 3 {
		write(t, forger, h.boxRTP(), nullHello())
	}
	drain(t, forger)
	h.meet(aesCM)
	call.converse(3)
	select {
	case err := <-h.failed:
		t.Errorf("the call would have been ended: %v", err)
	default:
	}
}
