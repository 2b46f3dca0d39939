package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tollgate/scripts/lab/weeks"
)

// The bars of the judgement of fraud.
const (
	mostFalseAlarms = 1  // a week
	mostEuros       = 20 // euros, below which the worst of an attack has to stay
)

// Fraud are the parts of the bench of the judgement of fraud.
func Fraud() []Part { return []Part{{"weeks", FraudWeeks}} }

// FraudWeeks plays offices and attacks by an invented clock. The bars are those of an office that has brought its carrier's
// prices, as the box asks for; what the box makes of it with its own is printed beside it.
func FraudWeeks(_ context.Context, o Options) ([]Bar, error) {
	var bars []Bar
	for _, rates := range []bool{true, false} {
		o.say("%d seeds from %d on, %s", o.Seeds, o.First, map[bool]string{true: "with the carrier's prices", false: "with the box's own prices, without a bar"}[rates])
		results, err := weeks.Play(uint64(o.First), o.Seeds, rates)
		if err != nil {
			return nil, err
		}
		s := weeks.Summarize(results)
		o.sayFraud(s)
		if rates {
			bars = fraudBars(s)
		}
	}
	return bars, nil
}

// sayFraud prints what came of it.
func (o Options) sayFraud(s weeks.Summary) {
	w := s.Ordinary
	o.say("  %d calls in %d ordinary weeks: %.2f false alarms a week, %.2f in the office that has most, %d in the worst week; %.0f %% of the weeks have one at most",
		w.Calls, w.Weeks, w.PerWeek, w.WorstOffice, w.WorstWeek, 100*w.Quiet)
	rules := make([]string, 0, len(w.Rules))
	for rule := range w.Rules {
		rules = append(rules, rule)
	}
	slices.SortFunc(rules, func(a, b string) int { return w.Rules[b] - w.Rules[a] })
	for _, rule := range rules {
		o.say("    %4d  %s", w.Rules[rule], rule)
	}
	o.say("  %-24s %9s %9s %9s %9s   %s", "attack", "seen", "at worst", "loss", "at worst", "a box that has learned nothing yet")
	for _, p := range s.Patterns {
		o.say("  %-24s %9v %9v %7.2f € %7.2f €   %.2f €, at worst %.2f €", p.Name, p.MedianSeen.Round(time.Second), p.WorstSeen.Round(time.Second),
			p.MedianLoss, p.WorstLoss, p.FreshMedian, p.FreshWorst)
	}
}

func fraudBars(s weeks.Summary) []Bar {
	bars := []Bar{
		atMost("false alarms a week, all offices", s.Ordinary.PerWeek, mostFalseAlarms, "%.2f"),
		atMost("false alarms a week, the office that has most", s.Ordinary.WorstOffice, mostFalseAlarms, "%.2f"),
	}
	for _, p := range s.Patterns {
		bars = append(bars, Bar{
			Name:     fmt.Sprintf("%s, seen after %v (at worst %v), loss %.2f €, at worst", p.Name, p.MedianSeen.Round(time.Second), p.WorstSeen.Round(time.Second), p.MedianLoss),
			Measured: fmt.Sprintf("%.2f €", p.WorstLoss), Limit: fmt.Sprintf("below %d €", mostEuros), OK: p.WorstLoss < mostEuros && p.Unseen == 0,
		})
	}
	return bars
}
