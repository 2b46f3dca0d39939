package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/scripts/lab/branch"
)

// screen is what the demo prints, readable while it does.
type screen struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func program(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	name, err := branch.Program(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// nothingLeft checks that folder and namespaces of the run are gone.
func nothingLeft(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there", folder)
	}
	slot := regexp.MustCompile(`tollgate-lab-(\d+)-`).FindStringSubmatch(folder)
	if slot == nil {
		t.Fatalf("%q is no folder of a lab", folder)
	}
	for _, pattern := range []string{"/run/netns/tollgate" + slot[1] + "-*", "/etc/netns/tollgate" + slot[1] + "-*", "/sys/class/net/tollgate" + slot[1]} {
		if left, _ := filepath.Glob(pattern); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestTheDemoStaysUntilItIsInterruptedAndLeavesNothing(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	o := options{binary: program(t), keep: filepath.Join(t.TempDir(), "logs")}
	var s screen
	done := make(chan int, 1)
	go func() { done <- o.run(ctx, &s) }()
	for !strings.Contains(s.String(), "Ctrl-C ends") {
		select {
		case code := <-done:
			t.Fatalf("the demo ended with %d by itself:\n%s", code, &s)
		case <-time.After(100 * time.Millisecond):
		}
	}
	time.Sleep(3 * time.Second) // calls are up again
	folder := regexp.MustCompile(`(?m)^\s+logs\s+(\S+)$`).FindStringSubmatch(s.String())
	password := regexp.MustCompile(`(?m)^\s+first password\s+\S{16,}$`).FindString(s.String())
	if folder == nil || password == "" {
		t.Errorf("the demo does not tell where the logs are and the first password:\n%s", &s)
	}
	interrupt()
	if code := <-done; code != 0 {
		t.Errorf("interrupted, the demo ended with %d:\n%s", code, &s)
	}
	if folder != nil {
		nothingLeft(t, folder[1])
	}
}

func TestADemoThatFailsSaysWhatAndWhereTheLogsAre(t *testing.T) {
	program(t) // only where the demo can run
	o := options{binary: "/bin/false", keep: filepath.Join(t.TempDir(), "logs"), once: true}
	var s screen
	if code := o.run(t.Context(), &s); code != 1 {
		t.Errorf("a demo whose box does not start ended with %d", code)
	}
	for _, word := range []string{"start the box", "FAILED", o.keep, "box.log"} {
		if !strings.Contains(s.String(), word) {
			t.Errorf("nothing is said of %q:\n%s", word, &s)
		}
	}
	if _, err := os.Stat(filepath.Join(o.keep, "box.log")); err != nil {
		t.Errorf("the box's log was not kept: %v", err)
	}
}

func TestADemoWithoutItsBoxNamesTheRemedy(t *testing.T) {
	program(t)
	var s screen
	if code := (options{binary: filepath.Join(t.TempDir(), "nothing")}).run(t.Context(), &s); code != 1 {
		t.Errorf("ended with %d", code)
	}
	if !strings.Contains(s.String(), "scripts/build") {
		t.Errorf("the remedy is not named: %s", &s)
	}
}
