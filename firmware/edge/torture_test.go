package edge

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

var update = flag.Bool("update", false, "write testdata/torture.golden anew")

// TestTheTortureMessagesAreJudgedAsTheTableSays holds the messages of RFC 4475 against testdata/torture.golden, a line
// for each: its name, what becomes of it in a datagram, and on a stream.
func TestTheTortureMessagesAreJudgedAsTheTableSays(t *testing.T) {
	messages := torture(t)
	if len(messages) != 49 {
		t.Fatalf("%d messages, want 49", len(messages))
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(messages)) {
		fmt.Fprintf(&b, "%-11s %-55s %s\n", name, judgeDatagram(messages[name]), judgeStream(messages[name]))
	}
	const golden = "testdata/torture.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

func judgeDatagram(b []byte) string {
	s, size := inspectDatagram(b)
	return judgement(b[:size], s)
}

// judgeStream tells about each message of a stream, separated by "+".
func judgeStream(b []byte) string {
	var f framer
	var all []string
	for len(b) > 0 {
		n := copy(f.space(), b)
		b = b[n:]
		f.read(n)
		for {
			m, s, more := f.next()
			if more {
				break
			}
			all = append(all, judgement(m, s))
			if s.fault.framing() {
				return strings.Join(append(all, "closed"), " + ")
			}
		}
	}
	if f.pending() {
		all = append(all, "waits for more")
	}
	return strings.Join(all, " + ")
}

func judgement(b []byte, s shape) string {
	f := s.fault
	if !f.found() {
		_, f, _ = parse(sip.NewParser(), b, s)
	}
	switch {
	case !f.found():
		return "passes"
	case !answerable(b):
		return "dropped: " + f.reason()
	}
	return fmt.Sprintf("%d %s", f.status(), f.reason())
}
