package panel

import "time"

// How long the button is pressed for what. A reset needs a press that nobody does by chance, and then another one.
const (
	ShortTime = 3 * time.Second  // a press is shorter
	HoldTime  = 10 * time.Second // held so long, it asks whether the box is to be reset
	AskTime   = 20 * time.Second // within it the answer is another press; without one, nothing happens
)

// Act is what somebody has done with the button.
type Act int

// The acts.
const (
	Nothing   Act = iota
	Pressed       // shortly
	Asked         // held for HoldTime: the light asks for another press
	Confirmed     // pressed again: the box is to be reset
	Dropped       // not pressed again in time
)

// Press makes acts of a button that goes down and up. One that is down from the start has to be seen released first: a button
// that is jammed, or that somebody leans on while the box starts, does nothing.
type Press struct {
	down  bool
	begun time.Time // of the press that lasts; zero: it does not count
	asked time.Time // since when another press is waited for; zero: it is not
}

// NewPress begins with a button that is down or not.
func NewPress(down bool) *Press { return &Press{down: down} }

// Key is told that the button went down or up at a moment.
func (p *Press) Key(down bool, now time.Time) Act {
	if down == p.down {
		return Nothing
	}
	act := p.Pass(now)
	p.down = down
	begun := p.begun
	p.begun = time.Time{}
	switch {
	case down && !p.asked.IsZero():
		p.asked = time.Time{}
		return Confirmed
	case down:
		p.begun = now
	case act == Nothing && !begun.IsZero() && now.Sub(begun) < ShortTime:
		return Pressed
	}
	return act
}

// Pass is told that time has passed; it has something to say at Due.
func (p *Press) Pass(now time.Time) Act {
	due := p.Due()
	switch {
	case due.IsZero() || now.Before(due):
		return Nothing
	case !p.asked.IsZero():
		p.asked = time.Time{}
		return Dropped
	}
	p.asked, p.begun = now, time.Time{}
	return Asked
}

// Due is when Pass is to be called, unless the button moves before; zero: never.
func (p *Press) Due() time.Time {
	switch {
	case !p.asked.IsZero():
		return p.asked.Add(AskTime)
	case p.down && !p.begun.IsZero():
		return p.begun.Add(HoldTime)
	}
	return time.Time{}
}
