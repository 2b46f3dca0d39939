package media

import (
	"encoding/binary"
	"net/netip"
)

// receive takes one packet off a socket and relays it. One for each event is enough: epoll tells again of what is left.
func (w *worker) receive(f *flow) {
	n, errno := f.socket.Receive(w.in[:], &w.from)
	if errno != 0 {
		w.complain(f) // or nothing there after all
		return
	}
	w.take(f, w.from.AddrPort(), w.in[:], n)
}

// take relays a packet of n bytes that has come for a flow. When n exceeds its buffer it was cut.
func (w *worker) take(f *flow, from netip.AddrPort, b []byte, n int) {
	c := f.half.counters
	if !f.expects(from) && !f.succeeds(from, b[:min(n, len(b))], w.now) {
		c.strangers.Add(1)
		f.half.account.stranger = from
		return
	}
	if n > len(b) {
		c.malformed.Add(1)
		return
	}
	w.pass(f, from, b[:n])
}

// pass takes a packet from an expected source through the stages that the package comment draws.
func (w *worker) pass(f *flow, from netip.AddrPort, packet []byte) {
	h := f.half
	if h.fax {
		w.forward(f, from, packet)
		return
	}
	control, v := f.kind(packet)
	switch {
	case v == passed:
		packet, v = w.open(f, packet, control)
	case h.zrtp && h.far.zrtp && isZRTP(packet):
		w.agree(f, from, packet)
		return
	case f.divert(from, packet):
		return
	}
	if v != passed {
		h.counters.refused(v)
		return
	}
	f.learn(from, w.now)
	h.counters.arrived(len(packet), control, w.now)
	w.pulse.packets++
	switch {
	case control && !h.secluded:
		h.account.control(packet, &h.far.account, h.clock, w.now)
	case !control:
		h.account.audio(packet, h.clock, w.now)
	}
	if !control && !h.secluded {
		if packet = w.adapt(h, packet); packet == nil {
			return
		}
	}
	if v := w.send(h.far, packet, control); v != passed {
		h.counters.refused(v)
	}
}

// adapt makes of an RTP packet what the other leg's peer understands; nil: nothing is left to send.
func (w *worker) adapt(h *half, packet []byte) []byte {
	if h.events != nil && h.events.Pressed != nil && w.events(h, packet) {
		return nil
	}
	h.translate(packet)
	if k := h.far.keypad; k != nil && k.waiting > 0 {
		packet = w.replace(h.far, packet)
	}
	return packet
}

// kind tells RTP from RTCP.
func (f *flow) kind(packet []byte) (control bool, v verdict) {
	if len(packet) < 8 || packet[0]>>6 != 2 { // version 2 of RTP and RTCP alike
		return false, malformed
	}
	// RFC 5761 §4: the second byte of RTCP is its packet type, that of RTP marker and payload type.
	control = packet[1] >= 192 && packet[1] <= 223
	if f.control != control && (f.control || !f.half.mux) {
		return false, malformed
	}
	return control, passed
}

// open checks a packet and, on an encrypted leg, authenticates and decrypts it.
func (w *worker) open(f *flow, packet []byte, control bool) ([]byte, verdict) {
	v := passed
	if f.secret() {
		sealed := packet
		packet, v = w.unseal(f, sealed, control)
		if v != passed && f.former != nil {
			packet, v = w.openFormer(f, sealed, control, v)
		}
	}
	if v == passed && !f.half.secluded && !(control && isRTCP(packet) || !control && isRTP(packet)) {
		v = malformed
	}
	return packet, v
}

// unseal authenticates and decrypts a packet with the key in force, if there is one already.
func (w *worker) unseal(f *flow, sealed []byte, control bool) ([]byte, verdict) {
	if f.open == nil {
		return nil, early
	}
	return f.open.unseal(w.tools, w.clear[:], sealed, control)
}

// openFormer tries the key before, while it is still good. A packet that does not fit it either keeps its verdict.
func (w *worker) openFormer(f *flow, sealed []byte, control bool, v verdict) ([]byte, verdict) {
	if w.now.After(f.formerUntil) {
		f.former = nil
		return nil, v
	}
	if packet, again := f.former.unseal(w.tools, w.clear[:], sealed, control); again == passed {
		return packet, passed
	}
	return nil, v
}

// send encrypts a packet, where the leg is encrypted, and sends it to the leg's peer. RTCP goes on during a hold
// (RFC 3264 §5.1). A verdict other than passed says that the packet must not be sent.
func (w *worker) send(h *half, packet []byte, control bool) verdict {
	f := h.rtp
	if control && !h.mux {
		f = h.rtcp
	}
	if !f.to.IsValid() || f.pending || h.hold && !control || h.noRTCP && control {
		h.counters.withheld.Add(1)
		return passed
	}
	if control {
		h.account.sends(packet, w.now)
	}
	packet, v := w.seal(f, packet, control)
	if v != passed {
		return v
	}
	if w.ship(f, packet, control) {
		return passed
	}
	if errno := f.socket.Send(packet, &f.to); errno != 0 {
		h.counters.withheld.Add(1)
	} else {
		h.counters.left(len(packet), control)
	}
	return passed
}

// seal encrypts a packet where the flow is encrypted.
func (w *worker) seal(f *flow, packet []byte, control bool) ([]byte, verdict) {
	switch {
	case f.seal == nil:
		return packet, passed
	case control:
		return f.seal.rtcp(w.tools, w.out[:], packet)
	}
	return f.seal.rtp(w.tools, w.out[:], packet)
}

// verdict is what became of a packet.
type verdict int

const (
	passed    verdict = iota
	malformed         // not what it should be, or not RTP at all
	forged            // its authentication fails
	early             // the key for it is still being made
	replayed          // it was there before
	crowded           // it is from one source more than a leg may have
)

// headerSize returns how long an RTP header is, with contributing sources and extension (RFC 3550 §5.1 and §5.3.1);
// 0 when the packet is too short for it.
//
//	|V=2|P|X|  CC   |M|     PT      |       sequence number         |
//	|                           timestamp                           |
//	|                             SSRC                              |
//	|                     CC times a CSRC                           |
//	|       X: profile              |     X: length in words        |
func headerSize(b []byte) int {
	if len(b) < 12 {
		return 0
	}
	n := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if n += 4; len(b) < n {
			return 0
		}
		n += 4 * int(binary.BigEndian.Uint16(b[n-2:]))
	}
	if len(b) < n {
		return 0
	}
	return n
}

// isRTP checks a plain packet: its header and, where it says so, its padding (RFC 3550 §5.1).
func isRTP(b []byte) bool {
	n := headerSize(b)
	if n == 0 {
		return false
	}
	if b[0]&0x20 == 0 {
		return true
	}
	padding := int(b[len(b)-1])
	return padding > 0 && n+padding <= len(b)
}

// isRTCP checks a plain compound packet: every part is of version 2, of a type of RFC 5761 §4, and as long as it says
// (RFC 3550 §6.4.1). The first has a source.
func isRTCP(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 || b[1] < 192 || b[1] > 223 {
			return false
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return false
		}
		b = b[n:]
	}
	return true
}
