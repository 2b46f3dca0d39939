package main

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/board/panel"
)

// aPanel is a board with a light and a button, whose device is a pipe.
func aPanel(t *testing.T) (root string, press func()) {
	t.Helper()
	root = t.TempDir()
	for path, content := range map[string]string{
		"sys/class/leds/ACT/trigger": "[mmc0]", "sys/class/leds/ACT/brightness": "0",
		"sys/class/input/event0/device/device/of_node/compatible": "gpio-keys\x00", "dev/input/none": "",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(root, "dev/input/event0")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	return root, func() {
		for _, down := range []uint32{1, 0} {
			event := make([]byte, 24) // struct input_event with 64-bit words
			binary.NativeEndian.PutUint16(event[16:], 1)
			binary.NativeEndian.PutUint16(event[18:], 116)
			binary.NativeEndian.PutUint32(event[20:], down)
			if _, err := device.Write(event); err != nil {
				t.Error(err)
			}
		}
	}
}

// Both goroutines panic, twice each; the light must shine and the button be heard all the same.
func TestAPanicOfThePanelEndsNothing(t *testing.T) {
	root, press := aPanel(t)
	var mu sync.Mutex
	left := map[string]int{"light": 2, "button": 2}
	var log bytes.Buffer
	f := newFront(root, slog.New(slog.NewTextHandler(&lockedWriter{mu: &mu, to: &log}, nil)), func(point string) {
		mu.Lock()
		n, known := left[point]
		if n > 0 {
			left[point]--
		}
		mu.Unlock()
		if !known {
			t.Errorf("nobody makes %q panic", point)
		}
		if n > 0 {
			panic("injected at " + point)
		}
	})
	pressed := make(chan bool, 64)
	f.press, f.reset = func() { pressed <- true }, func() { t.Error("a press resets the box") }
	f.run(t.Context())
	f.show(panel.Ready)
	heard := false
	for end := time.Now().Add(30 * time.Second); !heard; {
		press()
		select {
		case heard = <-pressed:
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatal("no press is heard after all of it")
		}
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if b, _ := os.ReadFile(filepath.Join(root, "sys/class/leds/ACT/brightness")); string(b) == "1" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the light is dark after all of it")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if n := strings.Count(log.String(), "panic in process 1: it goes on"); n != 4 {
		t.Errorf("%d of 4 panics were told of:\n%s", n, &log)
	}
}

// lockedWriter writes under a lock.
type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

// Write writes b.
func (w *lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

func TestOnlyASecondPressResetsTheBox(t *testing.T) {
	f := newFront(t.TempDir(), slog.New(slog.DiscardHandler), nil)
	var done []string
	f.press, f.reset = func() { done = append(done, "press") }, func() { done = append(done, "reset") }
	for _, c := range []struct {
		act    panel.Act
		done   string
		asking bool
	}{{panel.Pressed, "press", false}, {panel.Asked, "press", true}, {panel.Dropped, "press", false}, {panel.Asked, "press", true}, {panel.Confirmed, "press reset", false}} {
		f.act(c.act)
		if got := strings.Join(done, " "); got != c.done || f.asking != c.asking {
			t.Errorf("after %v: %s, and it asks: %v", c.act, got, f.asking)
		}
	}
}
