package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// system is what the page says of the machine's system.
type system struct {
	Slot     string `json:"slot"`
	Trial    bool   `json:"trial"`
	FellBack bool   `json:"fell_back"`
	Waiting  string `json:"waiting"`
	Release  string `json:"release"`
}

// proveUpdates brings a false update, a bad one, a good one that the power fails at each step, and the same once more.
func (w *world) proveUpdates(ctx context.Context) error {
	if err := steps(ctx, []part{{"an update with one bit changed is refused", w.refused}, {"an update that cannot start is tried once, and left", w.leaves}}); err != nil {
		return err
	}
	if err := w.proveInterrupted(ctx); err != nil {
		return err
	}
	return steps(ctx, []part{
		{"a stick with the update that did not prove itself is refused", w.refusesAgain},
		{"a stick with settings and another update is taken", w.takesBundle},
		{"  its update is tried", w.tries},
		{"  and kept when it has been well for a minute", w.keeps},
		{"  over a power cut, too", w.stays},
	})
}

// stays cuts the power once more.
func (w *world) stays(ctx context.Context) (string, error) {
	w.box.Cut()
	if err := w.restart(ctx); err != nil {
		return "", err
	}
	s, err := w.system(ctx)
	if err == nil && (s.Slot != "b" || s.Trial) {
		err = fmt.Errorf("the update is gone: %+v", s)
	}
	return "slot " + s.Slot, err
}

func (w *world) refused(ctx context.Context) (string, error) {
	update, err := os.ReadFile(w.update)
	if err != nil {
		return "", err
	}
	update[len(update)/2] ^= 1
	err = w.send(ctx, update)
	if err == nil || !strings.Contains(err.Error(), "changed on the way") {
		return "", fmt.Errorf("it was not refused for its content: %w", err)
	}
	s, err := w.system(ctx)
	if err == nil && (s.Slot != "a" || s.Waiting != "") {
		err = fmt.Errorf("the next start tries something: %+v", s)
	}
	return "still " + s.Release, err
}

func (w *world) leaves(ctx context.Context) (string, error) {
	s, err := w.replace(ctx, w.bad)
	if err == nil && (s.Slot != "a" || s.Trial || !s.FellBack) {
		err = fmt.Errorf("the machine is not back: %+v", s)
	}
	return "back in slot " + s.Slot, err
}

func (w *world) tries(ctx context.Context) (string, error) {
	s, err := w.startAgain(ctx)
	if err == nil && (s.Slot != "b" || s.FellBack) {
		err = fmt.Errorf("the update does not run: %+v", s)
	}
	return "in slot " + s.Slot, err
}

func (w *world) keeps(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		s, err := w.system(ctx)
		if err == nil && s.Slot == "b" && !s.Trial {
			return s.Release, nil
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return "", errors.Join(fmt.Errorf("still on trial: %+v", s), err)
		}
	}
}

// replace sends an update, restarts the machine and waits until a system is well again.
func (w *world) replace(ctx context.Context, file string) (system, error) {
	if err := w.sendFile(ctx, file); err != nil {
		return system{}, err
	}
	return w.startAgain(ctx)
}

// startAgain has the page restart the machine, and waits until a system is well again.
func (w *world) startAgain(ctx context.Context) (system, error) {
	before := strings.Count(w.box.Console(), running)
	if err := w.page.JSON(ctx, http.MethodPost, "/api/v1/restart", nil, nil); err != nil {
		return system{}, err
	}
	if err := w.well(ctx, before+1); err != nil {
		return system{}, err
	}
	return w.system(ctx)
}

func (w *world) send(ctx context.Context, update []byte) error {
	return w.page.Do(ctx, http.MethodPost, "/api/v1/update", "application/octet-stream", bytes.NewReader(update), nil)
}

func (w *world) system(ctx context.Context) (s system, err error) {
	err = w.page.JSON(ctx, http.MethodGet, "/api/v1/system", nil, &s)
	return s, err
}
