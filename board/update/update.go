// Package update replaces the system of a box that has two slots: what runs is never written to, and what was written has to prove
// itself before it counts.
//
//	Admit:   for this board, newer?
//	Keep:    the content whole, as its checksum says? It waits in a file
//	Write:   to the other slot, and read back
//	Try:     the next start tries it, once
//	Arm:     right before the restart; how the loader is asked for a trial
//	restart: the loader starts the slot on trial
//	Commit:  the system has proved itself and is the one from now on
//	otherwise the next start, however it comes about, takes the old one, and Fallback tells of it
//
// What chooses is either U-Boot, by a state that it shares with this package (environment.go), or the firmware of a Raspberry Pi, by a file of
// its own (tryboot.go).
//
// Everything about an update is verified before the first byte of a slot is written. It leaves to others who has signed a system
// and how it comes (firmware/bundle), what proves one (firmware), how the machine restarts, and who may bring an update.
package update

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// Running is the system that runs.
type Running struct {
	Board   string
	Release string
	Built   int64 // Unix seconds
	Slot    Slot
	Trial   bool // it has not proved itself yet
}

// System is an update's content, as somebody whose word counts has described it.
type System struct {
	Board   string
	Release string // for people
	Built   int64  // Unix seconds; what is newer has more
	Size    int64  // bytes
	SHA256  []byte
}

// Installer brings updates onto a box.
type Installer struct {
	Slots   Slots
	Running Running
	Spool   string // folder on the data partition where an update lies while it is verified
}

// Install makes a system the one that the next start tries. When it fails, the slots choose as before. Only one may run at a time.
func (i Installer) Install(s System, content io.Reader) error {
	if err := i.Admit(s); err != nil {
		return err
	}
	kept, err := i.Keep(s, content)
	if err != nil {
		return err
	}
	defer kept.Close()
	if err := i.Write(kept); err != nil {
		return err
	}
	return i.Try()
}

// Admit judges a system by what is said of it.
func (i Installer) Admit(s System) error {
	switch {
	case !i.Running.Slot.known():
		return errors.New("this machine has no slots: write a new image to its card")
	case i.Running.Trial:
		return errors.New("the last update is still proving itself: wait until it has")
	case s.Board != i.Running.Board:
		return fmt.Errorf("the update is for %q, and this is a %q", s.Board, i.Running.Board)
	case s.Built <= i.Running.Built:
		return fmt.Errorf("the update holds %s, which is not newer than what runs, %s: an older one may have faults that are known", s.Release, i.Running.Release)
	case s.Size <= 0 || len(s.SHA256) != sha256.Size:
		return errors.New("the update tells neither its size nor its checksum")
	}
	return nil
}

// Kept is the content of a system that is whole.
type Kept struct {
	system  System
	content *os.File
}

// Close forgets the content.
func (k *Kept) Close() error { return k.content.Close() }

// Keep keeps a system's content in a file that nobody else sees, and makes sure that it is whole. The caller closes it.
func (i Installer) Keep(s System, r io.Reader) (*Kept, error) {
	f, err := os.CreateTemp(i.Spool, "update-")
	if err != nil {
		return nil, fmt.Errorf("keep the update: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil { // it lives as long as it is open
		f.Close()
		return nil, fmt.Errorf("keep the update: %w", err)
	}
	if err := whole(f, s, r); err != nil {
		f.Close()
		return nil, err
	}
	return &Kept{system: s, content: f}, nil
}

// whole copies a system's content and tells whether it is what its checksum says.
func whole(to io.Writer, s System, r io.Reader) error {
	h := sha256.New()
	// One byte more than it should have, to see whether it has.
	n, err := io.Copy(io.MultiWriter(to, h), io.LimitReader(r, s.Size+1))
	switch {
	case err != nil:
		return fmt.Errorf("keep the update: %w", err)
	case n < s.Size:
		return fmt.Errorf("the update ends after %d of %d bytes", n, s.Size)
	case n > s.Size:
		return errors.New("the update is longer than it says")
	case !bytes.Equal(h.Sum(nil), s.SHA256):
		return errors.New("the update's content was changed on the way: its checksum is wrong")
	}
	return nil
}

// Write writes a system to the slot that does not run and reads it back. Nothing tries it yet.
func (i Installer) Write(k *Kept) error {
	other := i.Running.Slot.Other()
	// What is written is not to be tried while it is written.
	if err := i.Slots.write(State{Active: i.Running.Slot, Trying: None}); err != nil {
		return err
	}
	if err := i.Slots.fill(other, k.content, k.system.Size); err != nil {
		return err
	}
	sum, err := i.Slots.sum(other, k.system.Size)
	if err != nil {
		return err
	}
	if !bytes.Equal(sum, k.system.SHA256) {
		return fmt.Errorf("slot %s does not hold what was written to it: the card wears out, replace it", other)
	}
	return nil
}

// Try has the next start try what Write has written, once.
func (i Installer) Try() error {
	return i.Slots.write(State{Active: i.Running.Slot, Trying: i.Running.Slot.Other(), Left: true})
}

// Arm is for right before a restart that somebody wants. It tells whether the restart has to ask the loader for the trial of what Try has
// chosen: on a Raspberry Pi it has, and there the system counts as tried from here on.
func (i Installer) Arm() (ask bool, err error) {
	if !i.Running.Slot.known() {
		return false, nil
	}
	return i.Slots.keeper().arm()
}

// Commit makes the running system, which has proved itself, the one that is started from now on.
func (i Installer) Commit() error {
	return i.Slots.write(State{Active: i.Running.Slot, Trying: None})
}

// Fallback tells whether the last update was started and has not proved itself, so that the old system runs again; once for each.
func (i Installer) Fallback() (bool, error) {
	s, err := i.Slots.Read()
	if err != nil || i.Running.Trial || s.Left || s.Trying != i.Running.Slot.Other() {
		return false, err
	}
	return true, i.Slots.write(State{Active: i.Running.Slot, Trying: None})
}
