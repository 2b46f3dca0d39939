package media

import (
	"encoding/binary"
	"net/netip"
)

// Two things pass between the ends of a call just as they are:
//
//   - a fax by T.38, whose packets are no RTP (UDPTL, ITU-T T.38 §9.1);
//   - ZRTP (RFC 6189), and what the two ends encrypt with the keys they have made by it: every byte of that is theirs, so that
//     payload types and reports are left alone from then on.

// forward passes a packet of a fax on. Neither leg has keys or RTCP while a fax goes.
func (w *worker) forward(f *flow, from netip.AddrPort, packet []byte) {
	h, far := f.half, f.half.far
	if f.control || f.secret() || !far.fax || far.rtp.secret() || !isUDPTL(packet) {
		h.counters.malformed.Add(1)
		return
	}
	w.through(f, from, packet)
}

// through passes a packet on as it is.
func (w *worker) through(f *flow, from netip.AddrPort, packet []byte) {
	h, far := f.half, f.half.far
	f.learn(from, w.now)
	h.counters.arrived(len(packet), false, w.now)
	w.pulse.packets++
	if !far.rtp.to.IsValid() || far.rtp.socket.Send(packet, &far.rtp.to) != 0 {
		far.counters.withheld.Add(1)
		return
	}
	far.counters.left(len(packet), false)
}

// isUDPTL checks the beginning of a packet of a fax: a sequence number, then a primary message with its length before it, then
// what corrects errors (T.38 §9.1).
func isUDPTL(b []byte) bool {
	switch {
	case len(b) < 5 || b[2] == 0:
		return false
	case b[2] < 0x80:
		return 3+int(b[2]) < len(b)
	case b[2] < 0xc0:
		return 4+int(binary.BigEndian.Uint16(b[2:])&0x3fff) < len(b)
	}
	return false // in fragments, which nobody sends
}

// zrtpCookie stands in every ZRTP packet where RTP has its timestamp (RFC 6189 §5).
//
//	|0 0 0 1|Not Used (set to zero) |         sequence number       |
//	|                Magic Cookie 'ZRTP' (0x5a525450)               |
//	|                        source identifier                      |
//	|                  message: 0x505a, length, type                |
const zrtpCookie = 0x5a525450

// isZRTP tells a ZRTP packet from everything else on the port.
func isZRTP(b []byte) bool {
	return len(b) >= 28 && b[0] == 0x10 && binary.BigEndian.Uint32(b[4:]) == zrtpCookie && b[12] == 0x50 && b[13] == 0x5a
}

// agree passes a ZRTP packet on, and notes when both ends have confirmed their keys (RFC 6189 §4.6), or have agreed to go on
// in the clear (§4.7.2).
func (w *worker) agree(f *flow, from netip.AddrPort, packet []byte) {
	h := f.half
	switch string(packet[16:24]) {
	case "Confirm2":
		h.seclude(true)
	case "ClearACK":
		h.seclude(false)
	}
	w.through(f, from, packet)
}

// seclude marks both legs as encrypted between the ends, or not.
func (h *half) seclude(yes bool) {
	for _, l := range []*half{h, h.far} {
		l.secluded = yes
		l.counters.zrtp.Store(yes)
	}
}
