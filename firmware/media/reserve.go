package media

import "sync/atomic"

// A process that ends without warning must not leave its successor in doubt about which numbers have been used, for one
// key stream used twice gives both packets away (RFC 3711 §9.1). So the numbers that may leave are reserved in the records
// first, and used afterwards:
//
//	record says "up to L"  ->  it is written  ->  packets leave up to L  ->  the process dies  ->  the next begins at L+1
//
// What is reserved is what a receiver sees missing after a restart: fewer packets than the 3,000 that RFC 3550
// §A.1 takes for loss, and far fewer than the 2^15 beyond which it would guess another roll-over counter (RFC 3711 §3.3.1).
//
// A source that the records did not know of begins at once, in a stretch of numbers that is each process's own.

const (
	// reserved is how many packets of a source may leave before it is kept that more may: 40 s of ordinary audio.
	reserved = 2048
	// unlimited is the limit while nothing is kept: no number lies beyond the last one that there is.
	unlimited = lastIndex
	// maxLives bounds how many processes may have a key one after the other, so that each one's own stretch ends below the
	// last index of SRTCP.
	maxLives = lastCtlIndex/(reserved+1) - 1
)

// reserve is what a sealer knows of the records.
type reserve struct {
	kept    *atomic.Bool // whether records are kept now; nil: they never are
	lives   uint64       // how many processes have had the key before
	waiting bool         // the record does not say yet that this one has it
}

func (r *reserve) keeps() bool { return r.kept != nil && r.kept.Load() }

// waits tells whether nothing new may begin yet.
func (r *reserve) waits() bool { return r.waiting && r.keeps() }

// lifts takes a limit away when records are not kept any more; it tells whether it did.
func (r *reserve) lifts(limit *uint64) bool {
	if *limit == unlimited || r.keeps() {
		return false
	}
	*limit = unlimited
	return true
}

// start is the first index of this process's own stretch, for sources that the records did not know of. The stretches
// before end below it.
func (r *reserve) start(first uint64) uint64 {
	if r.lives == 0 {
		return 0
	}
	return first + r.lives*(reserved+1)
}

// begin takes the first packet of a source.
func (s *sealer) begin(st *stream, ssrc uint32, seq uint16) (index uint64) {
	index = st.begin(ssrc, seq)
	if start := s.start(1 << 15); start > 0 {
		st.index, st.first, index = start, start, start
	}
	if s.keeps() {
		st.limit = st.index + reserved
	}
	st.promised = st.limit
	return index
}

// promise reserves more when less than half of it is left; it tells whether it did.
func (s *stream) promise() bool {
	if s.promised = s.limit; s.limit-s.index < reserved/2 {
		s.promised = min(s.index+reserved, unlimited)
	}
	return s.promised != s.limit
}

// reports are the SRTCP packets of one source.
type reports struct {
	ssrc                   uint32
	index, limit, promised uint64 // as of a stream
}

func (r *reports) promise() bool {
	if r.promised = r.limit; r.limit-r.index < reserved/2 {
		r.promised = min(r.index+reserved, unlimited)
	}
	return r.promised != r.limit
}

// reportsOf finds the reports of a source, if one more may leave.
func (s *sealer) reportsOf(ssrc uint32) (*reports, verdict) {
	for i := range s.reports {
		if r := &s.reports[i]; r.ssrc == ssrc {
			if r.index >= r.limit && !s.lifts(&r.limit) {
				return nil, replayed
			}
			return r, passed
		}
	}
	if len(s.reports) == maxSources {
		return nil, crowded
	}
	if s.waits() {
		return nil, replayed
	}
	r := reports{ssrc: ssrc, index: s.start(0), limit: unlimited}
	if s.keeps() {
		r.limit = r.index + reserved
	}
	r.promised = r.limit
	s.reports = append(s.reports, r)
	return &s.reports[len(s.reports)-1], passed
}

// promise reserves more where it is needed; it tells whether the record has to be kept before it counts.
func (s *sealer) promise() (news bool) {
	news = s.waiting
	for i := range s.streams {
		news = s.streams[i].promise() || news
	}
	for i := range s.reports {
		news = s.reports[i].promise() || news
	}
	return news
}

// fulfil puts what was promised into force: it is kept.
func (s *sealer) fulfil() {
	s.waiting = false
	for i := range s.streams {
		s.streams[i].limit = s.streams[i].promised
	}
	for i := range s.reports {
		s.reports[i].limit = s.reports[i].promised
	}
}
