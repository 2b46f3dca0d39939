package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"tollgate/scripts/lab/machine"
)

// written is after how long the account of a call is on the card: half a minute, and what an emulated machine adds.
const written = time.Minute

// cutTime is by when the power is cut while policies are imported and calls made.
const cutTime = 80 * time.Second

// proveCuts cuts the power n times while policies are imported and calls end, each time at another moment.
func (w *world) proveCuts(ctx context.Context, n int) error {
	for i := range n {
		name := fmt.Sprintf("the power is cut while policies and calls are written, %d of %d", i+1, n)
		if err := step(name, func() (string, error) { return w.cutWriting(ctx, i) }); err != nil {
			return err
		}
	}
	return nil
}

// kept is what the box has said that it keeps.
type kept struct {
	confirmed, flying string // names of the site: in force for good, and on the way
	calls             []time.Time
}

// cutWriting imports policies and makes calls until the power is cut, and looks at what is left.
func (w *world) cutWriting(ctx context.Context, round int) (string, error) {
	if err := w.branch.Box.AwaitTrunk(ctx); err != nil {
		return "", err
	}
	after := time.Duration(rand.Int64N(int64(cutTime)))
	writing, stop := context.WithTimeout(ctx, after)
	defer stop()
	calling := make(chan struct{})
	go func() { // calls that the cut ends fail, as they must
		defer close(calling)
		for writing.Err() == nil {
			_ = w.calls(writing, nil)
		}
	}()
	k, err := w.importing(writing, round)
	w.box.Cut()
	cut := time.Now()
	<-calling
	if err != nil {
		return "", err
	}
	for _, p := range w.branch.Phones {
		_ = p.HangUp(ctx) // what the cut has left
	}
	if err := w.restart(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("after %s, %s", seconds(after), k.confirmed), w.nothingLost(ctx, k, cut)
}

// importing imports one policy after the other until ctx ends.
func (w *world) importing(ctx context.Context, round int) (kept, error) {
	before, err := w.document(ctx)
	if err != nil {
		return kept{}, err
	}
	k := kept{confirmed: siteName(before)}
	for i := 0; ; i++ {
		k.flying = fmt.Sprintf("Lyon %d-%d", round, i)
		document := strings.Replace(w.policy, "name: "+siteName(w.policy), "name: "+k.flying, 1)
		err := w.bring(ctx, document)
		if ctx.Err() != nil {
			return k, nil
		}
		if err != nil {
			return k, fmt.Errorf("import a policy: %w", err)
		}
		k.confirmed = k.flying
		if ended, err := w.accounts(ctx); err == nil {
			for n := len(k.calls); n < len(ended); n++ {
				k.calls = append(k.calls, time.Now())
			}
		}
	}
}

func siteName(document string) string {
	_, rest, _ := strings.Cut(document, "\n  name: ")
	name, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(name, `"`)
}

// nothingLost checks what the box holds after a cut: the policy that it had confirmed or the one on the way, and every call that
// it had told of long enough before.
func (w *world) nothingLost(ctx context.Context, k kept, cut time.Time) error {
	document, err := w.document(ctx)
	if err != nil {
		return err
	}
	if name := siteName(document); name != k.confirmed && name != k.flying {
		return fmt.Errorf("the policy in force is %q; confirmed was %q, on the way %q", name, k.confirmed, k.flying)
	}
	ended, err := w.accounts(ctx)
	if err != nil {
		return err
	}
	must := 0
	for _, told := range k.calls {
		if cut.Sub(told) > written {
			must++
		}
	}
	if len(ended) < must {
		return fmt.Errorf("%d calls are left of %d", len(ended), must)
	}
	return nil
}

// bring imports a policy and confirms it if that is asked for.
func (w *world) bring(ctx context.Context, policy string) error {
	var result struct {
		Revision struct {
			Number uint64 `json:"number"`
			State  string `json:"state"`
		} `json:"revision"`
	}
	if err := w.page.JSON(ctx, http.MethodPost, "/api/v1/policy", map[string]string{"document": policy, "why": "another policy"}, &result); err != nil {
		return err
	}
	if result.Revision.State != "proposed" {
		return nil
	}
	return w.page.JSON(ctx, http.MethodPost, "/api/v1/policy/confirm", map[string]uint64{"revision": result.Revision.Number}, nil)
}

// proveInterrupted cuts the power at every step of an update.
func (w *world) proveInterrupted(ctx context.Context) error {
	return steps(ctx, []part{
		{"power cut while an update comes in: nothing changes", w.cutComing},
		{"power cut while its slot is written: nothing changes", w.cutFilling},
		{"power cut when it is to be tried: it is tried", w.cutChosen},
		{"power cut while it proves itself: the old one is back", w.cutTrial},
		{"power cut while it starts: the old one is back", w.cutStarting},
	})
}

// cutComing cuts the power when half of an update was sent.
func (w *world) cutComing(ctx context.Context) (string, error) {
	update, err := os.ReadFile(w.update)
	if err != nil {
		return "", err
	}
	sending, stop := context.WithCancel(ctx) // a machine without power does not even hang up
	defer stop()
	before, err := w.system(ctx)
	if err != nil {
		return "", err
	}
	half := io.MultiReader(bytes.NewReader(update[:len(update)/2]), doing(func() {
		w.box.Cut()
		stop()
	}))
	if err := w.page.Do(sending, http.MethodPost, "/api/v1/update", "application/octet-stream", half, nil); err == nil {
		return "", errors.New("half an update was taken")
	}
	return w.back(ctx, before)
}

// doing is a reader that does something, and is at its end.
type doing func()

func (d doing) Read([]byte) (int, error) {
	d()
	return 0, io.EOF
}

// cutFilling cuts the power when three quarters of the other slot were written. The half would be within the kernel, which is the same
// in every update.
func (w *world) cutFilling(ctx context.Context) (string, error) {
	slot, err := machine.FindPartition(w.disk, "tollgate-b")
	if err != nil {
		return "", err
	}
	update, err := os.ReadFile(w.update)
	if err != nil {
		return "", err
	}
	place := int64(len(update) * 3 / 4)
	was, err := w.system(ctx)
	if err != nil {
		return "", err
	}
	before, err := slot.At(w.disk, place, 4096)
	if err != nil {
		return "", err
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	sent := make(chan error, 1)
	go func() { sent <- w.send(sending, update) }()
	for {
		now, err := slot.At(w.disk, place, 4096)
		if err != nil {
			return "", err
		}
		if !bytes.Equal(now, before) {
			break
		}
		select {
		case err := <-sent:
			return "", fmt.Errorf("the slot holds the update already: %w", err)
		case <-time.After(time.Millisecond):
		}
	}
	w.box.Cut()
	stop()
	if err := <-sent; err == nil {
		return "", errors.New("the update was in before the power was cut")
	}
	return w.back(ctx, was)
}

// back starts the machine, which is to run as if nothing had been.
func (w *world) back(ctx context.Context, before system) (string, error) {
	if err := w.restart(ctx); err != nil {
		return "", err
	}
	s, err := w.system(ctx)
	if err == nil && s != before {
		err = fmt.Errorf("the machine is not as before: %+v, not %+v", s, before)
	}
	return "slot " + s.Slot, err
}

func (w *world) cutChosen(ctx context.Context) (string, error) {
	if err := w.sendFile(ctx, w.update); err != nil {
		return "", err
	}
	w.box.Cut()
	if err := w.restart(ctx); err != nil {
		return "", err
	}
	s, err := w.system(ctx)
	if err == nil && (s.Slot != "b" || !s.Trial) {
		err = fmt.Errorf("the update is not on trial: %+v", s)
	}
	return "slot " + s.Slot, err
}

func (w *world) cutTrial(ctx context.Context) (string, error) {
	w.box.Cut()
	return w.fallen(ctx)
}

// fallen starts the machine, which is to run slot a and to say that the update was left.
func (w *world) fallen(ctx context.Context) (string, error) {
	if err := w.restart(ctx); err != nil {
		return "", err
	}
	s, err := w.system(ctx)
	if err == nil && (s.Slot != "a" || !s.FellBack) {
		err = fmt.Errorf("the machine is not back: %+v", s)
	}
	return "slot " + s.Slot, err
}

// cutStarting cuts the power when the loader has handed over to the update.
func (w *world) cutStarting(ctx context.Context) (string, error) {
	if err := w.sendFile(ctx, w.update); err != nil {
		return "", err
	}
	before := strings.Count(w.box.Console(), startingKernel)
	if err := w.page.JSON(ctx, http.MethodPost, "/api/v1/restart", nil, nil); err != nil {
		return "", err
	}
	waiting, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if _, err := w.box.Await(waiting, startingKernel, before+1); err != nil {
		return "", err
	}
	w.box.Cut()
	return w.fallen(ctx)
}

// startingKernel is what U-Boot says when it hands over.
const startingKernel = "Starting kernel"

func (w *world) sendFile(ctx context.Context, file string) error {
	update, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return w.send(ctx, update)
}
