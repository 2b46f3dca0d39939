// Command testreport reads `go test -json` and prints what a person wants of it: go test's own line for each package, the
// whole output of what failed, the skipped tests, and "N passed, N failed, N skipped" at the end.
//
// It exits 1 when a test or a package failed, and also when a test was skipped while the environment has CI: there, root
// and all programs are present, so a skip hides something.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	os.Exit(r.close(os.Getenv("CI") != ""))
}

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
}

type test struct{ pkg, name string }

type report struct {
	w       io.Writer
	output  map[test][]string // of tests that run, and of packages under the name ""
	passed  int
	failed  int // tests, and packages that failed without a failing test
	skipped []string
	faulty  map[string]bool // packages with a failed test
}

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[test][]string{}, faulty: map[string]bool{}}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(r.w, lines.Text()) // a word of the go command itself
			continue
		}
		r.take(e)
	}
	return lines.Err()
}

func (r *report) take(e event) {
	if e.Package == "" {
		e.Package = e.ImportPath // output of a build
	}
	key := test{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		if e.Test == "" && isClosing(e.Output) {
			fmt.Fprint(r.w, e.Output)
			return
		}
		r.output[key] = append(r.output[key], e.Output)
		return
	case "pass":
		if e.Test != "" {
			r.passed++
		}
	case "skip":
		if e.Test != "" {
			r.skipped = append(r.skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(r.output[key])))
		}
	case "fail", "build-fail":
		r.fail(key)
	default:
		return
	}
	delete(r.output, key)
}

// fail prints all that a failed test or package said. A package whose test failed is not counted again.
func (r *report) fail(key test) {
	if key.name != "" {
		r.faulty[key.pkg] = true
	}
	if key.name != "" || !r.faulty[key.pkg] {
		r.failed++
	}
	for _, line := range r.output[key] {
		fmt.Fprint(r.w, line)
	}
}

// isClosing recognises go test's own last line about a package.
func isClosing(line string) bool {
	return strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "FAIL\t")
}

// reason finds the words of t.Skip in a test's output.
func reason(output []string) string {
	for _, line := range output {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			return line
		}
	}
	return "no reason given"
}

func (r *report) close(strict bool) int {
	for _, s := range r.skipped {
		fmt.Fprintln(r.w, "skipped:", s)
	}
	fmt.Fprintf(r.w, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, len(r.skipped))
	if r.failed > 0 || r.passed == 0 || strict && len(r.skipped) > 0 {
		return 1
	}
	return 0
}
