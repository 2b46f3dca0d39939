// Package cli is the terminal's side of Tollgate: it reads the command line, checks policies, and talks to the running
// box over its unix socket.
//
// Exit codes: 0 it was done, 1 it was not (a fault, a refusal, no box), 2 the command line was wrong.
//
// It leaves to others what a policy means (policy), what the running box does (api, behind the socket) and the run itself
// (main passes it in).
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Exit codes.
const (
	exitDone  = 0
	exitFault = 1
	exitUsage = 2
)

// RunOptions are what "tollgate run" was told.
type RunOptions struct {
	Policy     string          // file that seeds an empty store; may be empty
	State      string          // folder of the store and the socket
	Inside     string          // interface of the page in set-up mode; may be empty
	Live       string          // folder of running calls, in a memory file system; may be empty
	Leave      context.Context // ends when the process is to go and leave its calls to the next
	StayClosed bool            // nothing is let in before its first rules and after its stop
	Appliance  bool            // the machine is the box's own: it sets addresses and routes
	Version    string          // what "tollgate version" prints
}

// terminal is where a command reads and writes.
type terminal struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	programs       Programs
}

// Programs are what main passes in.
type Programs struct {
	// Run is the box, for "tollgate run". Its context ends at SIGTERM or SIGINT; a second signal ends the process at once.
	Run func(ctx context.Context, o RunOptions) error
	// Init is process 1 of an image, for "tollgate init". It returns only when it cannot begin. Words are added to those
	// of the kernel's command line.
	Init func(version string, words []string) error
}

// Main does what args (without the program's name) say and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, p Programs) int {
	t := &terminal{stdin: stdin, stdout: stdout, stderr: stderr, programs: p}
	if len(args) == 0 {
		fmt.Fprint(stderr, overallHelp())
		return exitUsage
	}
	name, rest := args[0], args[1:]
	if name == "-h" || name == "--help" {
		name = "help"
	}
	if name == "--version" {
		name = "version"
	}
	c, ok := find(name)
	if !ok {
		fmt.Fprintf(stderr, "tollgate: there is no command %q\n%s", name, hintFor(name))
		return exitUsage
	}
	return t.finish(c, c.do(t, rest))
}

// finish prints err and chooses the exit code.
func (t *terminal) finish(c command, err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(t.stdout, c.help())
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(t.stderr, "tollgate %s: %s\nUsage: tollgate %s\nMore: tollgate help %s\n", c.name, usage.problem, c.usage, c.name)
		return exitUsage
	case errors.Is(err, errSaid):
		return exitFault
	}
	fmt.Fprintf(t.stderr, "tollgate: %v\n", err)
	return exitFault
}

// errSaid is the error of a command that has told everything already.
var errSaid = errors.New("already printed")

// usageError is a wrong command line.
type usageError struct{ problem string }

// Error returns the problem.
func (e *usageError) Error() string { return e.problem }

func wrongUsage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// flags collects the flags of one command.
func flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// stateFlag adds --state.
// UsualState is the state folder where the command line names none.
const UsualState = "/var/lib/tollgate"

func stateFlag(f *flag.FlagSet) *string { return f.String("state", UsualState, "") }

// parse reads flags and the named arguments in any order; exactly the named ones must be there.
func parse(f *flag.FlagSet, args []string, names ...string) ([]string, error) {
	var found []string
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, wrongUsage("%v", err)
		}
		if args = f.Args(); len(args) > 0 {
			found, args = append(found, args[0]), args[1:]
		}
	}
	if len(found) < len(names) {
		return nil, wrongUsage("%s is missing", strings.Join(names[len(found):], " and "))
	}
	if len(found) > len(names) {
		return nil, wrongUsage("%q is one argument too many", found[len(names)])
	}
	return found, nil
}
