package panel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ErrNoLight says that the board has no light that can be set.
var ErrNoLight = errors.New("the board has no light")

// Light is the light of the board. Show may be called from any goroutine, before and while Run runs.
type Light struct {
	root    string
	fault   func(point string)
	changed chan struct{} // room for one

	mu      sync.Mutex // guards what follows
	pattern Pattern
	begun   time.Time
}

// NewLight makes the light of the board below root. Nothing is written before Run. fault is called at named points, so that a
// test can make them panic; nil otherwise.
func NewLight(root string, fault func(point string)) *Light {
	if fault == nil {
		fault = func(string) {}
	}
	return &Light{root: root, fault: fault, changed: make(chan struct{}, 1), pattern: Starting, begun: time.Now()}
}

// Show has the light show p from now on; it returns at once.
func (l *Light) Show(p Pattern) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p == l.pattern {
		return
	}
	l.pattern, l.begun = p, time.Now()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Run keeps the light as the pattern wants it until ctx ends. The error is ErrNoLight, or says what cannot be written.
func (l *Light) Run(ctx context.Context) error {
	folder, err := findLight(l.root)
	if err != nil {
		return err
	}
	if err := write(folder, "trigger", "none"); err != nil {
		return err
	}
	full := text(filepath.Join(folder, "max_brightness"))
	if full == "" {
		full = "1"
	}
	for ctx.Err() == nil {
		l.fault("light")
		l.mu.Lock()
		lit, stays := l.pattern.At(time.Since(l.begun))
		l.mu.Unlock()
		value := "0"
		if lit {
			value = full
		}
		if err := write(folder, "brightness", value); err != nil {
			return err
		}
		l.wait(ctx, stays)
	}
	return nil
}

// wait waits for another pattern, or for stays to be over.
func (l *Light) wait(ctx context.Context, stays time.Duration) {
	var over <-chan time.Time
	if stays > 0 {
		timer := time.NewTimer(stays)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
	case <-l.changed:
	case <-over:
	}
}

// findLight is the folder of the green light: ACT on a Raspberry Pi, led0 with older kernels, or else what calls itself a status.
func findLight(root string) (string, error) {
	for _, name := range []string{"ACT", "led0", "*status*"} {
		if found, _ := filepath.Glob(filepath.Join(root, "sys/class/leds", name)); len(found) > 0 {
			return found[0], nil
		}
	}
	return "", ErrNoLight
}

func write(folder, name, value string) error {
	if err := os.WriteFile(filepath.Join(folder, name), []byte(value), 0); err != nil {
		return fmt.Errorf("set the light: %w", err)
	}
	return nil
}

// text is the content of a file of the kernel's; "" when it cannot be read.
func text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.Trim(string(b), "\x00\n ")
}
