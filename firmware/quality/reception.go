package quality

import "time"

// Reception counts what arrives from one peer. Its zero value is ready; it is plain data and not safe for concurrent use.
//
// A source that another takes the place of, or that starts over with other numbers, is added up and left behind, so that
// music on hold or a transfer at the peer's is no loss.
type Reception struct {
	begun  bool
	ssrc   uint32
	base   uint64 // the first extended sequence number
	top    uint64 // the highest so far: cycles, then the number in the packet (RFC 3550 §A.1)
	got    uint64 // packets of this source, each number once
	seen   uint64 // bit i: top-i has arrived; what is further back is not known
	doubt  uint32 // the number that would prove that the source has started over; above 65535: none
	stamp  uint32 // RTP timestamp of the last packet that told of jitter
	at     int64  // when it arrived, in nanoseconds
	jitter int64  // in nanoseconds, times 16 (RFC 3550 §A.8)

	expected, lost   uint64 // of the sources before
	late, duplicates uint64 // of all
}

// Clock is how fast the timestamps of a source run. The zero value is 8000 ticks a second, as of most audio.
type Clock uint32 // how long a tick is, in 256ths of a nanosecond

// ClockOf is the clock that makes this many ticks a second; 0 is 8000.
func ClockOf(rate uint32) Clock {
	if rate == 0 {
		return 0
	}
	return Clock(256 * uint64(time.Second) / uint64(max(rate, 100)))
}

// long is how long so many ticks are, in nanoseconds.
func (c Clock) long(ticks int32) int64 {
	if c == 0 {
		c = 256 * Clock(time.Second/8000)
	}
	return int64(ticks) * int64(c) >> 8
}

const (
	// maxDropout and maxMisorder are those of RFC 3550 §A.1.
	maxDropout  = 3000
	maxMisorder = 100
	noDoubt     = 1 << 16
)

// Take counts a packet with this source, sequence number and timestamp that arrives at a moment, in nanoseconds of any
// clock.
func (r *Reception) Take(ssrc uint32, seq uint16, stamp uint32, c Clock, at int64) {
	if !r.begun || ssrc != r.ssrc {
		r.begin(ssrc, seq, stamp, at)
		return
	}
	switch ahead := int64(int16(seq - uint16(r.top))); {
	case ahead > 0 && ahead < maxDropout:
		r.top += uint64(ahead)
		r.seen = r.seen<<uint64(ahead) | 1 // a shift by 64 or more leaves none, as it should
		r.got++
		r.doubt = noDoubt
		r.drift(stamp, c, at)
	case ahead <= 0 && ahead > -maxMisorder:
		r.overtaken(uint64(-ahead))
	case uint32(seq) == r.doubt:
		r.begin(ssrc, seq, stamp, at) // two in a row: it has started over
		r.base--
		r.got++
	default:
		r.doubt = uint32(seq + 1)
	}
}

// begin adds the source so far to those before and starts with another.
func (r *Reception) begin(ssrc uint32, seq uint16, stamp uint32, at int64) {
	now := r.Stream()
	*r = Reception{
		begun: true, ssrc: ssrc, base: 1<<16 | uint64(seq), top: 1<<16 | uint64(seq), got: 1, seen: 1, doubt: noDoubt,
		stamp: stamp, at: at, jitter: r.jitter, expected: now.Expected, lost: now.Lost, late: now.Late, duplicates: now.Duplicates,
	}
}

// overtaken takes a packet that others have overtaken, or that was here before.
func (r *Reception) overtaken(by uint64) {
	bit := uint64(1) << by // 0 beyond the window: whether it is a second one is not known
	if r.seen&bit != 0 {
		r.duplicates++
		return
	}
	r.seen |= bit
	r.late++
	if r.top-by < r.base {
		r.base = r.top - by // sent before the first that arrived
	}
	r.got++
}

// drift takes the difference of two packets' transit times into the jitter (RFC 3550 §6.4.1). Packets of one moment, as
// of a key press, say nothing: the press goes on while their timestamp stays (RFC 4733 §2.3.5).
func (r *Reception) drift(stamp uint32, c Clock, at int64) {
	if stamp == r.stamp {
		return
	}
	d := at - r.at - c.long(int32(stamp-r.stamp))
	if d < 0 {
		d = -d
	}
	r.stamp, r.at = stamp, at
	if d > int64(time.Minute) {
		return // no delay of the network: the source's own clock has jumped
	}
	r.jitter += d - (r.jitter+8)>>4
}

// SSRC is the source that is heard now; false before any.
func (r *Reception) SSRC() (uint32, bool) { return r.ssrc, r.begun }

// Stream returns what has been counted so far.
func (r *Reception) Stream() Stream {
	s := Stream{Expected: r.expected, Lost: r.lost, Late: r.late, Duplicates: r.duplicates, Jitter: time.Duration(r.jitter >> 4)}
	if r.begun {
		due := r.top - r.base + 1
		s.Expected += due
		s.Lost += due - min(due, r.got)
	}
	return s
}
