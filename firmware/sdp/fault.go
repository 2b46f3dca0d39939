package sdp

import (
	"errors"
	"fmt"
)

// The SIP statuses of a Fault (RFC 3261 §21.4.1 and §21.4.26).
const (
	statusBadRequest        = 400
	statusNotAcceptableHere = 488
)

// Fault says why a description is refused.
type Fault struct {
	Status  int    // for the SIP response: 400 malformed, 488 not acceptable here
	Line    int    // of the description, from 1; 0 when no single line is to blame
	Problem string // a sentence for the administrator
}

// Error returns the problem with its line.
func (f *Fault) Error() string {
	if f.Line == 0 {
		return "sdp: " + f.Problem
	}
	return fmt.Sprintf("sdp: line %d: %s", f.Line, f.Problem)
}

// Status returns the SIP status that err asks for, 488 when it holds no Fault.
func Status(err error) int {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Status
	}
	return statusNotAcceptableHere
}

func malformed(line int, format string, args ...any) error {
	return &Fault{Status: statusBadRequest, Line: line, Problem: fmt.Sprintf(format, args...)}
}

func unacceptable(line int, format string, args ...any) error {
	return &Fault{Status: statusNotAcceptableHere, Line: line, Problem: fmt.Sprintf(format, args...)}
}

// quote shows a piece of the other side's text in a fault, without letting it fill the log.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
