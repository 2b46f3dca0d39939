package quality

import "encoding/binary"

// Telling is what has to be remembered of one report on a Reception for the next (RFC 3550 §6.4.1).
type Telling struct {
	ssrc      uint32
	due, lost uint64
}

// Tell returns the report block on the source that is heard now, with its jitter in ticks of c; false before any. It says
// nothing of sender reports.
func (r *Reception) Tell(before *Telling, c Clock) (Report, bool) {
	if !r.begun {
		return Report{}, false
	}
	due := r.top - r.base + 1
	lost := due - min(due, r.got)
	if before.ssrc != r.ssrc {
		*before = Telling{ssrc: r.ssrc}
	}
	b := Report{SSRC: r.ssrc, Lost: int32(min(lost, 1<<23-1)), Highest: uint32(r.top - 1<<16), Jitter: uint32(c.ticks(r.jitter >> 4))}
	if since := int64(due - before.due); since > 0 {
		b.Fraction = uint8(min(256*max(int64(lost)-int64(before.lost), 0)/since, 255))
	}
	before.due, before.lost = due, lost
	return b, true
}

// StampAt is the RTP timestamp that the source would give to a moment, in nanoseconds of the clock of Take.
func (r *Reception) StampAt(c Clock, at int64) uint32 { return r.stamp + uint32(c.ticks(at-r.at)) }

// ticks is how many ticks so many nanoseconds are.
func (c Clock) ticks(ns int64) int64 {
	if c == 0 {
		c = ClockOf(8000)
	}
	return ns << 8 / int64(c)
}

// Append writes the block at the end of a report.
func (b Report) Append(packet []byte) []byte {
	packet = binary.BigEndian.AppendUint32(packet, b.SSRC)
	packet = binary.BigEndian.AppendUint32(packet, uint32(b.Fraction)<<24|uint32(b.Lost)&0xffffff)
	for _, n := range []uint32{b.Highest, b.Jitter, b.LastSender, b.Delay} {
		packet = binary.BigEndian.AppendUint32(packet, n)
	}
	return packet
}
