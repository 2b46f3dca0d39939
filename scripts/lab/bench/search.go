package bench

// The search for the most calls goes in large steps, to mostCalls at most, until one number is carried and the next is not,
// and then halves what lies between, down to a small step.
const (
	largeStep = 200
	smallStep = 50
	mostCalls = 2000
)

// chances is how often a number of calls is tried before it is more than a system carries: whichever it is, a machine that stands
// still for the twentieth of a second is none of its business, and may do so twice.
const chances = 3

// search is that of one system.
type search struct {
	calls   int // to be tried next, a multiple of a small step
	tried   int // how often they were, in vain
	best    int // carried
	tooMany int // not carried
}

// newSearch begins where the system is thought to end. It ends at the same number wherever it begins, but sooner near it.
func newSearch(k relayKind) *search {
	begin := map[relayKind]int{rtpengine: 800, portable: 1200, steered: 1600}[k]
	return &search{calls: begin, tooMany: mostCalls + smallStep}
}

// over tells whether best is the most.
func (s *search) over() bool { return s.tooMany-s.best <= smallStep }

// take takes what came of a try; hopeless: another would come to the same.
func (s *search) take(carried, hopeless bool) {
	if s.tried++; !carried && !hopeless && s.tried < chances {
		return
	}
	s.tried = 0
	if carried {
		s.best = s.calls
	} else {
		s.tooMany = s.calls
	}
	switch {
	case s.best == 0:
		s.calls = max(s.tooMany-largeStep, smallStep)
	case s.tooMany > mostCalls:
		s.calls = min(s.best+largeStep, mostCalls)
	default:
		s.calls = (s.best + s.tooMany) / 2 / smallStep * smallStep
	}
}
