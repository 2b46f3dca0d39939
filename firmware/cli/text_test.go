package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/firmware/api"
)

func TestADurationIsWrittenInItsTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 s", 59*time.Second + 400*time.Millisecond: "59 s", 59*time.Second + 600*time.Millisecond: "1 min 00 s",
		61 * time.Second: "1 min 01 s", time.Hour: "1 h 00 min", 25 * time.Hour: "1 d 1 h", 100 * 24 * time.Hour: "100 d 0 h",
	} {
		if got := duration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestAStrangersNameCannotCommandTheTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"Zoë Müller <+33123456789>": "Zoë Müller <+33123456789>",
		"\x1b]0;owned\x07":          "?]0;owned?",
		"a\r\nb\tc\x00":             "a??b?c?",
		"\u009b31m":                 "?31m",
		"gpj.\u202eexe":             "gpj.?exe",
		"\u2066x\u2069\x7f":         "?x??",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestWhyNobodyAnswersIsSaidInWords(t *testing.T) {
	c := newClient("/var/lib/tollgate")
	for cause, want := range map[error]string{
		fs.ErrNotExist:       "does not run",
		syscall.ECONNREFUSED: "does not run",
		fs.ErrPermission:     "sudo",
		syscall.ECONNRESET:   "sudo",
		syscall.EPIPE:        "sudo",
		io.EOF:               "sudo",
		errors.New("odd"):    "odd",
	} {
		got := c.unreachable(fmt.Errorf("Get: %w", cause)).Error()
		if !strings.Contains(got, want) || !strings.Contains(got, "/var/lib/tollgate/tollgate.sock") {
			t.Errorf("%v: %q", cause, got)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	help := overallHelp()
	for _, c := range commands() {
		if !strings.HasPrefix(c.usage, c.name) || c.short == "" || len(c.long) < 60 || !strings.HasSuffix(c.long, "\n") {
			t.Errorf("%s: %q %q %q", c.name, c.usage, c.short, c.long)
		}
		if !strings.Contains(help, "    "+c.name) {
			t.Errorf("the help does not name %s", c.name)
		}
		for _, word := range strings.FieldsFunc(c.usage, func(r rune) bool { return strings.ContainsRune(" []", r) }) {
			if strings.HasPrefix(word, "--") && !strings.Contains(c.long, word) {
				t.Errorf("%s: the help does not explain %s", c.name, word)
			}
		}
	}
}

func TestThePBXsReachIsSaidInWords(t *testing.T) {
	yes, no, later := true, false, time.Now()
	for want, p := range map[string]api.PBX{
		"":                   {},
		", answers":          {Reachable: &yes},
		", registered":       {Reachable: &yes, Expires: &later},
		", DOES NOT ANSWER":  {Reachable: &no},
		", NOT REACHABLE: ?": {Reachable: &no, Reason: "\x07"},
	} {
		if got := reachable(p); got != want {
			t.Errorf("%+v: %q, want %q", p, got, want)
		}
	}
}
