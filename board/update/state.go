package update

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// Slot is one of the two places for a system: "a" or "b".
type Slot string

// The slots; None stands where no slot is meant.
const (
	A    Slot = "a"
	B    Slot = "b"
	None Slot = "-"
)

// Other is the slot that s is not.
func (s Slot) Other() Slot {
	if s == A {
		return B
	}
	return A
}

func (s Slot) known() bool { return s == A || s == B }

// State is what chooses the slot at the next start.
type State struct {
	Active Slot // has proved itself
	Trying Slot // is to prove itself; None
	Left   bool // Trying has not been started yet
}

// fresh is what a disk that nothing was chosen on counts as having: an image has its system in slot a.
var fresh = State{Active: A, Trying: None}

// sumSize is what the checksum takes of a copy of the state, in bytes.
const sumSize = 4

// marshal writes the state as U-Boot reads its environment (env import -c): CRC32, little endian, of the rest; then name=value, each
// ended by a zero byte, and one more.
func (s State) marshal() []byte {
	left := 0
	if s.Left {
		left = 1
	}
	copied := make([]byte, copySize)
	copy(copied[sumSize:], fmt.Sprintf("active=%s\x00left=%d\x00trying=%s\x00\x00", s.Active, left, s.Trying))
	binary.LittleEndian.PutUint32(copied, crc32.ChecksumIEEE(copied[sumSize:]))
	return copied
}

// parseState reads one copy.
func parseState(copied []byte) (State, error) {
	if len(copied) != copySize || crc32.ChecksumIEEE(copied[sumSize:]) != binary.LittleEndian.Uint32(copied) {
		return State{}, errors.New("the state of the slots has a wrong checksum")
	}
	text, _, ended := bytes.Cut(copied[sumSize:], []byte{0, 0})
	if !ended {
		return State{}, errors.New("the state of the slots has no end")
	}
	values := map[string]string{}
	for entry := range strings.SplitSeq(string(text), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	s := State{Active: Slot(values["active"]), Trying: Slot(values["trying"]), Left: values["left"] == "1"}
	if !s.Active.known() || s.Trying != None && !s.Trying.known() {
		return State{}, fmt.Errorf("the state of the slots names slots that are none: %q and %q", s.Active, s.Trying)
	}
	return s, nil
}
