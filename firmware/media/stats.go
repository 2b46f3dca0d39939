package media

import (
	"sync/atomic"
	"time"

	"tollgate/firmware/policy"
)

// LegStats counts the packets of one leg since the session was opened.
type LegStats struct {
	PacketsIn, PacketsOut uint64    // RTP that was accepted from, and sent to, the leg's peer
	BytesIn, BytesOut     uint64    // of them: accepted without, sent with what SRTP adds, UDP and IP headers left out
	ControlIn, ControlOut uint64    // RTCP packets
	AuthFailures          uint64    // SRTP and SRTCP that was not from the peer or was altered
	Early                 uint64    // packets that came before a handshake had made their key
	Strangers             uint64    // packets from other sources than the peer
	Replays               uint64    // packets that had been there before
	Malformed             uint64    // packets that were not RTP, or of more sources than a leg may have
	Withheld              uint64    // packets for the peer that were not sent: on hold, nothing negotiated, no room
	LastIn                time.Time // when the last RTP packet was accepted; zero before the first
	LastHeard             time.Time // when the last packet was accepted, RTP or RTCP; zero before the first
	Encrypted             bool      // the leg is SRTP
	// Suite is what it is encrypted with; "" when it is clear, or before a handshake has made its keys.
	Suite policy.Suite
	// Handshakes tells that its keys come by DTLS, and not by signalling.
	Handshakes bool
	// ZRTP tells that the two ends have encrypted what they say between them, and the box passes it on.
	ZRTP bool
	// Crossing is how the audio comes across.
	Crossing Crossing
}

// counters are written by the leg's worker and read by anybody.
type counters struct {
	packetsIn, bytesIn, lastIn, packetsOut, bytesOut             atomic.Uint64 // of each packet: together (warm)
	controlIn, controlOut, lastControl                           atomic.Uint64
	authFailures, early, strangers, replays, malformed, withheld atomic.Uint64
	encrypted, handshakes, zrtp                                  atomic.Bool
	suite                                                        atomic.Pointer[policy.Suite]
}

func (c *counters) arrived(bytes int, control bool, now time.Time) {
	if control {
		c.controlIn.Add(1)
		c.lastControl.Store(uint64(now.UnixNano()))
		return
	}
	c.packetsIn.Add(1)
	c.bytesIn.Add(uint64(bytes))
	c.lastIn.Store(uint64(now.UnixNano()))
}

func (c *counters) left(bytes int, control bool) {
	if control {
		c.controlOut.Add(1)
		return
	}
	c.packetsOut.Add(1)
	c.bytesOut.Add(uint64(bytes))
}

func (c *counters) refused(v verdict) {
	switch v {
	case forged:
		c.authFailures.Add(1)
	case early:
		c.early.Add(1)
	case replayed:
		c.replays.Add(1)
	default:
		c.malformed.Add(1)
	}
}

func (c *counters) stats() LegStats {
	s := LegStats{
		PacketsIn: c.packetsIn.Load(), PacketsOut: c.packetsOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		ControlIn: c.controlIn.Load(), ControlOut: c.controlOut.Load(),
		AuthFailures: c.authFailures.Load(), Early: c.early.Load(), Strangers: c.strangers.Load(), Replays: c.replays.Load(),
		Malformed: c.malformed.Load(), Withheld: c.withheld.Load(),
		Encrypted: c.encrypted.Load(), Handshakes: c.handshakes.Load(), ZRTP: c.zrtp.Load(),
	}
	if suite := c.suite.Load(); suite != nil {
		s.Suite = *suite
	}
	s.LastIn, s.LastHeard = moment(c.lastIn.Load()), moment(max(c.lastIn.Load(), c.lastControl.Load()))
	return s
}

// moment is the time that a counter has kept; the zero value for none.
func moment(ns uint64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(ns))
}
