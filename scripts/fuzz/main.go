// Command fuzz runs every fuzz target of the module for a while, one on each core at a time, and prints a line for each.
// What a target finds is kept by go test below the package's testdata and named here; then the exit code is 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	each := flag.Duration("each", 20*time.Second, "how long each target runs")
	all := flag.Duration("for", 0, "how long all of them may take together, in place of -each")
	only := flag.String("only", "", "run only the targets whose package or name holds this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	targets, err := find(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
	targets = chosen(targets, *only)
	if *all > 0 {
		*each = share(*all, len(targets), runtime.NumCPU())
	}
	os.Exit(run(ctx, os.Stdout, targets, *each))
}

func chosen(targets []target, only string) []target {
	var list []target
	for _, t := range targets {
		if strings.Contains(t.String(), only) {
			list = append(list, t)
		}
	}
	return list
}

// share is what each target gets of the time when so many run at once.
func share(all time.Duration, targets, atOnce int) time.Duration {
	turns := (targets + atOnce - 1) / max(atOnce, 1)
	return all / time.Duration(max(turns, 1))
}

// run returns the exit code.
func run(ctx context.Context, out io.Writer, targets []target, each time.Duration) int {
	begun := time.Now()
	fmt.Fprintf(out, "%d fuzz targets, %v each, %d at once\n", len(targets), each.Round(time.Second), runtime.NumCPU())
	var (
		mu     sync.Mutex
		failed []string
		group  sync.WaitGroup
	)
	queue := make(chan target)
	for range runtime.NumCPU() {
		group.Go(func() {
			for t := range queue {
				text, err := t.fuzz(ctx, each)
				mu.Lock()
				fmt.Fprintf(out, "  %-78s %s\n", t, verdict(text, err))
				if err != nil {
					failed = append(failed, t.String()+"\n"+indent(t.finding(text)))
				}
				mu.Unlock()
			}
		})
	}
	for _, t := range targets {
		if ctx.Err() == nil {
			queue <- t
		}
	}
	close(queue)
	group.Wait()
	fmt.Fprintf(out, "%d of %d targets found nothing (%.0f s)\n", len(targets)-len(failed), len(targets), time.Since(begun).Seconds())
	for _, f := range failed {
		fmt.Fprintln(out, "found by "+f)
	}
	if len(failed) > 0 || len(targets) == 0 || ctx.Err() != nil {
		return 1
	}
	return 0
}

// fuzz runs one target and returns what go test printed. By itself go test may spend a whole minute, three times what a target has,
// on making one input shorter.
func (t target) fuzz(ctx context.Context, d time.Duration) (string, error) {
	c := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", d.String(),
		"-fuzzminimizetime", "50x", "-parallel", "1", "./"+t.folder)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // go test ends its workers then
	c.WaitDelay = 10 * time.Second
	out, err := c.CombinedOutput()
	text := string(out)
	if err != nil && endedByTheClock(text) {
		err = nil
	}
	return text, err
}

// endedByTheClock tells whether a target has failed of nothing but the end of its time. Up to Go 1.27 go test may mistake
// the end of -fuzztime for a fault of its worker (Go issue 75804); it names no input then and prints no other word.
func endedByTheClock(text string) bool {
	_, failure, ok := strings.Cut(text, "\n--- FAIL: ")
	if !ok {
		return false
	}
	_, reason, _ := strings.Cut(failure, "\n")
	reason, _, _ = strings.Cut(reason, "\nFAIL\n")
	return strings.TrimSpace(reason) == "context deadline exceeded"
}

// verdict is the last that the target said of its work, or that it failed.
func verdict(text string, err error) string {
	if err != nil {
		return "FAILED"
	}
	last := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "fuzz: elapsed") {
			last = line
		}
	}
	_, work, _ := strings.Cut(last, ", ")
	return "ok  " + strings.TrimSpace(work)
}

func indent(s string) string {
	return "      " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n      ")
}
