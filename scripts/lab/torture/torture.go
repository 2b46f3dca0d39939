// Package torture has messages that test how a SIP parser takes what it should not get: those of RFC 4475 and RFC 5118, and
// malformed ones of our own. Its tests send them to the running box, over every transport, from a peer it knows and from
// strangers, and hold what comes back against a table.
//
// It leaves sending to wire, and the box to site.
package torture

import (
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Case is one message.
type Case struct {
	Name  string
	Bytes []byte
}

// RFC4475 reads the messages of RFC 4475 from a folder with a file for each.
func RFC4475(folder string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.dat"))
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		all = append(all, Case{strings.TrimSuffix(filepath.Base(f), ".dat"), b})
	}
	return all, nil
}

//go:embed testdata/rfc5118.txt
var rfc5118 string

// RFC5118 are the messages of RFC 5118.
func RFC5118() []Case {
	var all []Case
	for _, part := range strings.Split(rfc5118, "=== ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		head, body, _ := strings.Cut(text, "\n\n")
		body = strings.ReplaceAll(body, "\n", "\r\n")
		head = strings.Replace(strings.ReplaceAll(head, "\n", "\r\n"), "{length}", strconv.Itoa(len(body)), 1)
		all = append(all, Case{name, []byte(head + "\r\n\r\n" + body)})
	}
	return all
}

//go:embed testdata/malformed.txt
var malformed string

// message is what the cases of malformed.txt change.
const message = "OPTIONS sip:box@{box} SIP/2.0\r\nVia: SIP/2.0/{TRANSPORT} {self};rport;branch=z9hG4bK{name}\r\nMax-Forwards: 70\r\n" +
	"From: \"Office\" <sip:pbx@{self}>;tag=f1\r\nTo: <sip:box@{box}>\r\nCall-ID: {name}\r\nCSeq: 7 OPTIONS\r\nX-Last: yes\r\n" +
	"Content-Length: 4\r\n\r\nbody"

// Malformed are our own malformed messages, as self sends them to the box over a transport.
func Malformed(self, box netip.AddrPort, transport string) ([]Case, error) {
	var all []Case
	for line := range strings.Lines(malformed) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, " | ", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("%q has no three parts", line)
		}
		fill := strings.NewReplacer("{self}", self.String(), "{box}", box.String(), "{TRANSPORT}", strings.ToUpper(transport),
			"{name}", fmt.Sprintf("case%d-%s", len(all), transport))
		old, errOld := unquote(parts[1])
		new, errNew := unquote(parts[2])
		text := fill.Replace(message)
		old, new = fill.Replace(old), fill.Replace(new)
		switch {
		case errOld != nil || errNew != nil:
			return nil, fmt.Errorf("%q cannot be read: %w", line, errors.Join(errOld, errNew))
		case old != "" && !strings.Contains(text, old):
			return nil, fmt.Errorf("%s: %q is not in the message", parts[0], old)
		}
		changed := strings.Replace(text, old, new, 1)
		if parts[0] == "method unknown" {
			changed = strings.ReplaceAll(text, old, new)
		}
		all = append(all, Case{parts[0], []byte(changed)})
	}
	return all, nil
}

// unquote reads texts as Go writes them, each once or so many times.
func unquote(s string) (string, error) {
	var b strings.Builder
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			return "", err
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return "", err
		}
		s = s[len(quoted):]
		times := 1
		if rest, ok := strings.CutPrefix(s, "*"); ok {
			number, after, _ := strings.Cut(rest, " ")
			if times, err = strconv.Atoi(number); err != nil {
				return "", err
			}
			s = after
		}
		b.WriteString(strings.Repeat(text, times))
	}
	return b.String(), nil
}
