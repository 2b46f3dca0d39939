package supervise

import (
	"fmt"
	"strings"
	"testing"
)

func TestLastWordsSayWhatTheFaultWasHoweverManyGoroutinesThereAre(t *testing.T) {
	entry := func(n int) string {
		return fmt.Sprintf("goroutine %d [select]:\nmain.work(0x%x)\n\tfirmware/main.go:12 +0x3c\n\n", n, n)
	}
	var dump strings.Builder
	for n := range 5000 {
		dump.WriteString(entry(n))
	}
	const log = "time=2026-11-23T06:00:00Z level=INFO msg=\"panic: not this one\"\n"
	for name, c := range map[string]struct{ said, begins, ends string }{
		"a short one":                {log + "panic: as it must\n\n" + entry(1), log, entry(1)},
		"a long one":                 {strings.Repeat(log, 99) + "fatal error: concurrent map writes\n\n" + dump.String(), "fatal error: concurrent map writes\n\ngoroutine 0 [", entry(4999)},
		"it was asked to":            {log + "SIGQUIT: quit\nPC=0x97604 m=0\n\nfatal error: never mind\n" + dump.String(), "SIGQUIT: quit\nPC=", entry(4999)},
		"one it had got over":        {"panic: earlier\n" + strings.Repeat(log, 5000) + "SIGSEGV: segmentation violation\n" + dump.String(), "SIGSEGV: seg", entry(4999)},
		"one that just does not fit": {"panic: x\n" + strings.Repeat("0123456789abcde\n", tailKept/16), "panic: x\n0123456789abcde\n0123", "e\n"},
		"nothing but the log":        {strings.Repeat(log, 5000), "time=", log},
	} {
		for _, size := range []int{7, 4096, len(c.said)} {
			var o tail
			for rest := c.said; rest != ""; {
				n := min(size, len(rest))
				o.add([]byte(rest[:n]))
				rest = rest[n:]
			}
			o.end()
			text := o.text()
			if !strings.HasPrefix(text, c.begins) || !strings.HasSuffix(text, c.ends) {
				t.Errorf("%s, in pieces of %d: it begins with %.60q and ends with %q", name, size, text, text[max(0, len(text)-60):])
			}
			if len(text) > tailKept+accountKept+16 {
				t.Errorf("%s: %d octets are kept", name, len(text))
			}
			if name == "one that just does not fit" && text != c.said {
				t.Errorf("%s, in pieces of %d: %d octets of %d", name, size, len(text), len(c.said))
			}
		}
	}
}
