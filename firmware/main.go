// Command tollgate is the session border controller: one binary for the box, the command line and the checks.
//
// This package is assembly only. It knows every other one and introduces them to each other; what any of them does stands
// there. Read run.go as the table of contents.
package main

import (
	"os"
	_ "time/tzdata" // the image has no zone files

	"tollgate/firmware/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, run))
}
