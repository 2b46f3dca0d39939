package media

// stream numbers the packets of one source before they are encrypted. Two packets under one number would use the same
// key stream twice and give both away (RFC 3711 §9.1), so that each number goes out once at most:
//
//   - a packet that came before is refused by a window of 64, and so is one that is older than the window;
//   - a source that starts over, as gateways do when they play music, goes on in the numbers that leave, as soon as two
//     packets in a row prove it (RFC 3550 §A.1);
//   - the first number that leaves is below 2^15, so that a receiver who misses the beginning still guesses the right
//     roll-over counter (RFC 3711 §3.3.1);
//   - no number goes out above limit, which is safely kept beforehand, so that a process after this one begins above it
//     (reserve.go).
type stream struct {
	ssrc     uint32
	last     uint16 // the highest sequence number that was taken, as it came
	index    uint64 // the same as it left: roll-over counter, then sequence number
	first    uint64 // the lowest index that may leave
	seen     uint64 // bit i: index-i has left
	doubting bool   // a sequence number out of place has come,
	doubt    uint16 // and this one after it would prove that the source has started over
	resumed  bool   // taken over from another process: the next packet of the source goes on here, whatever its number
	limit    uint64 // the highest index that may leave
	promised uint64 // what limit becomes once it is kept
}

const (
	window     = 64
	maxDropout = 3000 // of RFC 3550 §A.1: a jump forward that loss explains
)

// begin takes the first packet of a source.
func (s *stream) begin(ssrc uint32, seq uint16) (index uint64) {
	index = uint64(seq & 0x7fff)
	*s = stream{ssrc: ssrc, last: seq, index: index, first: index, seen: 1, limit: unlimited}
	return index
}

// next takes a further packet and returns the index that it leaves with; false: it must not leave.
func (s *stream) next(seq uint16) (index uint64, ok bool) {
	switch ahead := int(int16(seq - s.last)); {
	case s.resumed && s.index < s.limit:
		return s.advance(seq, 1), true
	case ahead > 0 && ahead <= maxDropout && s.index+uint64(ahead) <= s.limit:
		return s.advance(seq, ahead), true
	case ahead <= 0 && ahead > -window:
		return s.late(-ahead)
	case s.doubting && seq == s.doubt && s.index < s.limit:
		s.first = s.index + 1
		return s.advance(seq, 1), true
	default:
		s.doubting, s.doubt = true, seq+1
		return 0, false
	}
}

func (s *stream) advance(seq uint16, by int) uint64 {
	s.last, s.doubting, s.resumed = seq, false, false
	s.index += uint64(by)
	s.seen = s.seen<<by | 1 // a shift by 64 or more leaves none, as it should
	return s.index
}

// late takes a packet that others have overtaken, if it is the first of its number.
func (s *stream) late(by int) (uint64, bool) {
	bit := uint64(1) << by
	if s.seen&bit != 0 || s.index < s.first+uint64(by) {
		return 0, false
	}
	s.seen |= bit
	return s.index - uint64(by), true
}
