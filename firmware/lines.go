package main

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	// linesWait is how long a line of the log waits at most for others to go with. Writing wakes Go's own watching thread, which
	// stays awake for some milliseconds each time: at 50 times a second that was a thirtieth of what the box needed for 300
	// calls.
	linesWait = 200 * time.Millisecond
	// linesKept is how many bytes wait at most.
	linesKept = 64 << 10
	// linesTail is how many bytes of what went out are remembered, for whoever wants the log on a stick.
	linesTail = 256 << 10
)

// lines is what the log is written to. A line that comes alone goes out at once; on a busy box, where a call writes three,
// those that follow within linesWait go together, because every write wakes whoever reads the log.
type lines struct {
	to io.Writer

	mu   sync.Mutex // guards everything below
	kept []byte
	last time.Time // when something went out
	tail []byte    // the end of the log, up to twice linesTail
}

// Write takes a line. It fails only when the line goes out at once.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.note(line)
	if len(l.kept) == 0 && now.Sub(l.last) >= linesWait {
		l.last = now
		return l.to.Write(line)
	}
	if len(l.kept) == 0 {
		time.AfterFunc(linesWait, l.flush)
	}
	if l.kept = append(l.kept, line...); len(l.kept) >= linesKept {
		l.write(now)
	}
	return len(line), nil
}

// note remembers a line. l.mu is held.
func (l *lines) note(line []byte) {
	if l.tail = append(l.tail, line...); len(l.tail) > 2*linesTail {
		l.tail = append(make([]byte, 0, 2*linesTail), l.tail[len(l.tail)-linesTail:]...)
	}
}

// latest returns the end of the log, whole lines of it.
func (l *lines) latest() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.tail[max(0, len(l.tail)-linesTail):]
	if len(text) < len(l.tail) || len(text) == linesTail {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return bytes.Clone(text)
}

// flush writes what waits.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(time.Now())
}

// write writes what waits. l.mu is held.
func (l *lines) write(now time.Time) {
	if len(l.kept) > 0 {
		l.to.Write(l.kept) // there is nobody to tell
		l.last, l.kept = now, l.kept[:0]
	}
}
