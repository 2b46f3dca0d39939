package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tollgate/scripts/lab"
)

// Processor time is compared in turns: all systems are up at the same time, each in a lab of its own, and one after the other
// has calls for some seconds while the others have none. What the machine does besides changes from minute to minute and
// slows them all alike then, so each turn gives a ratio, and the median of these counts.
//
//	turn 1   tollgate | topoh | rr+dialog
//	turn 2   topoh | tollgate | rr+dialog     -> ratio of each turn -> median, half of them, all of them
//	...

// turnTime is how long a system has calls before the next one does.
const turnTime = 6 * time.Second

// turnTries is how often a turn is taken, by a fresh process again, before a system has missed it; turnsMissed is after how
// many of those it gets no further ones at a rate.
const (
	turnTries   = 2
	turnsMissed = 2
)

// comparison is the processor time of 1,000 calls at one rate, by system: of every turn, in their order, 0 for one that it has
// missed. What was clean counts whatever comes after it, each turn beside the other system's of the same turn. A rate is beyond
// a system that has missed half of the turns or more.
type comparison struct {
	rate  int
	turns int
	costs map[Kind][]float64
}

// takes tells whether the rate is within what a system carries.
func (c comparison) takes(k Kind) bool { return 2*len(clean(c.costs[k])) > c.turns }

// clean are the turns that were not missed.
func clean(costs []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(costs), func(cost float64) bool { return cost == 0 })
}

// Cost compares the processor time of 1,000 calls at several rates. A turn that was not clean counts for nobody: calls that
// fail and messages that are sent again cost more. All ratios are told. The bars hold at the highest rate that the other one
// takes cleanly: there its core is busiest, and a call the cheapest for it.
func Cost(ctx context.Context, o Options) ([]Bar, error) {
	kinds, err := o.kinds()
	if err != nil {
		return nil, err
	}
	var all []comparison
	for _, rate := range o.Rates {
		c, err := o.compare(ctx, rate, kinds)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	var bars []Bar
	var faults error
	for _, peer := range []struct {
		kind  Kind
		limit float64
	}{{Hiding, ofHiding}, {Recording, ofRecording}, {Another, 1}} {
		if !slices.Contains(kinds, peer.kind) {
			continue
		}
		if b, err := o.against(peer.kind, peer.limit, all); err != nil {
			faults = errors.Join(faults, err)
		} else {
			bars = append(bars, b)
		}
	}
	return bars, faults
}

// kinds are the systems to measure.
func (o Options) kinds() ([]Kind, error) {
	switch {
	case o.Another != "":
		return []Kind{Box, Another}, nil
	case o.Only == "":
		return Kinds(), nil
	}
	known := append(Kinds(), Forgetful)
	if !slices.Contains(known, Kind(o.Only)) {
		return nil, fmt.Errorf("there is no system %q: say one of %q", o.Only, known)
	}
	return []Kind{Kind(o.Only)}, nil
}

// compare takes the turns of one rate, no system always after the same other one.
func (o Options) compare(ctx context.Context, rate int, kinds []Kind) (comparison, error) {
	turns := max(1, int(o.Round/turnTime))
	o.say("processor time of 1,000 calls at %d calls/s, in turns of %v", rate, turnTime)
	c := comparison{rate: rate, turns: turns, costs: map[Kind][]float64{}}
	stands := make([]*stand, len(kinds))
	for i, k := range kinds {
		stands[i] = &stand{options: o, kind: k}
		defer stands[i].close()
	}
	for n := range turns {
		rand.Shuffle(len(stands), func(i, j int) { stands[i], stands[j] = stands[j], stands[i] })
		line := fmt.Sprintf("  turn %2d", n+1)
		for _, s := range slices.Clone(stands) {
			r, err := s.turn(ctx, rate)
			if err != nil {
				return c, err
			}
			if !r.clean() {
				o.say("  %-20s %v", s.kind, r)
				c.costs[s.kind] = append(c.costs[s.kind], 0)
				if len(c.costs[s.kind])-len(clean(c.costs[s.kind])) >= turnsMissed {
					stands = slices.DeleteFunc(stands, func(other *stand) bool { return other == s })
				}
				continue
			}
			c.costs[s.kind] = append(c.costs[s.kind], r.PerThousand().Seconds())
			line += fmt.Sprintf("   %s %.3f s, %.0f MB", s.kind, r.PerThousand().Seconds(), float64(r.Memory)/1e6)
		}
		o.say("%s", line)
	}
	return c, nil
}

// stand is a system that waits for its turns.
type stand struct {
	options Options
	kind    Kind
	world   *world // nil: it has to be started
	process *lab.Process
}

// turn takes calls through the system for a turn. When that was not clean it is stopped, and tried again.
func (s *stand) turn(ctx context.Context, rate int) (r Result, err error) {
	for range turnTries {
		if err = s.open(ctx); err != nil {
			return r, err
		}
		if r, err = s.world.measure(ctx, s.process, during(rate, turnTime)); err != nil {
			return r, fmt.Errorf("%s: %w", s.kind, err)
		}
		if r.clean() {
			break
		}
		s.world.keep(fmt.Sprintf("%s-%d", s.kind, rate))
		s.close()
	}
	return r, nil
}

// open starts the system when it is not up.
func (s *stand) open(ctx context.Context) (err error) {
	if s.world != nil {
		return nil
	}
	if s.world, err = open(s.options); err == nil {
		s.process, err = s.world.start(ctx, s.kind)
	}
	return err
}

func (s *stand) close() {
	if s.world != nil {
		s.world.close()
		s.world = nil
	}
}

// against tells what the box costs beside a system, at each rate that it takes, and holds it to its bar at the highest.
func (o Options) against(k Kind, limit float64, all []comparison) (bar Bar, err error) {
	err = fmt.Errorf("most turns of %s were not clean, at any rate: is the machine busy with something else?", k)
	for _, c := range all {
		if !c.takes(k) {
			continue // beyond it
		}
		r := ratios(c.costs[Box], c.costs[k])
		if !c.takes(Box) || len(r) == 0 {
			return bar, fmt.Errorf("most turns of the box at %d calls/s were not clean: is the machine busy with something else?", c.rate)
		}
		box, other := median(clean(c.costs[Box])), median(clean(c.costs[k]))
		o.say("at %4d calls/s %.3f s for 1,000 calls, %v the %.3f s of %s", c.rate, box, r, other, k)
		name := fmt.Sprintf("CPU for 1,000 calls at %d/s, %.3f s against %.3f s of %s, %s", c.rate, box, other, k, r.spread())
		bar, err = atMost(name, r.median(), limit, "%.2f x"), nil
	}
	return bar, err
}

// shares are what the turns say of two systems, in rising order.
type shares []float64

// ratios pairs the turns of two systems, those that neither has missed.
func ratios(ours, theirs []float64) shares {
	var s shares
	for i := range min(len(ours), len(theirs)) {
		if ours[i] > 0 && theirs[i] > 0 {
			s = append(s, ours[i]/theirs[i])
		}
	}
	slices.Sort(s)
	return s
}

func (s shares) median() float64 { return median(s) }

// spread tells between which ratios the middle half of the turns lies, and all of them.
func (s shares) spread() string {
	aside := len(s) / 4
	return fmt.Sprintf("half of %d turns %.2f to %.2f, all %.2f to %.2f", len(s), s[aside], s[len(s)-1-aside], s[0], s[len(s)-1])
}

func (s shares) String() string {
	return strings.TrimSpace(fmt.Sprintf("%.2f x (%s)", s.median(), s.spread()))
}
