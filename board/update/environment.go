package update

import (
	"fmt"
	"os"
)

// environment is the state in a partition of its own, in the form in which U-Boot keeps its variables, which reads and writes it too.
type environment struct{ slots Slots }

// Where the two copies of the state lie in its partition, in bytes: the first whole one counts. They lie in different blocks, so
// that what spoils one leaves the other.
const (
	copySize   = 512
	secondCopy = 8 * copySize
)

func (e environment) read() (State, error) {
	f, err := e.slots.device(e.slots.State, os.O_RDONLY)
	if err != nil {
		return State{}, fmt.Errorf("read the state of the slots: %w", err)
	}
	defer f.Close()
	for _, at := range []int64{0, secondCopy} {
		copied := make([]byte, copySize)
		if _, err := f.ReadAt(copied, at); err != nil {
			return State{}, fmt.Errorf("read the state of the slots: %w", err)
		}
		if state, err := parseState(copied); err == nil {
			return state, nil
		}
	}
	return fresh, nil
}

// write stores the state, one copy after the other: a power cut leaves the old one or the new one.
func (e environment) write(state State) error {
	f, err := e.slots.device(e.slots.State, os.O_WRONLY)
	if err != nil {
		return fmt.Errorf("write the state of the slots: %w", err)
	}
	defer f.Close()
	for _, at := range []int64{0, secondCopy} {
		if _, err := f.WriteAt(state.marshal(), at); err != nil {
			return fmt.Errorf("write the state of the slots: %w", err)
		}
		if err := f.Sync(); err != nil {
			return fmt.Errorf("write the state of the slots: %w", err)
		}
	}
	return nil
}

// arm has nothing to do: U-Boot tries at every start what waits, and counts it itself.
func (environment) arm() (bool, error) { return false, nil }
