package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"tollgate/scripts/lab/branch"
)

// table prints one line a step or check, with the time it took.
type table struct {
	w     io.Writer
	start time.Time
}

func newTable(w io.Writer) *table { return &table{w, time.Now()} }

const lineFormat = "  %-54s %-6s %7s  %s\n"

func (t *table) heading(left, right string) {
	fmt.Fprintf(t.w, "\n"+lineFormat, left, "", "time", right)
}

func (t *table) line(what, result string, took time.Duration, saw string) {
	fmt.Fprintf(t.w, lineFormat, what, result, fmt.Sprintf("%.1f s", took.Seconds()), saw)
}

func (t *table) step(ctx context.Context, s branch.Step) error {
	start := time.Now()
	err := s.Run(ctx)
	if err != nil {
		t.line(s.Name, "FAILED", time.Since(start), "")
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	t.line(s.Name, "done", time.Since(start), "")
	return nil
}

func (t *table) check(ctx context.Context, c branch.Check) bool {
	start := time.Now()
	saw, err := c.Prove(ctx)
	if ctx.Err() != nil {
		t.line(c.Claim, "-", time.Since(start), "interrupted")
		return false
	}
	if err != nil {
		t.line(c.Claim, "FAILED", time.Since(start), err.Error())
		return false
	}
	t.line(c.Claim, "ok", time.Since(start), saw)
	return true
}

func (t *table) total(passed, failed int) {
	fmt.Fprintf(t.w, "\n  %d passed, %d failed, %.1f s\n", passed, failed, time.Since(t.start).Seconds())
}
