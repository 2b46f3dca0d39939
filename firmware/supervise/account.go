package supervise

import "bytes"

// accountKept is how many octets are kept of how the program's account of its end begins.
const accountKept = 16 << 10

// account keeps the beginning of what Go says when a program ends by a fault. It goes on with where every goroutine stands, which
// for a busy program is more than a tail keeps, and the fault itself stands in the first lines.
type account struct {
	line []byte // how the line begins that is not whole yet
	long bool   // that line was looked at already
	kept []byte // from the first line of the account on
	at   int64  // how much was said before
	said int64  // so far
	open bool   // no line of the program's own log came since the account began
}

// add is told what the program says.
func (a *account) add(b []byte) {
	for len(b) > 0 {
		piece := b
		if end := bytes.IndexByte(b, '\n'); end >= 0 {
			piece = b[:end+1]
		}
		a.say(piece)
		b = b[len(piece):]
	}
}

// longest is how much of a line tells what it is.
const longest = len("unexpected fault address")

// say is told a piece of a line.
func (a *account) say(piece []byte) {
	whole := piece[len(piece)-1] == '\n'
	a.said += int64(len(piece))
	if a.long {
		a.keep(piece)
	} else if a.line = append(a.line, piece...); whole || len(a.line) >= longest {
		a.judge()
		a.keep(a.line)
		a.line, a.long = a.line[:0], true
	}
	if whole {
		a.long = false
	}
}

// judge looks at how a line begins. What Go says besides, while it goes on to die, begins no other account.
func (a *account) judge() {
	if bytes.HasPrefix(a.line, []byte("time=")) {
		a.open = false
	}
	if a.open {
		return
	}
	for _, begin := range []string{"panic: ", "fatal error: ", "SIG", "runtime: ", "unexpected fault address"} {
		if bytes.HasPrefix(a.line, []byte(begin)) {
			a.kept, a.at, a.open = []byte{}, a.said-int64(len(a.line)), true
		}
	}
}

func (a *account) keep(b []byte) {
	if a.kept != nil {
		a.kept = append(a.kept, b[:min(len(b), accountKept-len(a.kept))]...)
	}
}

// before returns what the end of the output lacks of the account, when that end is so many octets long.
func (a *account) before(end int64) []byte {
	missing := a.said - end - a.at
	if a.kept == nil || missing <= 0 {
		return nil
	}
	if missing <= int64(len(a.kept)) {
		return a.kept[:missing]
	}
	return append(bytes.Clone(a.kept), "\n[...]\n"...)
}
