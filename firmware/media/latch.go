package media

import (
	"encoding/binary"
	"net/netip"
	"time"

	"tollgate/firmware/policy"
)

// A plain peer is locked to the place that it was first heard at. When it has fallen silent there, it may have moved: a
// router has been started anew, or another machine of the carrier has taken over. The policy says whether somebody else
// at an address that signalling named may then have its place:
//
//	strict          nobody, until signalling says something new
//	dynamic         whoever sends first
//	dynamic-strict  who has sent several packets of one stream in a row
//
// RTP decides for the leg; its RTCP follows. Encrypted packets prove themselves and need none of this.

const (
	// silentFor is how long the locked place has to be silent.
	silentFor = 2 * time.Second
	// convincing is how many packets in a row make a newcomer credible.
	convincing = 5
)

// newcomer is somebody at an expected address who sends while the locked place is silent.
type newcomer struct {
	at    netip.AddrPort
	ssrc  uint32
	next  uint16 // the sequence number that continues its stream
	count int    // packets in a row
}

// succeeds tells whether a packet that is not from the locked place comes from its successor.
func (f *flow) succeeds(from netip.AddrPort, packet []byte, now time.Time) bool {
	h := f.half
	if h.latching != policy.LatchDynamic && h.latching != policy.LatchDynamicStrict {
		return false
	}
	if f.control || f.secret() || !h.allows(f, from.Addr()) || now.Sub(f.heard) < silentFor {
		return false
	}
	if control, v := f.kind(packet); control || v != passed || !isRTP(packet) {
		return false
	}
	if !h.newcomer.sends(from, packet) && h.latching != policy.LatchDynamic {
		return false
	}
	h.newcomer = newcomer{}
	h.rtcp.learned = netip.AddrPort{}
	h.rtcp.aim()
	return true
}

// sends counts an RTP packet and tells whether there have been enough in a row.
func (n *newcomer) sends(from netip.AddrPort, packet []byte) bool {
	seq, ssrc := binary.BigEndian.Uint16(packet[2:]), binary.BigEndian.Uint32(packet[8:])
	if from != n.at || ssrc != n.ssrc || seq != n.next {
		*n = newcomer{at: from, ssrc: ssrc}
	}
	n.next = seq + 1
	n.count++
	return n.count >= convincing
}
