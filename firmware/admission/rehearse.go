package admission

import (
	"slices"
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Past is a call that was admitted and is over.
type Past struct {
	Attempt  Attempt          // with the trunk that carried it
	Shown    numbering.Number // the number that the trunk was shown; zero: none
	Ended    time.Time
	Answered bool
	Spoken   time.Duration
}

// Unadmitted is a call of the past that another policy would not have admitted.
type Unadmitted struct {
	Past    Past
	Refusal *Refusal
}

// Rehearse replays calls under another policy, its limits and caps included, each when it was made: it returns those that
// would not have been admitted, in the order of their beginnings. What a call would have done to a trunk that carried it only
// because of the policy then is left out: it is asked for the trunk that it had, unless the policy knows none of that name.
func Rehearse(p *policy.Policy, zone *time.Location, past []Past) (refused []Unadmitted) {
	g := New(p)
	g.Set(p, zone)
	past = slices.Clone(past)
	slices.SortStableFunc(past, func(a, b Past) int { return a.Attempt.At.Compare(b.Attempt.At) })
	var running []rehearsed // by their end
	for _, c := range past {
		for len(running) > 0 && !running[0].Ended.After(c.Attempt.At) {
			running[0].over()
			running = running[1:]
		}
		ticket, no := g.replay(p, c)
		if no != nil {
			refused = append(refused, Unadmitted{c, no})
			continue
		}
		r := rehearsed{c, ticket}
		at, _ := slices.BinarySearchFunc(running, r, func(a, b rehearsed) int { return a.Ended.Compare(b.Ended) })
		running = slices.Insert(running, at, r)
	}
	return refused
}

// rehearsed is a call of the past that was admitted again.
type rehearsed struct {
	Past
	ticket *Ticket
}

func (r rehearsed) over() {
	r.ticket.Ended(r.Answered, r.Spoken)
	r.ticket.Release()
}

// replay makes a call of the past again.
func (g *Gate) replay(p *policy.Policy, c Past) (*Ticket, *Refusal) {
	a := c.Attempt
	a.Draining = false
	if a.emergency() {
		g.ExpectCallBack(c.Shown, c.Ended)
	}
	carried := a.Trunk
	if a.Outward() {
		a.Trunk = ""
	}
	ticket, no := g.Admit(a)
	if no != nil || !a.Outward() || p.Trunk(carried) == nil {
		return ticket, no
	}
	if no := ticket.Move(carried, c.Shown, a.At); no != nil {
		ticket.Release()
		return nil, no
	}
	return ticket, nil
}
