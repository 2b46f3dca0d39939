package main

import (
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/policy"
)

// pressTime is how long a press counts.
const pressTime = time.Minute

// mayOpen refuses what can cost without a ceiling until somebody has pressed the invented button, who comes a while after being
// asked; w.mu is held.
func (w *world) mayOpen(next *policy.Policy) error {
	opened := policy.Opens(w.policy, next)
	if w.press == 0 || len(opened) == 0 {
		return nil
	}
	now := time.Now()
	if w.pressedUntil(now) != nil {
		w.asked = time.Time{}
		return nil
	}
	w.asked = now
	return &api.PressNeeded{Opened: opened}
}

// pressedUntil is when the press ends to count; nil: there was none. w.mu is held.
func (w *world) pressedUntil(now time.Time) *time.Time {
	pressed := w.asked.Add(w.press)
	if end := pressed.Add(pressTime); !w.asked.IsZero() && !now.Before(pressed) && now.Before(end) {
		return &end
	}
	return nil
}
