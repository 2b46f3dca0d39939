package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// writes keeps what each write brought.
type writes []string

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, string(bytes.Clone(b)))
	return len(b), nil
}

func TestLinesThatComeTogetherAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got writes
		l := &lines{to: &got}
		expect := func(when, want string) {
			t.Helper()
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			if s := strings.Join(got, "|"); s != want {
				t.Errorf("%s: written is %q, want %q", when, s, want)
			}
		}
		l.Write([]byte("a"))
		expect("a line alone", "a")
		l.Write([]byte("b"))
		l.Write([]byte("c"))
		expect("two more at once", "a")
		time.Sleep(linesWait)
		expect("soon after", "a|bc")
		l.Write([]byte("d"))
		l.flush()
		expect("at the end", "a|bc|d")
		time.Sleep(linesWait)
		l.Write([]byte("e"))
		expect("a line alone again", "a|bc|d|e")
		l.Write(make([]byte, linesKept))
		if len(got) != 5 || len(got[4]) != linesKept {
			t.Error("more waits than is allowed")
		}
	})
}
