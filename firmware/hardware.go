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
	since   map[board.Worry]time.Time
	crash   *api.Crash // the latest end of the program that nobody has dismissed; nil: none
}

// watchHardware looks at the board for as long as the process lives, and tells of ends of the program that nobody has seen.
func (b *box) watchHardware(ctx context.Context) error {
	b.lookAtBoard(board.Read("/"), time.Now())
	b.tellCrashes(b.crashes())
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(hardwareEvery):
				b.lookAtBoard(board.Read("/"), time.Now())
			}
		}
	}()
	return nil
}

// lookAtBoard tells what has become worth a worry, once, and what is none any more.
func (b *box) lookAtBoard(read board.Board, now time.Time) {
	began, over := b.hardware.note(read, now)
	for _, w := range began {
		b.log.Warn("hardware", "what", worrySentence(w, read))
		b.facts.Tell(event.HardwareTroubled{At: now, What: string(w), Reason: worrySentence(w, read)})
	}
	for _, w := range over {
		b.log.Info("hardware: well again", "what", w)
		b.facts.Tell(event.HardwareTroubled{At: now, What: string(w), Over: true})
	}
}

// note takes what the board tells, and returns the worries that have begun and those that are over.
func (h *hardware) note(read board.Board, now time.Time) (began, over []board.Worry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.worries
	h.latest, h.worries = read, h.health.Judge(read, now)
	if h.since == nil {
		h.since = map[board.Worry]time.Time{}
	}
	for _, w := range h.worries {
		if !slices.Contains(before, w) {
			began = append(began, w)
			h.since[w] = now
		}
	}
	for _, w := range before {
		if !slices.Contains(h.worries, w) {
			over = append(over, w)
		}
	}
	return began, over
}

// tellCrashes tells of the ends of the program that nobody has seen: each one once, however often the program begins meanwhile.
func (b *box) tellCrashes(list []api.Crash) {
	told := b.moment(crashToldKey)
	for _, c := range slices.Backward(list) { // the latest comes first
		if c.Dismissed || !c.At.After(told) {
			continue
		}
		b.log.Error("the program has ended before its time", "at", c.At, "how", c.How, "version", c.Version)
		b.facts.Tell(event.ProgramCrashed{At: c.At, How: c.How, Version: c.Version})
		if err := b.keepMoment(crashToldKey, c.At); err != nil {
			b.log.Warn("it will be told of again", "err", err)
		}
	}
}

// shownWorries are the worries as the overview shows them, the end of the program first.
func (h *hardware) shownWorries() []api.Worry {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []api.Worry{}
	if c := h.crash; c != nil {
		list = append(list, api.Worry{What: api.WorryCrash, Since: c.At, Reason: "the program has ended before its time: " + c.How})
	}
	for _, w := range h.worries {
		list = append(list, api.Worry{What: string(w), Since: h.since[w], Reason: worrySentence(w, h.latest)})
	}
	return list
}

// troubled tells whether somebody should look after the box.
func (h *hardware) troubled() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.worries) > 0 || h.crash != nil
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

// The records of the latest end of the program that somebody has dismissed, and of the latest one that was told of.
const (
	crashKind    = "crash"
	crashKey     = "dismissed"
	crashToldKey = "told"
)

// Dismiss notes that somebody has seen how the program has ended, up to the latest end.
func (v hardwareView) Dismiss(who string) error {
	list := v.crashes()
	if len(list) == 0 {
		return &api.Conflict{Detail: "The program has not ended before its time.", Remedy: "There is nothing to dismiss."}
	}
	if err := v.keepMoment(crashKey, list[0].At); err != nil {
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
	seen := b.moment(crashKey)
	for _, w := range words {
		c := api.Crash{At: w.At, LastedSeconds: int(w.Lasted.Seconds()), How: w.How, Version: w.Version, Text: w.Text, Dismissed: !w.At.After(seen)}
		list = append(list, c)
	}
	b.hardware.mu.Lock()
	defer b.hardware.mu.Unlock()
	b.hardware.crash = nil
	if i := slices.IndexFunc(list, func(c api.Crash) bool { return !c.Dismissed }); i >= 0 {
		b.hardware.crash = &list[i]
	}
	return list
}

// moment is the end of the program that a record names; the zero time: none.
func (b *box) moment(key string) (at time.Time) {
	value, found, err := b.store.Get(crashKind, key)
	if err == nil && found {
		at, err = time.Parse(time.RFC3339Nano, string(value))
	}
	if err != nil {
		return time.Time{}
	}
	return at
}

func (b *box) keepMoment(key string, at time.Time) error {
	return b.store.Put(crashKind, key, []byte(at.Format(time.RFC3339Nano)))
}
