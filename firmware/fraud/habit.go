package fraud

import "time"

// What is spent where the office usually calls may be more than the policy's budget once the office does so: timesHabit the
// most that one caller, prefix or night had on a day at which nobody had to say anything, or which somebody has said was right.
// Never more than timesBudget the budget, however slowly it grew. What it was is forgotten by and by.
const (
	timesHabit  = 2
	timesBudget = 5
	fades       = 50 // a part in so many is gone with each day
)

// spending is the most that one account of a scope has usually had in a day, or night.
type spending [scopes]Money

// learn takes note of an account whose day is over.
func (s *spending) learn(a *account, now time.Time) {
	if a.key.scope == ofDay {
		for i := range s {
			s[i] -= s[i] / fades
		}
	}
	if a.habitual() && !a.over {
		a.settle(now)
		s[a.key.scope] = max(s[a.key.scope], a.spent)
	}
}

// right has what an account has spent count as usual, on somebody's word.
func (s *spending) right(a *account) {
	a.over = false
	if a.habitual() {
		s[a.key.scope] = max(s[a.key.scope], a.spent)
	}
}

// budget is what an account may spend by the policy's budget and by habit.
func (s *spending) budget(a *account, euros int) Money {
	limit := Euros(euros)
	if !a.habitual() {
		return limit
	}
	habit := timesHabit * s[a.key.scope]
	if a.key.scope == ofNightUsual {
		habit = max(habit, s[ofDay]) // a holiday on which the office works costs as much as a day
	}
	return max(limit, min(habit, timesBudget*limit))
}

// habitual tells whether the money of an account may become more as the office spends it. Nearly all that a trunk or a day has is
// usual: what is not is bounded by itself.
func (a *account) habitual() bool { return a.usual || a.key.scope == ofDay || a.key.scope == ofTrunk }
