// Command tollgate is the session border controller: one binary for the box, the command line and the checks, and the first
// process of a machine that runs nothing else.
//
// This package is assembly only. It knows every other one and introduces them to each other; what any of them does stands
// there. Read run.go as the table of contents, and initial.go for the first process.
package main

import (
	"os"
	"path/filepath"
	_ "time/tzdata" // the image has no zone files

	"tollgate/board/usb"
	"tollgate/firmware/cli"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == readStick {
		os.Exit(usb.Child(args[1:]))
	}
	if os.Getpid() == 1 && filepath.Base(os.Args[0]) == "init" { // what follows are words that the kernel does not know
		args = append([]string{"init"}, args...)
	}
	os.Exit(cli.Main(args, os.Stdin, os.Stdout, os.Stderr, cli.Programs{Run: run, Init: initial}))
}
