package weeks

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"tollgate/firmware/fraud"
)

// JudgeSeeds is the first of the seeds that the defaults are judged by. Those below it are for choosing them: nobody looks at
// what the others make before the defaults are final, else they would only say how well the defaults were fitted to them.
const JudgeSeeds = 2001

// How many weeks an office works before it is attacked, and in which of them it has a campaign.
const (
	ordinaryWeeks = 8
	campaignFrom  = 4
	campaignTo    = 5
)

// Ordinary is what came of an office's weeks without any attack.
type Ordinary struct {
	Calls  int
	Alarms [ordinaryWeeks]int // false ones, by week
	Rules  map[string]int     // by what was said
}

// Outcome is what came of one attack.
type Outcome struct {
	Seen  time.Duration // from its beginning until the box did something about it; negative: it never did
	Loss  float64       // euros on the carrier's bill
	Calls int           // that he tried
}

// Result is what came of one seed.
type Result struct {
	Ordinary Ordinary
	Attacks  []Outcome // in the order of Patterns
	Fresh    []Outcome // the same against a box that has seen nothing yet
}

// Patterns names the attacks.
func Patterns() (names []string) {
	for _, p := range patterns() {
		names = append(names, p.name)
	}
	return names
}

// Play plays so many seeds from a first one on, as many at once as there are processors. With rates, the office has brought the
// prices of its carrier; else the box reckons with its own.
func Play(first uint64, seeds int, rates bool) ([]Result, error) {
	results, errs := make([]Result, seeds), make([]error, seeds)
	var wait sync.WaitGroup
	places := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range seeds {
		wait.Add(1)
		go func() {
			defer wait.Done()
			places <- struct{}{}
			defer func() { <-places }()
			results[i], errs[i] = playSeed(first+uint64(i), rates)
		}()
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", first+uint64(i), err)
		}
	}
	return results, nil
}

// begins is the Monday of the first week: holidays come in some of the eight.
func begins(zone *time.Location, seed uint64) time.Time {
	return time.Date(2026, 1, 5, 0, 0, 0, 0, zone).AddDate(0, 0, 7*int(seed%44))
}

func playSeed(seed uint64, rates bool) (r Result, err error) {
	s, err := newSettings(rates)
	if err != nil {
		return r, err
	}
	o := newOffice(seed)
	monday := begins(s.zone, seed)
	b := newBox(s)
	b.ends = true
	r.Ordinary.Rules = map[string]int{}
	for w := range ordinaryWeeks {
		agents := 0
		if w >= campaignFrom && w <= campaignTo {
			agents = 3 + int(seed%6)
		}
		calls := o.week(monday, agents)
		r.Ordinary.Calls += len(calls)
		monday = monday.AddDate(0, 0, 7)
		b.play(calls, monday)
		r.Ordinary.Alarms[w] = len(b.alarms)
		for _, a := range b.alarms {
			r.Ordinary.Rules[a.Rule]++
		}
		b.alarms = nil
	}
	b.play(nil, monday.Add(-time.Second)) // the night is quiet
	ledger, habits := b.watch.Ledger(b.now), b.watch.Habits()
	ledger.Blocks = nil
	for i, p := range patterns() {
		calls := append(o.week(monday, 0), o.week(monday.AddDate(0, 0, 7), 0)...)
		known, fresh := newBox(s), newBox(s)
		known.watch.Restore(ledger, monday)
		known.watch.Learn(habits)
		r.Attacks = append(r.Attacks, known.attacked(p, o, calls, monday, seed*100+uint64(i)))
		r.Fresh = append(r.Fresh, fresh.attacked(p, o, calls, monday, seed*100+uint64(i)))
		if known.err != nil {
			return r, known.err
		}
	}
	return r, b.err
}

// attacked lets an attack happen within two weeks of an office's calls.
func (b *box) attacked(p pattern, o *office, calls []dial, monday time.Time, seed uint64) Outcome {
	a := &attacker{box: b, random: rand.New(rand.NewPCG(seed, 0xa77ac4))}
	y, m, d := monday.Date()
	a.begun = time.Date(y, m, d+p.day, p.hour, a.random.IntN(60), 0, 0, b.zone)
	a.until = a.begun.Add(p.lasts)
	b.now = monday
	before := slices.IndexFunc(calls, func(c dial) bool { return c.at.After(a.begun) })
	if before < 0 {
		before = len(calls)
	}
	b.play(calls[:before], a.begun)
	b.alarms = nil
	for _, block := range b.watch.Blocks() { // what a false alarm has blocked stops nobody
		b.watch.Release(block.Kind, block.Of, b.now)
	}
	p.begin(a, o)
	rest := calls[before:]
	end := a.until.Add(12 * time.Hour)
	if last := slices.IndexFunc(rest, func(c dial) bool { return c.at.After(end) }); last >= 0 {
		rest = rest[:last]
	}
	b.play(rest, end)
	out := Outcome{Seen: -1, Loss: a.loss, Calls: a.calls}
	first := a.seen
	for _, found := range b.alarms {
		if a.concerns(found) && (first.IsZero() || found.At.Before(first)) {
			first = found.At
		}
	}
	if !first.IsZero() {
		out.Seen = first.Sub(a.begun)
	}
	return out
}

// concerns tells whether an alarm is about a call to where he earns, or about all calls.
func (a *attacker) concerns(found fraud.Alarm) bool {
	for _, r := range a.ranges {
		if strings.HasPrefix(found.Number, r[:min(len(r), 5)]) {
			return true
		}
	}
	for _, r := range a.ranges { // as it is dialled within the country
		if r[0] == '0' && strings.HasPrefix(found.Number, "+33"+r[1:4]) {
			return true
		}
	}
	return false
}
