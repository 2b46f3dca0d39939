package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"tollgate/board/panel"
)

const (
	// resumeFront is before a goroutine of the panel that ended or panicked begins again.
	resumeFront = time.Second
	// seekButton is between two looks for a button: its driver may come late.
	seekButton = 5 * time.Second
)

// front is the panel of the box in the hands of process 1: its light and its button.
type front struct {
	root         string // below which the board is
	press, reset func()
	fault        func(point string) // for tests; may be nil
	log          *slog.Logger
	light        *panel.Light

	mu      sync.Mutex    // guards what follows
	pattern panel.Pattern // what the light shows, unless it asks for another press
	asking  bool
}

func newFront(root string, log *slog.Logger, fault func(point string)) *front {
	return &front{root: root, log: log, fault: fault, light: panel.NewLight(root, fault), pattern: panel.Starting}
}

// run keeps the light lit and the button watched until ctx ends. It returns at once.
func (f *front) run(ctx context.Context) {
	go f.keep(ctx, "light", f.light.Run)
	go f.keep(ctx, "button", f.watch)
}

// keep does work until ctx ends, again and again: in process 1 nothing may end by a panic or a fault. A fault that stays is
// told once.
func (f *front) keep(ctx context.Context, where string, work func(context.Context) error) {
	told := ""
	for ctx.Err() == nil {
		err := f.once(ctx, where, work)
		if errors.Is(err, panel.ErrNoLight) {
			return
		}
		if err != nil && err.Error() != told {
			told = err.Error()
			f.log.Error("the panel does not work; it is tried again", "where", where, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(resumeFront):
		}
	}
}

func (f *front) once(ctx context.Context, where string, work func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			f.log.Error("panic in process 1: it goes on", "where", where, "what", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	return work(ctx)
}

// watch watches the button, as soon as there is one.
func (f *front) watch(ctx context.Context) error {
	for {
		if device, found := panel.FindButton(f.root); found {
			return panel.Watch(ctx, device, f.act, f.fault)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(seekButton):
		}
	}
}

// act does what the button says.
func (f *front) act(a panel.Act) {
	f.ask(a == panel.Asked)
	switch a {
	case panel.Pressed:
		f.press()
	case panel.Asked:
		f.log.Warn("the button was held: pressed again while the light flickers, the box forgets its policy and its secrets", "for", panel.HoldTime)
	case panel.Confirmed:
		f.log.Warn("the button was pressed again: the box is reset")
		f.reset()
	}
}

func (f *front) ask(asking bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asking = asking
	f.shine()
}

// show has the light show p, once it asks for nothing.
func (f *front) show(p panel.Pattern) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pattern = p
	f.shine()
}

// shine is called with the lock held.
func (f *front) shine() {
	if f.asking {
		f.light.Show(panel.Confirm)
		return
	}
	f.light.Show(f.pattern)
}
