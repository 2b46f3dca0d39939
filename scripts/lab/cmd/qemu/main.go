// Command qemu proves an image in QEMU: it starts, the page answers, sticks are taken or change nothing, a real call goes through it
// encrypted, it survives power cuts, a clock in 1970 and a kernel that hangs, an update is tried and kept, a bad one is left, a false
// one refused. One line a step, with how long it took.
//
//	qemu -image FILE -work DIR -program FILE [-short] [-update FILE -bad FILE -key FILE] [-cuts 5] prove
//	qemu -image FILE -work DIR -program FILE [-short] panel
//	qemu -image FILE -work DIR -update FILE -bad FILE -key FILE updates
//	qemu -image FILE -work DIR -cuts N powercut
//	qemu -image FILE -work DIR -floor FILE -packed FILE [-idle 10m] figures
//	qemu -image FILE -work DIR rpi
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	var w world
	flag.StringVar(&w.image, "image", "", "disk image to be proved")
	flag.StringVar(&w.floor, "floor", "", "disk image with the same kernel and a first process that does nothing")
	flag.StringVar(&w.packed, "packed", "", "the image as it is downloaded")
	flag.StringVar(&w.work, "work", "", "folder for disks and logs")
	flag.StringVar(&w.update, "update", "", "a newer release, signed")
	flag.StringVar(&w.bad, "bad", "", "a newer release, signed, that cannot start")
	flag.StringVar(&w.key, "key", "", "private key that has signed both, and may sign settings")
	flag.StringVar(&w.program, "program", "", "the program that is in the image")
	flag.BoolVar(&w.short, "short", false, "only what takes no minutes")
	flag.StringVar(&w.only, "only", "", "of the sticks that are to change nothing, those whose name holds this word")
	flag.IntVar(&w.cuts, "cuts", 5, "how often the power is cut while things are written")
	flag.DurationVar(&w.idle, "idle", 10*time.Minute, "for how long is measured what an idle box writes")
	limit := flag.Duration("limit", 2*time.Hour, "for everything")
	flag.Parse()
	what := map[string]func(context.Context) error{"prove": w.prove, "panel": w.panel, "updates": w.updates, "powercut": w.soak, "figures": w.figures, "rpi": w.proveRaspberry}[flag.Arg(0)]
	if what == nil {
		fmt.Fprintln(os.Stderr, "qemu: say what to do: prove, panel, updates, powercut, figures or rpi")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, errors.New("the time for everything is over"))
	defer cancel()
	err := what(ctx)
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nqemu: %v\n", err)
		if w.box != nil && !errors.Is(err, errShort) {
			fmt.Fprintf(os.Stderr, "the end of the console:\n%s\n", tail(w.box.Console(), 60))
		}
	}
	w.close()
	if err != nil {
		os.Exit(1)
	}
}

// step runs one part and prints a line.
func step(what string, do func() (string, error)) error {
	begun := time.Now()
	fmt.Printf("  %-58s ", what)
	saw, err := do()
	if err != nil {
		fmt.Printf("FAILED after %.1f s\n", time.Since(begun).Seconds())
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Printf("%5.1f s  %s\n", time.Since(begun).Seconds(), saw)
	return nil
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
