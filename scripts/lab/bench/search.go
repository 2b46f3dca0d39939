package bench

// The search for the most calls goes in large steps, to mostCalls at most, until one number is carried and the next is not,
// and then halves what lies between, down to a small step.
const (
	largeStep = 200
	smallStep = 50
	mostCalls = 2000
)

// nearby is where the search begins. It ends at the same number wherever it begins, but sooner near it.
func (k relayKind) nearby() int {
	switch k {
	case rtpengine:
		return 800
	case portable:
		return 1200
	}
	return 1600
}

// mostCarried searches from begin on; numbers are multiples of a small step.
func mostCarried(begin int, carries func(calls int) (bool, error)) (best int, err error) {
	tooMany := mostCalls + smallStep
	for calls := begin; tooMany-best > smallStep; {
		ok, err := carries(calls)
		if err != nil {
			return best, err
		}
		if ok {
			best = calls
		} else {
			tooMany = calls
		}
		switch {
		case best == 0:
			calls = max(tooMany-largeStep, smallStep)
		case tooMany > mostCalls:
			calls = min(best+largeStep, mostCalls)
		default:
			calls = (best + tooMany) / 2 / smallStep * smallStep
		}
	}
	return best, nil
}
