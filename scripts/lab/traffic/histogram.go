package traffic

import "time"

// step is how finely times are told apart, and steps how many there are: what takes longer counts as the longest.
const (
	step  = 10 * time.Microsecond
	steps = 100_000
)

// histogram counts times.
type histogram struct {
	counts [steps]int
	n      int
}

func (h *histogram) add(d time.Duration) {
	h.counts[min(max(0, d/step), steps-1)]++
	h.n++
}

// at is the time that a share of all do not exceed.
func (h *histogram) at(share float64) time.Duration {
	left := int(share * float64(h.n))
	for i, c := range h.counts {
		if left -= c; left < 0 {
			return time.Duration(i+1) * step
		}
	}
	return 0
}
