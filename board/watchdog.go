package board

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Watchdog is the hardware that resets the machine unless it is fed (Documentation/watchdog/watchdog-api of the kernel).
type Watchdog struct {
	file    *os.File
	timeout time.Duration
}

// OpenWatchdog starts the watchdog at path, which is /dev/watchdog, with about this time between two meals at most; a Broadcom
// one knows no more than 15 s. From here on the machine resets unless Feed is called in time.
func OpenWatchdog(path string, timeout time.Duration) (*Watchdog, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	w := &Watchdog{file: f}
	// What it cannot do it says by what it makes of the wish.
	_ = unix.IoctlSetPointerInt(int(f.Fd()), unix.WDIOC_SETTIMEOUT, int(timeout.Seconds()))
	seconds, err := unix.IoctlGetInt(int(f.Fd()), unix.WDIOC_GETTIMEOUT)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask the watchdog for its time: %w", err), w.Close())
	}
	w.timeout = time.Duration(seconds) * time.Second
	return w, nil
}

// Timeout is how long the machine lives without a meal.
func (w *Watchdog) Timeout() time.Duration { return w.timeout }

// Feed keeps the machine alive for another Timeout.
func (w *Watchdog) Feed() error {
	if _, err := w.file.Write([]byte{0}); err != nil {
		return fmt.Errorf("feed the watchdog: %w", err)
	}
	return nil
}

// Close stops the watchdog, if it can be stopped: the letter V says that it is meant.
func (w *Watchdog) Close() error {
	_, err := w.file.Write([]byte{'V'})
	return errors.Join(err, w.file.Close())
}
