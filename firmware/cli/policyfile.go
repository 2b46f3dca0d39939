package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tollgate/firmware/policy"
)

// maxPolicy is what the box takes, in bytes.
const maxPolicy = 1 << 20

func exampleCommand() command {
	return command{
		name: "example", usage: "example", short: "print a commented policy to start from",
		long: "Prints a policy document that \"tollgate check\" accepts and that explains every key.\n\n    tollgate example > office.yaml\n",
		do:   (*terminal).example,
	}
}

func (t *terminal) example(args []string) error {
	if _, err := parse(flags("example"), args); err != nil {
		return err
	}
	_, err := t.stdout.Write(policy.Example())
	return err
}

func profilesCommand() command {
	return command{
		name: "profiles", usage: "profiles", short: "print what each carrier profile stands for",
		long: "Prints, for each profile that a trunk of a policy can name, the keys that it gives unless the policy says otherwise.\n",
		do:   (*terminal).profiles,
	}
}

func (t *terminal) profiles(args []string) error {
	if _, err := parse(flags("profiles"), args); err != nil {
		return err
	}
	fmt.Fprint(t.stdout, policy.ProfilesText())
	return nil
}

func checkCommand() command {
	return command{
		name: "check", usage: "check FILE", short: "check a policy and print every fault in it",
		long: `Reads the policy in FILE (- reads the standard input) and prints "policy OK", or every fault on a line of its
own, as editors understand it:

    FILE:LINE:COLUMN: path.of.the.key: what is wrong – what to do

What works and has its price, such as a carrier without encryption, is printed as a warning. It needs no running box and changes nothing.
`,
		do: (*terminal).check,
	}
}

func (t *terminal) check(args []string) error {
	found, err := parse(flags("check"), args, "FILE")
	if err != nil {
		return err
	}
	name, doc, err := t.read(found[0])
	if err != nil {
		return err
	}
	p, err := policy.Parse(doc)
	if err != nil {
		return t.tell(name, err)
	}
	if faults := p.Lapsed(time.Now()); len(faults) > 0 {
		return t.tell(name, faults)
	}
	for _, w := range p.Warnings(time.Now()) {
		t.warn(name, w.Path, w.Text)
	}
	fmt.Fprintln(t.stdout, "policy OK")
	return nil
}

// warn prints one warning, in red where a person reads it.
func (t *terminal) warn(file, path, text string) {
	red, plain := "", ""
	if f, ok := t.stderr.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" {
			red, plain = "\x1b[31m", "\x1b[0m"
		}
	}
	fmt.Fprintf(t.stderr, "%s%s: warning: %s: %s%s\n", red, file, path, text, plain)
}

// read returns the content of file and what to call it; - is the standard input.
func (t *terminal) read(file string) (string, []byte, error) {
	return t.readUpTo(file, "policy", maxPolicy)
}

// readUpTo reads what is expected of a file, or of the standard input when its name is -; it has at most so many bytes.
func (t *terminal) readUpTo(file, what string, most int64) (string, []byte, error) {
	in, name := t.stdin, "stdin"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", nil, fmt.Errorf("reading the %s: %w", what, err)
		}
		defer f.Close()
		in, name = f, file
	}
	doc, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return "", nil, fmt.Errorf("reading the %s: %w", what, err)
	}
	if int64(len(doc)) > most {
		return "", nil, fmt.Errorf("%s is larger than %d MiB; that is no %s", name, most>>20, what)
	}
	return name, doc, nil
}

// tell prints the faults of err, one a line, or returns err when it has none.
func (t *terminal) tell(file string, err error) error {
	var faults policy.Faults
	if !errors.As(err, &faults) {
		return err
	}
	for _, f := range faults {
		t.fault(file, f.Line, f.Column, f.Path, f.Problem, f.Hint)
	}
	return t.count(file, len(faults))
}

// fault prints one fault as FILE:LINE:COL: path: problem – hint.
func (t *terminal) fault(file string, line, column int, path, problem, hint string) {
	where := file
	if line > 0 {
		where = fmt.Sprintf("%s:%d:%d", file, line, max(column, 1))
	}
	if path != "" {
		path += ": "
	}
	if hint != "" {
		hint = " – " + hint
	}
	fmt.Fprintf(t.stderr, "%s: %s%s%s\n", where, path, problem, hint)
}

func (t *terminal) count(file string, n int) error {
	if n == 1 {
		fmt.Fprintf(t.stderr, "1 fault in %s\n", file)
	} else {
		fmt.Fprintf(t.stderr, "%d faults in %s\n", n, file)
	}
	return errSaid
}
