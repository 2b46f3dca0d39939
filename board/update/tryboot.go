package update

import (
	"fmt"
	"os"
	"strings"
)

// tryboot keeps the choice where the firmware of a Raspberry Pi 4 or 5 looks for it, and what that has no word for in the state.
//
//	autoboot.txt  the slot that starts, and the one that starts when a restart asks for it ("0 tryboot"), once
//	state         which slot waits for such a restart or was tried; the firmware does not look at it
//
// The firmware forgets that it was asked at the next start, a power cut or a reset by the watchdog, so that a system on trial that
// hangs is left by itself. Nothing of this has run on a board yet.
type tryboot struct{ environment }

// read believes autoboot.txt, since the machine does. A state that says otherwise is that of a commit whose power was cut.
func (t tryboot) read() (State, error) {
	state, err := t.environment.read()
	if err != nil {
		return State{}, err
	}
	active, err := t.chosen()
	if err != nil {
		return State{}, err
	}
	if state.Active != active {
		return State{Active: active, Trying: None}, nil
	}
	return state, nil
}

// write changes autoboot.txt first: what is active holds a whole system before and after.
func (t tryboot) write(state State) error {
	if err := t.choose(state.Active); err != nil {
		return err
	}
	return t.environment.write(state)
}

// arm counts the trial before it begins, for a system that hangs cannot do it.
func (t tryboot) arm() (bool, error) {
	state, err := t.read()
	if err != nil || !state.Left {
		return false, err
	}
	state.Left = false
	return true, t.environment.write(state)
}

// chosen is the slot that starts unless a restart asks for the other one.
func (t tryboot) chosen() (Slot, error) {
	f, err := t.slots.device(t.slots.Autoboot, os.O_RDONLY)
	if err != nil {
		return "", fmt.Errorf("read autoboot.txt: %w", err)
	}
	defer f.Close()
	content, _, err := readAutoboot(f)
	if err != nil {
		return "", fmt.Errorf("read autoboot.txt: %w", err)
	}
	return parseAutoboot(string(content)), nil
}

// choose makes a slot the one that starts. The file lies in one sector and differs in two figures, so that it is written where it
// lies: a cut leaves the old or the new one, and a torn sector names one of two slots that both hold a whole system.
func (t tryboot) choose(active Slot) error {
	f, err := t.slots.device(t.slots.Autoboot, os.O_RDWR)
	if err != nil {
		return fmt.Errorf("write autoboot.txt: %w", err)
	}
	defer f.Close()
	content, at, err := readAutoboot(f)
	if err != nil {
		return fmt.Errorf("write autoboot.txt: %w", err)
	}
	wanted := autoboot(active)
	if string(content) == wanted {
		return nil
	}
	if len(content) != len(wanted) {
		return fmt.Errorf("write autoboot.txt: it has %d bytes where an image gives it %d: write a new image to the card", len(content), len(wanted))
	}
	if _, err := f.WriteAt([]byte(wanted), at); err != nil {
		return fmt.Errorf("write autoboot.txt: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write autoboot.txt: %w", err)
	}
	return nil
}

// The slots as the firmware numbers partitions (buildroot/board/rpi/genimage-slots.cfg), in both kinds of partition table.
const (
	partitionA = "2"
	partitionB = "3"
)

// autoboot is the file's content. tryboot_a_b has the firmware try a partition with its usual files, not other files of the same one.
func autoboot(active Slot) string {
	first, second := partitionA, partitionB
	if active == B {
		first, second = second, first
	}
	return "[all]\ntryboot_a_b=1\nboot_partition=" + first + "\n[tryboot]\nboot_partition=" + second + "\n"
}

// parseAutoboot tells which slot a start takes that nobody has asked for another: the last word that counts for all. The firmware takes the first
// partition that it can start when the file says nothing, which is slot a.
func parseAutoboot(content string) Slot {
	slot, all := A, true
	for line := range strings.Lines(content) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "["):
			all = line == "[all]"
		case all && line == "boot_partition="+partitionB:
			slot = B
		case all && strings.HasPrefix(line, "boot_partition="):
			slot = A
		}
	}
	return slot
}
