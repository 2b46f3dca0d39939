package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tollgate/board"
	"tollgate/firmware/api"
	"tollgate/firmware/event"
	"tollgate/firmware/store"
	"tollgate/firmware/supervise"
)

// hardwareEvery is how often the hardware is looked at.
const hardwareEvery = 5 * time.Second

// hardware is what the box knows of itself: how its board is, and how its program has ended.
type hardware struct {
	mu      sync.Mutex // guards what follows
	health  board.Health
	latest  board.Board
	worries []board.Worry
	crashed bool // an end of the program that nobody has dismissed
}

// watchHardware looks at the board for as long as the process lives, and tells of ends of the program that nobody has seen.
func (b *box) watchHardware(ctx context.Context) error {
	b.lookAtBoard(time.Now())
	for _, c := range b.crashes() {
		if !c.Dismissed {
			b.log.Error("the program has ended before its time", "at", c.At, "how", c.How, "version", c.Version)
			b.facts.Tell(event.ProgramCrashed{At: c.At, How: c.How, Version: c.Version})
		}
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(hardwareEvery):
				b.lookAtBoard(time.Now())
			}
		}
	}()
	return nil
}

// lookAtBoard tells what has become worth a worry, and what is none any more.
func (b *box) lookAtBoard(now time.Time) {
	read := board.Read("/")
	h := &b.hardware
	h.mu.Lock()
	before := h.worries
	h.latest, h.worries = read, h.health.Judge(read, now)
	after := h.worries
	h.mu.Unlock()
	for _, w := range after {
		if !slices.Contains(before, w) {
			b.log.Warn("hardware", "what", worrySentence(w, read))
			b.facts.Tell(event.HardwareTroubled{At: now, What: string(w), Reason: worrySentence(w, read)})
		}
	}
	for _, w := range before {
		if !slices.Contains(after, w) {
			b.log.Info("hardware: well again", "what", w)
			b.facts.Tell(event.HardwareTroubled{At: now, What: string(w), Over: true})
		}
	}
}

// troubled tells whether somebody should look after the box.
func (h *hardware) troubled() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.worries) > 0 || h.crashed
}

// sentences are the worries in words, for the screen.
func (h *hardware) sentences() (list []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.worries {
		list = append(list, worrySentence(w, h.latest))
	}
	return list
}

func worrySentence(w board.Worry, b board.Board) string {
	switch w {
	case board.TooHot:
		return "the box is too hot"
	case board.WeakSupply:
		return "the power supply is too weak"
	}
	return fmt.Sprintf("the storage has %d %% of its life behind it", *b.Wear)
}

// hardwareView is what the page shows of it.
type hardwareView struct{ *box }

func (v hardwareView) Hardware() api.Hardware {
	h := &v.hardware
	h.mu.Lock()
	b, worries := h.latest, h.worries
	h.mu.Unlock()
	shown := api.Hardware{
		Model: b.Model, Kind: string(b.Kind), Serial: b.Serial, Revision: b.Revision, Temperature: b.Temperature, UnderVoltage: b.UnderVoltage, Wear: b.Wear,
		Button: v.hasButton(), Worries: []string{}, Crashes: v.crashes(),
	}
	for _, w := range worries {
		shown.Worries = append(shown.Worries, string(w))
	}
	return shown
}

// The record of the latest end of the program that somebody has dismissed.
const (
	crashKind = "crash"
	crashKey  = "dismissed"
)

// Dismiss notes that somebody has seen how the program has ended, up to the latest end.
func (v hardwareView) Dismiss(who string) error {
	list := v.crashes()
	if len(list) == 0 {
		return &api.Conflict{Detail: "The program has not ended before its time.", Remedy: "There is nothing to dismiss."}
	}
	if err := v.store.Put(crashKind, crashKey, []byte(list[0].At.Format(time.RFC3339Nano))); err != nil {
		return err
	}
	v.crashes() // the light
	return nil
}

// crashes are the ends of the program that process 1 has kept, the latest first; none on a machine whose process 1 is another.
func (b *box) crashes() []api.Crash {
	list := []api.Crash{}
	if !b.options.Appliance {
		return list
	}
	words, err := supervise.ReadLastWords(wordsPath)
	if err != nil {
		b.log.Warn("last words", "err", err)
	}
	seen := dismissed(b.store)
	crashed := false
	for _, w := range words {
		c := api.Crash{At: w.At, LastedSeconds: int(w.Lasted.Seconds()), How: w.How, Version: w.Version, Text: w.Text, Dismissed: !w.At.After(seen)}
		crashed = crashed || !c.Dismissed
		list = append(list, c)
	}
	b.hardware.mu.Lock()
	b.hardware.crashed = crashed
	b.hardware.mu.Unlock()
	return list
}

// dismissed is when the latest end was that somebody has seen.
func dismissed(s *store.Store) (at time.Time) {
	value, found, err := s.Get(crashKind, crashKey)
	if err == nil && found {
		at, err = time.Parse(time.RFC3339Nano, string(value))
	}
	if err != nil {
		return time.Time{}
	}
	return at
}
