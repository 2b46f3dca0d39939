package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a document.
type Fault struct {
	Path         string // such as trunks[0].accounts[1].secret; empty for the document as a whole
	Line, Column int    // both count from 1; 0 when the policy was not read from a document
	Problem      string // what is wrong, without a full stop
	Hint         string // what to do about it, may be empty
}

// String prints the fault on one line, without a line break.
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", f.Line, f.Column)
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Problem)
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return b.String()
}

// Faults is everything wrong with a document, in the order of its lines. A secret's value is in none of them.
type Faults []Fault

// Error prints one fault a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// faultsShown bounds what is told at once: more than this helps nobody, and a hostile document could ask for a million.
const faultsShown = 100

// inOrder sorts the faults by place and cuts them at faultsShown.
func (f Faults) inOrder() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(f) <= faultsShown {
		return f
	}
	rest := len(f) - faultsShown
	return append(f[:faultsShown:faultsShown], Fault{Problem: fmt.Sprintf("%d more faults follow", rest), Hint: "mend these first"})
}
