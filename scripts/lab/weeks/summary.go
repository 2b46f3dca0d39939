package weeks

import (
	"slices"
	"time"
)

// Summary is what came of many seeds.
type Summary struct {
	Ordinary OrdinarySummary
	Patterns []PatternSummary
}

// OrdinarySummary is about weeks without an attack.
type OrdinarySummary struct {
	Calls int
	Weeks int
	// PerWeek is the mean of false alarms in a week, WorstOffice that of the office that had the most, WorstWeek the most in
	// one week of any.
	PerWeek, WorstOffice float64
	WorstWeek            int
	Quiet                float64 // the share of weeks with one false alarm at most
	Rules                map[string]int
}

// PatternSummary is about one kind of attack.
type PatternSummary struct {
	Name                    string
	Unseen                  int // seeds in which the box did nothing about it
	MedianSeen, WorstSeen   time.Duration
	MedianLoss, WorstLoss   float64
	FreshMedian, FreshWorst float64 // loss with a box that has seen nothing yet
}

// Summarize sums results up.
func Summarize(results []Result) Summary {
	s := Summary{Ordinary: OrdinarySummary{Rules: map[string]int{}}}
	for _, r := range results {
		s.Ordinary.add(r.Ordinary)
	}
	s.Ordinary.PerWeek /= float64(s.Ordinary.Weeks)
	s.Ordinary.Quiet /= float64(s.Ordinary.Weeks)
	for i, name := range Patterns() {
		s.Patterns = append(s.Patterns, ofPattern(name, i, results))
	}
	return s
}

func (s *OrdinarySummary) add(o Ordinary) {
	sum := 0
	for _, n := range o.Alarms {
		sum += n
		s.WorstWeek = max(s.WorstWeek, n)
		if n <= 1 {
			s.Quiet++
		}
	}
	s.Calls, s.Weeks, s.PerWeek = s.Calls+o.Calls, s.Weeks+ordinaryWeeks, s.PerWeek+float64(sum)
	s.WorstOffice = max(s.WorstOffice, float64(sum)/ordinaryWeeks)
	for rule, n := range o.Rules {
		s.Rules[rule] += n
	}
}

func ofPattern(name string, i int, results []Result) PatternSummary {
	p := PatternSummary{Name: name}
	var seen []time.Duration
	var loss, fresh []float64
	for _, r := range results {
		a := r.Attacks[i]
		if a.Seen < 0 {
			p.Unseen++
		} else {
			seen = append(seen, a.Seen)
		}
		loss, fresh = append(loss, a.Loss), append(fresh, r.Fresh[i].Loss)
	}
	p.MedianSeen, p.WorstSeen = middle(seen)
	p.MedianLoss, p.WorstLoss = middle(loss)
	p.FreshMedian, p.FreshWorst = middle(fresh)
	return p
}

// middle is the median and the worst of a list.
func middle[T time.Duration | float64](list []T) (median, worst T) {
	if len(list) == 0 {
		return 0, 0
	}
	slices.Sort(list)
	return list[len(list)/2], list[len(list)-1]
}
