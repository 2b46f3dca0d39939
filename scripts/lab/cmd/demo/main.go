// Command demo shows Tollgate at work between real peers: it builds a branch office in network namespaces, places a call
// each way, proves what came of it and prints one line a check.
//
// Without -once it then keeps everything running, with calls coming and going, and tells where the web page is, until
// Ctrl-C. However it ends, it removes every process, namespace and file it made; when something failed, the logs are
// kept where it says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "", "the box's program")
	flag.StringVar(&o.keep, "logs", "", "folder that takes the logs when something failed")
	flag.BoolVar(&o.once, "once", false, "end after the checks; exit 0 when all hold, 1 otherwise")
	flag.BoolVar(&o.onePort, "one-port", false, "the box has one port, behind the office's router")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(o.run(ctx, os.Stdout))
}

type options struct {
	binary, keep  string
	once, onePort bool
}

// run returns the exit code.
func (o options) run(ctx context.Context, w io.Writer) int {
	if err := o.ready(); err != nil {
		fmt.Fprintln(w, "The demo cannot start:", err)
		return 1
	}
	wishes := branch.Wishes{Binary: o.binary}
	if o.onePort {
		wishes.Layout = lab.OnePort
	}
	b := branch.New(wishes)
	err := o.show(ctx, w, b)
	if errors.Is(err, context.Canceled) {
		err = nil // Ctrl-C is how the demo ends
		if o.once {
			err = errInterrupted
		}
	}
	if err != nil {
		o.explain(w, b, err)
	}
	return o.clean(w, b, err)
}

// errInterrupted: -once was promised an answer and did not get it.
var errInterrupted = errors.New("interrupted before the checks were through")

func (o options) ready() error {
	if os.Getuid() != 0 {
		return errors.New("it makes network namespaces, which only root may: run it with sudo or as root")
	}
	if _, err := os.Stat(o.binary); err != nil {
		return fmt.Errorf("the box's program is not there (%w): build it with scripts/build", err)
	}
	return lab.Missing(branch.Programs()...)
}

// show builds the branch, proves and, unless once, stays.
func (o options) show(ctx context.Context, w io.Writer, b *branch.Branch) error {
	table := newTable(w)
	table.heading("Building a branch office", "")
	for _, s := range b.Steps() {
		if err := table.step(ctx, s); err != nil {
			return err
		}
	}
	table.heading("Checks", "what was seen")
	failed := 0
	for _, c := range b.Checks() {
		if !table.check(ctx, c) {
			failed++
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	table.total(len(b.Checks())-failed, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(b.Checks()))
	}
	if o.once {
		return nil
	}
	return stay(ctx, w, b)
}

// explain names the state things were found in, a remedy, and where to look.
func (o options) explain(w io.Writer, b *branch.Branch, fault error) {
	fmt.Fprintf(w, "\nThe demo failed: %v\n", fault)
	if b.Folder() == "" {
		return
	}
	if o.keep == "" {
		fmt.Fprintln(w, "With -logs FOLDER the logs of every program are kept.")
		return
	}
	if err := keepLogs(b.Folder(), o.keep); err != nil {
		fmt.Fprintf(w, "The logs could not be kept: %v\n", err)
		return
	}
	fmt.Fprintf(w, "The logs of every program are in %s: box.log first, then carrier.log, pbx.log and those of the phones.\n"+
		"If it fails every time, run scripts/test: it tells which part is at fault.\n", o.keep)
}

func (o options) clean(w io.Writer, b *branch.Branch, fault error) int {
	err := b.Close()
	if b.Lab != nil {
		if left := b.Lab.Left(); len(left) > 0 {
			err = errors.Join(err, fmt.Errorf("left behind: %v", left))
		}
	}
	switch {
	case err != nil:
		fmt.Fprintf(w, "Cleaning up failed: %v\nRun the demo again: it begins by removing what an earlier run left.\n", err)
		return 1
	case fault != nil:
		fmt.Fprintln(w, "Everything else was removed.")
		return 1
	}
	fmt.Fprintln(w, "Every process, namespace and file of the demo is removed.")
	return 0
}
