// Command qemu proves an image in QEMU: it starts, the page answers, a real call goes through it encrypted, an update is tried
// and kept, a bad one is left, a false one refused. One line a step, with how long it took; figures at the end.
//
//	qemu -image FILE -floor FILE -work DIR [-update FILE -bad FILE]
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
	flag.StringVar(&w.work, "work", "", "folder for disks and logs")
	flag.StringVar(&w.update, "update", "", "a newer release, signed")
	flag.StringVar(&w.bad, "bad", "", "a newer release, signed, that cannot start")
	limit := flag.Duration("limit", 20*time.Minute, "for everything")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, errors.New("the time for everything is over"))
	defer cancel()
	if err := w.prove(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "\nqemu: %v\n", err)
		if w.box != nil {
			fmt.Fprintf(os.Stderr, "the end of the console:\n%s\n", tail(w.box.Console(), 60))
		}
		w.close()
		os.Exit(1)
	}
	w.close()
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
