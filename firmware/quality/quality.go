// Package quality judges how audio comes across: what a receiver of RTP counts (RFC 3550), and what a listener makes of
// it (ITU-T G.107, the E-model).
//
//	Reception   one side's packets as they arrive: loss, order, jitter; allocates nothing, for the packet path
//	Report      what the other side says of ours, in its RTCP
//	Stream      what came of it, as figures
//	Rate        figures, delay and codec -> R factor and MOS
//
// It leaves to others where packets come from (media), which codec was agreed on (sdp) and what to do about a bad call.
package quality

import "time"

// Stream is how a stream of RTP came across, by its receiver's account (RFC 3550 §6.4.1).
type Stream struct {
	Expected   uint64        // packets, by their sequence numbers
	Lost       uint64        // of them
	Late       uint64        // arrived after one that was sent later
	Duplicates uint64        // arrived once more
	Jitter     time.Duration // as it is now
}

// LossRate is the share of packets that were lost, 0 to 1.
func (s Stream) LossRate() float64 {
	if s.Expected == 0 {
		return 0
	}
	return float64(s.Lost) / float64(s.Expected)
}

// Since is what was counted after an earlier look at the same stream. The jitter is the one of now.
func (s Stream) Since(before Stream) Stream {
	return Stream{
		Expected: less(s.Expected, before.Expected), Lost: less(s.Lost, before.Lost),
		Late: less(s.Late, before.Late), Duplicates: less(s.Duplicates, before.Duplicates), Jitter: s.Jitter,
	}
}

// less subtracts counters. What was counted as lost may turn out to be late.
func less(now, before uint64) uint64 { return now - min(now, before) }
