package quality

import (
	"encoding/binary"
	"math"
	"time"
)

// Report is a report block of RTCP: what a peer says of a source that it receives (RFC 3550 §6.4.1).
type Report struct {
	SSRC     uint32
	Fraction uint8  // lost since the report before, in 256ths
	Lost     int32  // in all; below 0 when duplicates came
	Highest  uint32 // extended sequence number
	Jitter   uint32 // in ticks of the source's clock
	// LastSender names the sender report that the peer got last, by the middle of its NTP time; 0: none. Delay is how long
	// ago that was, in 65536ths of a second.
	LastSender, Delay uint32
}

// Types of RTCP packets (RFC 3550 §12.1).
const (
	senderReport   = 200
	receiverReport = 201
)

// ReadReports calls block for every report block of a compound RTCP packet, and sender with the middle 32 bits of the NTP
// time of every sender report. What is cut short is passed over.
func ReadReports(packet []byte, sender func(middle uint32), block func(Report)) {
	for len(packet) >= 4 {
		n := 4 + 4*int(binary.BigEndian.Uint16(packet[2:]))
		if n > len(packet) {
			return
		}
		part := packet[:n]
		packet = packet[n:]
		blocks := 8
		switch {
		case part[1] == senderReport && n >= 28:
			sender(binary.BigEndian.Uint32(part[10:]))
			blocks = 28
		case part[1] != receiverReport:
			continue
		}
		for i := range int(part[0] & 0x1f) {
			at := blocks + 24*i
			if at+24 > n {
				break
			}
			block(readBlock(part[at:]))
		}
	}
}

// |                 SSRC_1 (SSRC of first source)                 |
// | fraction lost |       cumulative number of packets lost       |
// |           extended highest sequence number received           |
// |                      interarrival jitter                      |
// |                         last SR (LSR)                         |
// |                   delay since last SR (DLSR)                  |
func readBlock(b []byte) Report {
	return Report{
		SSRC: binary.BigEndian.Uint32(b), Fraction: b[4], Lost: int32(binary.BigEndian.Uint32(b[4:])<<8) >> 8,
		Highest: binary.BigEndian.Uint32(b[8:]), Jitter: binary.BigEndian.Uint32(b[12:]),
		LastSender: binary.BigEndian.Uint32(b[16:]), Delay: binary.BigEndian.Uint32(b[20:]),
	}
}

// Reported adds up what a peer reports of what it is sent.
type Reported struct {
	known     bool
	ssrc      uint32
	first     uint32 // highest number of the first report
	firstLost int32  // and what it says was lost
	stream    Stream
	before    Stream // of the sources before
}

// Take takes a report on the source that the peer is sent.
func (r *Reported) Take(b Report, c Clock) {
	if !r.known || b.SSRC != r.ssrc {
		r.before = Stream{Expected: r.before.Expected + r.stream.Expected, Lost: r.before.Lost + r.stream.Lost}
		r.known, r.ssrc, r.first, r.firstLost, r.stream = true, b.SSRC, b.Highest, b.Lost, Stream{}
	}
	r.stream.Expected = uint64(b.Highest - r.first)
	r.stream.Lost = min(uint64(max(b.Lost-r.firstLost, 0)), r.stream.Expected)
	r.stream.Jitter = time.Duration(c.long(int32(min(b.Jitter, math.MaxInt32))))
}

// Stream returns what was reported so far; false before any report. A first report only tells where the count begins.
func (r *Reported) Stream() (Stream, bool) {
	s := r.stream
	s.Expected += r.before.Expected
	s.Lost += r.before.Lost
	return s, r.known
}

// Senders remembers the sender reports that went to a peer, so that its answer to one tells the round trip.
type Senders struct {
	middle [8]uint32
	at     [8]int64
	next   int
}

// Sent notes a sender report with these middle bits that left at a moment, in nanoseconds of any clock.
func (s *Senders) Sent(middle uint32, at int64) {
	s.middle[s.next], s.at[s.next] = middle, at
	s.next = (s.next + 1) % len(s.middle)
}

// maxRoundTrip is longer than any that a conversation stands; what is longer is a wrong report.
const maxRoundTrip = 10 * time.Second

// RoundTrip is how long a sender report and its answer were under way (RFC 3550 §6.4.1, figure 2); false when the report
// answers none that is remembered. The clocks of the two ends need not agree.
func (s *Senders) RoundTrip(b Report, at int64) (time.Duration, bool) {
	if b.LastSender == 0 {
		return 0, false
	}
	for i, m := range s.middle {
		if m != b.LastSender || s.at[i] == 0 {
			continue
		}
		d := time.Duration(at - s.at[i] - int64(b.Delay)*int64(time.Second)>>16)
		// The delay is told in steps of 15 µs.
		if d < -time.Millisecond || d > maxRoundTrip {
			return 0, false
		}
		return max(d, 0), true
	}
	return 0, false
}
