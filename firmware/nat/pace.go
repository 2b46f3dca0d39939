package nat

import "time"

const (
	// firstPause is how soon a second change of address is followed. A router that has just come up gets there in one.
	firstPause = 5 * time.Second
	// longestPause bounds what a connection that keeps changing costs the carrier: a registration each time.
	longestPause = 5 * time.Minute
)

// Pace says when a change of address may be followed: at once when there was none for long, then later and later. What
// is not followed now is seen again with the next echo. The zero value is ready.
type Pace struct {
	last  time.Time
	pause time.Duration
}

// Follow tells whether a change at this moment is to be followed, and counts it if so.
func (p *Pace) Follow(now time.Time) bool {
	since := now.Sub(p.last)
	switch {
	case p.last.IsZero() || since > 2*longestPause:
		p.pause = firstPause
	case since < p.pause:
		return false
	default:
		p.pause = min(2*p.pause, longestPause)
	}
	p.last = now
	return true
}
