package admission

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// pace is what a number has done within the last hour that is shown outside, the oldest first.
type pace struct{ tries []*try }

// try is one call that showed the number.
type try struct {
	At  time.Time
	To  string    // the number called
	End howItWent `json:",omitempty"`
}

// howItWent is how a call went, as far as its number's reputation goes.
type howItWent string

const (
	underWay   howItWent = "" // or nobody has told
	unanswered howItWent = "unanswered"
	short      howItWent = "short"
	talked     howItWent = "talked"
)

// Pacing looks back so far, and at so many calls of a number at most.
const (
	paceTime = time.Hour
	paceMost = 10_000
)

// paced says whether the number that a call shows has to rest; g.mu is held.
func (g *Gate) paced(t *Ticket, a *Attempt, shown numbering.Number, tr *trace) *Refusal {
	rules := g.book.pacing
	if !rules.On() || shown.E164 == "" || !a.Outward() {
		return nil
	}
	p := g.paces[shown.E164]
	if p == nil {
		return nil
	}
	p.forget(a.At)
	key, why := p.restless(rules, a.Number.String(), t.try)
	if key == "" {
		tr.add("admission.pacing", Passes, "%s has begun %s within the hour", shown.E164, calls(len(p.tries)))
		return nil
	}
	return tr.refused(&Refusal{Status: 503, Rule: "admission.pacing." + key, Reason: shown.E164 + ", which the call would show, " + why,
		RetryAfter: p.rest(a.At)})
}

// restless tells which limit a number has reached with its calls but own, and how; "" for none.
func (p *pace) restless(rules policy.Pacing, to string, own *try) (key, why string) {
	var all, same, lost, answered, brief int
	for _, t := range p.tries {
		if t == own {
			continue
		}
		all++
		if t.To == to {
			same++
		}
		switch t.End {
		case unanswered:
			lost++
		case short:
			brief, answered = brief+1, answered+1
		case talked:
			answered++
		}
	}
	switch ended := lost + answered; {
	case rules.AttemptsPerHour > 0 && all >= rules.AttemptsPerHour:
		return "attempts_per_hour", fmt.Sprintf("has begun %s within an hour, it may %d", calls(all), rules.AttemptsPerHour)
	case rules.Repeats > 0 && same >= rules.Repeats:
		return "repeats", fmt.Sprintf("has called %s %d times within an hour, it may %d", to, same, rules.Repeats)
	case rules.ShortPercent > 0 && answered >= rules.LeastCalls && brief*100 >= rules.ShortPercent*answered:
		return "short_percent", fmt.Sprintf("has had %d of %d answered calls shorter than %d s within an hour, it may %d %%", brief, answered, rules.ShortSeconds, rules.ShortPercent)
	case rules.UnansweredPercent > 0 && ended >= rules.LeastCalls && lost*100 >= rules.UnansweredPercent*ended:
		return "unanswered_percent", fmt.Sprintf("was answered by nobody in %d of %d calls within an hour, it may %d %%", lost, ended, rules.UnansweredPercent)
	}
	return "", ""
}

// rest is how long until the oldest call does not count any more.
func (p *pace) rest(now time.Time) time.Duration {
	if len(p.tries) == 0 {
		return 0
	}
	return max(time.Second, paceTime-now.Sub(p.tries[0].At)).Round(time.Second)
}

// forget leaves out what is too old to count.
func (p *pace) forget(now time.Time) {
	old := 0
	for old < len(p.tries) && (now.Sub(p.tries[old].At) >= paceTime || len(p.tries)-old > paceMost) {
		old++
	}
	p.tries = slices.Delete(p.tries, 0, old)
}

// begin notes that a call shows a number; the call on the next trunk after it is the same one. g.mu is held.
func (g *Gate) begin(t *Ticket, a *Attempt, shown numbering.Number) {
	if !g.book.pacing.On() || shown.E164 == "" || !a.Outward() {
		return
	}
	p := g.paces[shown.E164]
	if p == nil {
		p = &pace{}
		g.paces[shown.E164] = p
	}
	if t.try != nil && slices.Contains(p.tries, t.try) {
		return
	}
	t.try = &try{At: a.At, To: a.Number.String()}
	p.tries = append(p.tries, t.try)
}

func (t *try) end(answered bool, spoken time.Duration, rules policy.Pacing) {
	switch {
	case !answered:
		t.End = unanswered
	case spoken < time.Duration(rules.ShortSeconds)*time.Second:
		t.End = short
	default:
		t.End = talked
	}
}

// Pace is what a number has done within the last hour that is shown outside, as plain data.
type Pace struct {
	Number string // E.164
	Tries  []try
}

// Paces lists what counts for pacing at the moment now, for the process after this one.
func (g *Gate) Paces(now time.Time) (list []Pace) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for number, p := range g.paces {
		if p.forget(now); len(p.tries) == 0 {
			delete(g.paces, number)
			continue
		}
		kept := Pace{Number: number}
		for _, t := range p.tries {
			kept.Tries = append(kept.Tries, *t)
		}
		list = append(list, kept)
	}
	slices.SortFunc(list, func(a, b Pace) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// SetPaces takes over what Paces of an earlier process has listed. Calls that were under way then count as begun.
func (g *Gate) SetPaces(list []Pace) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, kept := range list {
		p := &pace{}
		for _, t := range kept.Tries {
			p.tries = append(p.tries, &t)
		}
		g.paces[kept.Number] = p
	}
}
