package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tollgate/scripts/lab/machine"
)

// watchdogTime is how long a frozen machine may stand still: its watchdog's time, and what a loaded host adds.
const watchdogTime = 3 * time.Minute

// noTime is what the screen says of a box whose time servers do not answer.
const noTime = "no time server answers"

// proveFaults starts the machine in 1970 and freezes it.
func (w *world) proveFaults(ctx context.Context) error {
	return steps(ctx, []part{
		{"in 1970, with no time server: a call goes through", w.longAgo},
		{"  a time server answers, and all is well", w.today},
		{"a frozen machine is reset by its watchdog", w.freezes},
	})
}

// longAgo starts the machine with a clock that has forgotten everything, as boards without a battery do.
func (w *world) longAgo(ctx context.Context) (string, error) {
	if err := w.time.Close(); err != nil {
		return "", err
	}
	w.box.Cut()
	if err := w.restart(ctx, "-rtc", "base=1970-01-01"); err != nil {
		return "", err
	}
	if err := w.calls(ctx, nil); err != nil {
		return "", err
	}
	if err := w.branch.Box.AwaitRest(ctx); err != nil {
		return "", err
	}
	ended, err := w.account(ctx)
	if err != nil {
		return "", err
	}
	if time.Since(ended[0].Ended) > 24*time.Hour {
		return "", fmt.Errorf("the call is not of these days: %+v", ended)
	}
	if _, err := w.box.Await(ctx, noTime, 1); err != nil {
		return "", err
	}
	return "on " + ended[0].Ended.UTC().Format(time.DateTime) + " by its own clock", nil
}

// today has the time server answer again.
func (w *world) today(ctx context.Context) (string, error) {
	var err error
	if w.time, err = machine.Time(w.branch.Lab.Carrier); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		console := w.box.Console()
		if last := console[strings.LastIndex(console, clearScreen)+1:]; !strings.Contains(last, noTime) {
			return "", nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return "", errors.New("the screen still says that no time server answers")
		}
	}
}

// clearScreen begins each screen.
const clearScreen = "\x1b[H\x1b[2J"

// freezes has both processors do nothing for ever.
func (w *world) freezes(ctx context.Context) (string, error) {
	before := strings.Count(w.box.Console(), running)
	if err := w.box.Freeze(); err != nil {
		return "", err
	}
	begun := time.Now()
	if err := w.box.AwaitWatchdog(watchdogTime); err != nil {
		return "", err
	}
	took := time.Since(begun)
	if err := w.well(ctx, before+1); err != nil {
		return "", err
	}
	return "after " + seconds(took), w.branch.Box.AwaitTrunk(ctx)
}

// account is a call that is over, as the page tells.
type account struct {
	Ended time.Time `json:"ended"`
}

// accounts are the calls that are over, the latest first.
func (w *world) accounts(ctx context.Context) ([]account, error) {
	var out struct {
		Calls []account `json:"calls"`
	}
	err := w.page.JSON(ctx, http.MethodGet, "/api/v1/calls/ended", nil, &out)
	return out.Calls, err
}

// account waits until a call is among those that are over.
func (w *world) account(ctx context.Context) ([]account, error) {
	ctx, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	for {
		ended, err := w.accounts(ctx)
		if err != nil || len(ended) > 0 {
			return ended, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.New("the page tells of no call that is over")
		}
	}
}

// restart switches a machine on that was off, and waits until it is well.
func (w *world) restart(ctx context.Context, words ...string) error {
	if err := w.power(words...); err != nil {
		return err
	}
	return w.well(ctx, 1)
}

// well waits until the machine has said for the nth time since power-on that it runs, and logs in.
func (w *world) well(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*startTime)
	defer cancel()
	if _, err := w.box.Await(ctx, running, n); err != nil {
		return err
	}
	if err := w.page.Await(ctx); err != nil {
		return err
	}
	return w.page.LogIn(ctx, password)
}

// calls has the office call as soon as the trunk is up; during is told when the call is answered, and may be nil.
func (w *world) calls(ctx context.Context, during func(context.Context) error) error {
	if err := w.branch.Box.AwaitTrunk(ctx); err != nil {
		return err
	}
	call := w.branch.Outgoing()
	call.Seconds = 0
	call.During = during
	return w.branch.Talk(ctx, call)
}
