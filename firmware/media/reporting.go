package media

import (
	"encoding/binary"
	"time"

	"tollgate/firmware/quality"
)

// RTCP is relayed as it comes, and since the sources keep their names, each report tells its reader what it is about. But
// many telephones and carriers send none. Then the peer across the box learns neither how it is heard nor, where it waits
// for RTCP to know that the call is alive, that it is. So the box reports in the place of a peer that does not:
//
//	peer -- RTP --> box -- RTP ---------------------------> other peer
//	no RTCP         box -- SR of the peer's source, RR ---> other peer
//
// What it says is what it knows itself: how much of the source has left for the reader, and how what the reader sends
// arrives here (RFC 3550 §6.4). When the peer begins to report, the box stops.

// unreported is how long a peer may be without a report before the box makes them; one comes each five seconds
// (RFC 3550 §6.2), some of them get lost.
const unreported = 10 * time.Second

// reporting is what a leg needs for reports to its peer in the place of the other leg's.
type reporting struct {
	control uint64    // how many RTCP packets the other leg's peer had sent at the last look,
	since   time.Time // and since when it was as many
	out     uint64    // how many RTP packets had left for this leg's peer at the last look
	told    quality.Telling

	source         uint32 // that has been reported on as a sender
	packets, bytes uint64 // that had left when it began
}

// report sends a leg's peer a report, where the other peer sends none. It is called each time the ways are looked at.
func (w *worker) report(h *half, now time.Time) {
	r, far := &h.reporting, h.far
	if h.fax || h.secluded { // there is nothing to report, or nobody who would believe it
		return
	}
	if n := far.counters.controlIn.Load(); n != r.control || r.since.IsZero() {
		r.control, r.since = n, now
	}
	out := h.counters.packetsOut.Load()
	sends := out != r.out
	r.out = out
	source, named := far.account.received.SSRC()
	if r.source != source && r.source != 0 { // the first one had nobody before it
		r.packets, r.bytes = out, h.counters.bytesOut.Load()
	}
	r.source = source
	_, hears := h.account.received.SSRC()
	if !named && !hears || now.Sub(r.since) < unreported {
		return
	}
	if !named {
		source, sends = h.opening.ssrc, false
	}
	b := h.begin(source, sends, now)
	if block, ok := h.account.received.Tell(&r.told, h.clock); ok {
		block.LastSender, block.Delay = h.account.answers(now)
		b = block.Append(b)
		b[0]++
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	w.emit(h, h.opening.describe(b, source), true)
	h.account.sends(b, now)
}

// begin is the head of a sender or receiver report (RFC 3550 §6.4.1, §6.4.2). Its length is still to be filled in.
//
//	|V=2|P|    RC   |   PT=SR=200   |             length            |
//	|                         SSRC of sender                        |
//	|              NTP timestamp, most significant word             |
//	|             NTP timestamp, least significant word             |
//	|                         RTP timestamp                         |
//	|                     sender's packet count                     |
//	|                      sender's octet count                     |
func (h *half) begin(source uint32, sender bool, now time.Time) []byte {
	b := binary.BigEndian.AppendUint32([]byte{2 << 6, 201, 0, 0}, source)
	if !sender {
		return b
	}
	b[1] = 200
	packets := h.counters.packetsOut.Load() - h.reporting.packets
	octets := h.counters.bytesOut.Load() - h.reporting.bytes - packets*h.overheadOut()
	b = binary.BigEndian.AppendUint64(b, ntp(now))
	b = binary.BigEndian.AppendUint32(b, h.far.account.received.StampAt(h.far.clock, now.UnixNano()))
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, uint32(packets)), uint32(octets))
}

// overheadOut is what is no payload in each packet that leaves: the header and what SRTP adds.
func (h *half) overheadOut() uint64 {
	if h.rtp.seal == nil {
		return 12
	}
	tag, _ := h.rtp.seal.keys.tagLengths()
	return 12 + uint64(tag)
}

// ntp is a moment in seconds since 1900, in 32 bits, and fractions of them in 32 more (RFC 3550 §4).
func ntp(t time.Time) uint64 {
	const since1900 = 2_208_988_800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// answers names the peer's last sender report, and how long ago it came in 65536ths of a second.
func (a *account) answers(now time.Time) (last, delay uint32) {
	if a.sender == 0 {
		return 0, 0
	}
	return a.sender, uint32(now.Sub(a.senderAt) << 16 / time.Second)
}
