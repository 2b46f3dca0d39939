package interop

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// typewriter makes a pipe that a program reads as its console, and opens its other end.
func typewriter(name string) (*os.File, error) {
	if err := unix.Mkfifo(name, 0o600); err != nil {
		return nil, fmt.Errorf("make a console: %w", err)
	}
	keys, err := os.OpenFile(name, os.O_RDWR, 0) // both ways, so that neither opening it nor the program's end blocks
	if err != nil {
		return nil, fmt.Errorf("open a console: %w", err)
	}
	return keys, nil
}
