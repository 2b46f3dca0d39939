package peer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"tollgate/scripts/lab/tone"
)

// recorded are the files of what the phone has heard, in their order.
func (p *Phone) recorded() ([]string, error) {
	names, err := filepath.Glob(filepath.Join(p.recordings(), "*-dec.wav"))
	slices.Sort(names)
	return names, err
}

// read reads a recording as far as it goes; one that was only just begun is empty.
func read(name string) ([]int16, error) {
	const header = 44
	if info, err := os.Stat(name); err != nil || info.Size() < header {
		return nil, err
	}
	return tone.ReadFile(name)
}

// Mark has HeardSince begin with what the phone hears from now on.
func (p *Phone) Mark() error {
	names, err := p.recorded()
	p.marks = map[string]int{}
	for _, name := range names {
		samples, readErr := read(name)
		p.marks[name], err = len(samples), errors.Join(err, readErr)
	}
	if err != nil {
		return fmt.Errorf("mark what %s has heard: %w", p.Name, err)
	}
	return nil
}

// HeardSince is what the phone has heard since Mark.
func (p *Phone) HeardSince() (all []int16, err error) {
	names, err := p.recorded()
	for _, name := range names {
		samples, readErr := read(name)
		all, err = append(all, samples[min(p.marks[name], len(samples)):]...), errors.Join(err, readErr)
	}
	if err != nil {
		return nil, fmt.Errorf("read what %s has heard: %w", p.Name, err)
	}
	return all, nil
}
