package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/board/panel"
	"tollgate/firmware/api"
	"tollgate/firmware/policy"
	"tollgate/firmware/stick"
	"tollgate/firmware/supervise"
)

// presenceTime is how long a press of the button proves that somebody stands before the box.
const presenceTime = time.Minute

// byButton is who decides by the box's button.
const byButton = "the button of the box"

// presence is the proof that somebody stands before the box: a press of its button, which counts for one thing.
type presence struct {
	mu      sync.Mutex // guards what follows
	pressed time.Time  // zero: the latest press has been used
}

func (p *presence) note(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pressed = now
}

// use tells whether the button was pressed not long ago, and uses that up.
func (p *presence) use(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := p.counts(now)
	p.pressed = time.Time{}
	return fresh
}

// counts tells whether the button was pressed not long ago; p.mu is held.
func (p *presence) counts(now time.Time) bool {
	return !p.pressed.IsZero() && now.Sub(p.pressed) <= presenceTime
}

// until is when the latest press ends to count; nil: none does.
func (p *presence) until(now time.Time) *time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.counts(now) {
		return nil
	}
	end := p.pressed.Add(presenceTime)
	return &end
}

// hasButton tells whether the machine is the box's own and has a button.
func (b *box) hasButton() bool {
	_, found := panel.FindButton("/")
	return found && b.options.Appliance
}

// watchButton hears of presses from process 1. It begins before the box says that it is ready, for the signal ends a program
// that does not.
func (b *box) watchButton(ctx context.Context) error {
	if !b.options.Appliance {
		return nil
	}
	presses := make(chan os.Signal, 1)
	signal.Notify(presses, unix.SIGUSR1)
	go func() {
		defer signal.Stop(presses)
		for {
			select {
			case <-ctx.Done():
				return
			case <-presses:
				b.pressed(ctx, time.Now())
			}
		}
	}()
	return nil
}

// pressed does what a press means: yes to the stick that waits; else the first password counts anew, while nobody has
// replaced it; else somebody is there.
func (b *box) pressed(ctx context.Context, now time.Time) {
	s := b.sticks.State()
	switch {
	case s != nil && s.Here && s.Phase == stick.Waiting:
		taken, err := b.sticks.Accept(ctx, byButton, "")
		b.log.Info("button pressed: the stick is decided on", "phase", taken.Phase, "err", err)
	case !b.claimed(ctx):
		b.window.reopen()
		b.log.Info("button pressed: the first password counts again", "for", claimTime)
	default:
		b.presence.note(now)
		b.log.Info("button pressed: somebody is there", "for", presenceTime)
	}
}

// mayOpen refuses a policy that opens what can cost without a ceiling, until somebody has pressed the button of a box that has
// one. Who has the administrator's password alone, from afar, opens nothing.
func (b *box) mayOpen(doc []byte, now time.Time) error {
	if !b.hasButton() {
		return nil
	}
	next, _, err := b.config.Examine(doc)
	if err != nil {
		return nil // the import itself tells what is wrong with it
	}
	return needsPress(b.policy(), next, &b.presence, now)
}

func needsPress(old, next *policy.Policy, p *presence, now time.Time) error {
	opened := policy.Opens(old, next)
	if len(opened) == 0 || p.use(now) {
		return nil
	}
	return &api.PressNeeded{Opened: slices.Compact(opened)}
}

// keepLight has process 1 show what goes on, as long as the program lives.
func (b *box) keepLight(ctx context.Context) error {
	if !b.options.Appliance {
		return nil
	}
	voice, err := supervise.NewVoice()
	if err != nil {
		return err
	}
	go func() {
		shown, told := panel.Pattern(""), time.Time{}
		for ctx.Err() == nil {
			if p := b.scene(ctx).Pattern(); p != shown || time.Since(told) > lightAgain {
				shown, told = p, time.Now()
				if err := voice.Light(string(p)); err != nil {
					b.log.Warn("the light does not show it", "err", err)
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(lightEvery):
			}
		}
	}()
	return nil
}

// scene is what goes on at this moment.
func (b *box) scene(ctx context.Context) panel.Scene {
	usage := b.gate.Usage()
	scene := panel.Scene{OnThePhone: usage.Calls+usage.Emergency > 0, Troubled: b.hardware.troubled()}
	if b.systems != nil {
		scene.Updating = b.systems.busy()
	}
	s := b.sticks.State()
	if s == nil || !s.Here {
		return scene
	}
	switch given := b.passwordStick.Load() == s.At.UnixNano(); {
	case s.Phase == stick.Reading || s.Phase == stick.Waiting:
		scene.Reading = true
	case s.Phase == stick.Taken || given:
		scene.Taken = true
	default:
		scene.Refused = true
	}
	return scene
}

const (
	lightEvery = 500 * time.Millisecond
	// lightAgain is when a pattern is told again: process 1 forgets it when the program begins anew.
	lightAgain = 10 * time.Second
)
