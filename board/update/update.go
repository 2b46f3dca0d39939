// Package update replaces the system of a box that has two slots: what runs is never written to, and what was written has to prove
// itself before it counts.
//
//	Install: signature -> board, newer? -> content whole? -> write the other slot -> read it back -> to be tried once
//	restart: the loader starts the slot on trial, once
//	Commit:  the system has proved itself and is the one from now on
//	otherwise the next start, however it comes about, takes the old one, and Fallback tells of it
//
// Everything about an update is verified before the first byte of a slot is written. It leaves to others what proves a system
// (firmware), how the machine restarts, and who may bring an update.
package update

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
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

// Installer brings updates onto a box.
type Installer struct {
	Slots   Slots
	Running Running
	Keys    []ed25519.PublicKey // whose updates are taken
	Spool   string              // folder on the data partition where an update lies while it is verified
}

// Install verifies an update and makes it the one that the next start tries. When it fails, the slots choose as before. Only one
// may run at a time.
func (i Installer) Install(r io.Reader) (Manifest, error) {
	buffered := bufio.NewReader(r)
	m, err := i.admit(buffered)
	if err != nil {
		return Manifest{}, err
	}
	content, err := i.spool(buffered, m)
	if err != nil {
		return Manifest{}, err
	}
	defer content.Close()
	other := i.Running.Slot.Other()
	// What is written is not to be tried while it is written.
	if err := i.Slots.write(State{Active: i.Running.Slot, Trying: None}); err != nil {
		return Manifest{}, err
	}
	if err := i.Slots.fill(other, content, m.Size); err != nil {
		return Manifest{}, err
	}
	sum, err := i.Slots.sum(other, m.Size)
	if err != nil {
		return Manifest{}, err
	}
	if !bytes.Equal(sum, m.SHA256) {
		return Manifest{}, fmt.Errorf("slot %s does not hold what was written to it: the card wears out, replace it", other)
	}
	return m, i.Slots.write(State{Active: i.Running.Slot, Trying: other, Left: true})
}

// admit judges an update by its first lines.
func (i Installer) admit(r *bufio.Reader) (Manifest, error) {
	switch {
	case !i.Running.Slot.known():
		return Manifest{}, errors.New("this machine has no slots: write a new image to its card")
	case len(i.Keys) == 0:
		return Manifest{}, errors.New("this image was made without a key for updates: write a new image to its card")
	case i.Running.Trial:
		return Manifest{}, errors.New("the last update is still proving itself: wait until it has")
	}
	m, err := readManifest(r, i.Keys)
	switch {
	case err != nil:
		return Manifest{}, err
	case m.Board != i.Running.Board:
		return Manifest{}, fmt.Errorf("the update is for %q, and this is a %q", m.Board, i.Running.Board)
	case m.Built <= i.Running.Built:
		return Manifest{}, fmt.Errorf("the update holds %s, which is not newer than what runs, %s: an older one may have faults that are known", m.Release, i.Running.Release)
	case m.Size <= 0 || len(m.SHA256) != sha256.Size:
		return Manifest{}, errors.New("the update's manifest tells neither size nor checksum")
	}
	return m, nil
}

// spool keeps an update's content in a file that nobody else sees, and makes sure that it is whole.
func (i Installer) spool(r io.Reader, m Manifest) (*os.File, error) {
	f, err := os.CreateTemp(i.Spool, "update-")
	if err != nil {
		return nil, fmt.Errorf("keep the update: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil { // it lives as long as it is open
		f.Close()
		return nil, fmt.Errorf("keep the update: %w", err)
	}
	h := sha256.New()
	// One byte more than it should have, to see whether it has.
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, m.Size+1))
	switch {
	case err != nil:
		err = fmt.Errorf("keep the update: %w", err)
	case n < m.Size:
		err = fmt.Errorf("the update ends after %d of %d bytes", n, m.Size)
	case n > m.Size:
		err = errors.New("the update is longer than it says")
	case !bytes.Equal(h.Sum(nil), m.SHA256):
		err = errors.New("the update's content was changed on the way: its checksum is wrong")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
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
