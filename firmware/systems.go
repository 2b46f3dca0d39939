package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"tollgate/board/boot"
	"tollgate/board/update"
	"tollgate/firmware/bundle"
	"tollgate/firmware/supervise"
)

// What the image says of itself.
const (
	releasePath = "/etc/tollgate/release"
	keysPath    = "/etc/tollgate/update.keys"
)

// Names of the partitions that updates work on.
const (
	slotLabel  = "tollgate-" // and the slot
	stateLabel = "tollgate-state"
	// autobootLabel is what the firmware of a Raspberry Pi chooses the slot by.
	autobootLabel = "tollgate-boot"
)

const (
	// proveTime is for how long a new system has to be well without a break before it counts.
	proveTime = time.Minute
	// trialTime is how long it has for that; then the machine goes back to the one before.
	trialTime = 10 * time.Minute
	// answerTime is for the answer to reach the browser before the machine restarts.
	answerTime = 2 * time.Second
)

// systems brings updates onto this machine and lets a new system prove itself.
type systems struct {
	installer update.Installer
	makers    []bundle.Key // who may sign systems
	voice     supervise.Voice
	records   notebook
	log       *slog.Logger
	kept      func()          // may be nil; called when a new system has proved itself
	up        func() []string // may be nil; the trunks that are up

	mu       sync.Mutex // guards what follows
	trial    bool
	stage    string // what is being done with an update; "": nothing
	known    known
	wellFrom time.Time
	until    time.Duration // uptime at which a trial ends; 0: trialTime
}

// openSystems has updates taken, on a machine whose system is the box's own.
func (b *box) openSystems(context.Context) error {
	voice, err := supervise.NewVoice()
	if err != nil {
		return err
	}
	if b.systems, err = openSystems("/", b.options.State, voice, b.store, b.log); err != nil {
		b.log.Error("no updates", "err", err)
	}
	if b.systems != nil {
		b.systems.kept, b.systems.up = b.forgetOlder, b.registered
	}
	return nil
}

// openSystems reads what runs here; nil on a machine whose system is not the box's own.
func openSystems(root, spool string, voice supervise.Voice, kept notebook, log *slog.Logger) (*systems, error) {
	release, err := os.ReadFile(root + releasePath)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the image says of itself: %w", err)
	}
	words, err := boot.ReadWords(root)
	if err != nil {
		log.Warn("command line", "err", err)
	}
	s := &systems{voice: voice, records: kept, log: log, installer: update.Installer{
		Running: running(string(release)), Spool: spool,
	}}
	s.installer.Running.Slot = update.Slot(words.Slot)
	keys, err := os.ReadFile(root + keysPath)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the keys for updates: %w", err)
	}
	if s.makers, err = bundle.ParseKeys(string(keys), "the maker of this image", bundle.Systems); err != nil {
		return nil, fmt.Errorf("keys for updates: %w", err)
	}
	if words.Slot == "" {
		return s, nil
	}
	if s.installer.Slots, err = findSlots(root, words.Tryboot); err != nil {
		return nil, err
	}
	state, err := s.installer.Slots.Read()
	if err != nil {
		return nil, err
	}
	// The command line says how the machine was started; what has proved itself since is not on trial any more.
	s.trial = words.Trial && string(state.Active) != words.Slot
	s.installer.Running.Trial = s.trial
	fellBack, err := s.installer.Fallback()
	err = errors.Join(err, s.remember(fellBack, time.Now()))
	if fellBack {
		log.Error("the last update has not proved itself: the system before it runs again", "why", s.known.why())
	}
	return s, err
}

// busy tells whether something is being done with an update.
func (s *systems) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage != ""
}

// running reads name=value lines.
func running(release string) update.Running {
	var r update.Running
	lines := bufio.NewScanner(strings.NewReader(release))
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), "="); name {
		case "board":
			r.Board = value
		case "release":
			r.Release = value
		case "built":
			r.Built, _ = strconv.ParseInt(value, 10, 64) // 0 takes every update that is signed
		}
	}
	return r
}

func findSlots(root string, tryboot bool) (update.Slots, error) {
	var s update.Slots
	partitions := map[string]*string{slotLabel + "a": &s.A, slotLabel + "b": &s.B, stateLabel: &s.State}
	if tryboot {
		partitions[autobootLabel] = &s.Autoboot
	}
	for label, path := range partitions {
		device, found := boot.FindPartition(root, label)
		if !found {
			return s, fmt.Errorf("the disk has no partition %s", label)
		}
		*path = device
	}
	return s, nil
}

// Restart asks process 1 for a restart of the machine, when the answer has gone out; what waits is tried then.
func (s *systems) Restart(string) error {
	s.mu.Lock()
	if last := s.known.Last; last != nil && last.Outcome == tryWaiting && !s.trial {
		s.note(s.noteTrunks)
	}
	s.mu.Unlock()
	trial, err := s.installer.Arm()
	if err != nil {
		return fmt.Errorf("ready the restart: %w", err)
	}
	time.AfterFunc(answerTime, func() {
		if err := s.voice.RestartMachine(trial); err != nil {
			s.log.Error("no restart", "err", err)
		}
	})
	return nil
}

// noteTrunks notes the trunks that are up: under the next system they have to come up again.
func (s *systems) noteTrunks(k *known) {
	if s.up != nil {
		k.Trunks = s.up()
	}
}

// onTrial tells whether the system has yet to prove itself, and which trunks were up before it.
func (s *systems) onTrial() (trunks []string, yes bool) {
	if s == nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Trunks, s.trial
}

// proved is told, again and again, what is wrong with what the system does; nil: it does its work. It keeps a new system that has done
// so for long enough, and leaves one that has not in time. While that cannot be told (errAway) it does neither: should somebody
// switch the machine off and on, the system before it is back.
func (s *systems) proved(fault error, uptime time.Duration, now time.Time) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.trial:
		return
	case errors.Is(fault, errAway):
		s.wellFrom, s.until = time.Time{}, uptime+trialTime
	case fault != nil:
		s.wellFrom = time.Time{}
	case s.wellFrom.IsZero():
		s.wellFrom = now
	case now.Sub(s.wellFrom) >= proveTime:
		if fault = s.keep(now); fault == nil {
			return
		}
	}
	if fault != nil {
		s.log.Warn("the new system has not proved itself yet", "err", fault)
	}
	if uptime >= max(s.until, trialTime) {
		s.leave(fault)
	}
}

// keep has a new system count from now on; s.mu is held.
func (s *systems) keep(now time.Time) error {
	if err := s.installer.Commit(); err != nil {
		return fmt.Errorf("the new system is not kept: %w", err)
	}
	s.trial = false
	s.installer.Running.Trial = false
	s.note(func(k *known) { k.settle(tryKept, now) })
	if s.kept != nil {
		s.kept()
	}
	s.log.Info("the new system has proved itself and is kept", "release", s.installer.Running.Release)
	return nil
}

// leave restarts the machine, whose loader then takes the system before; s.mu is held.
func (s *systems) leave(fault error) {
	s.log.Error("the new system has not proved itself in time: back to the one before", "err", fault)
	if fault != nil {
		s.note(func(k *known) { k.blame(fault) })
	}
	if err := s.voice.RestartMachine(false); err != nil {
		s.log.Error("no restart", "err", err)
	}
}
