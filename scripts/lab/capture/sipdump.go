package capture

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Message is one SIP message as Kamailio saw it: after decryption, or before encryption.
type Message struct {
	Received            bool
	Source, Destination netip.AddrPort
	Text                string
}

// Separators of Kamailio's sipdump files.
const (
	dumpHead = "====================\n"
	dumpBody = "~~~~~~~~~~~~~~~~~~~~\n"
	dumpEnd  = "||||||||||||||||||||\n"
)

// Messages reads every sipdump file in a folder.
func Messages(folder string) ([]Message, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.data"))
	if err != nil {
		return nil, fmt.Errorf("look for sipdump files: %w", err)
	}
	slices.Sort(names)
	var all []Message
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read sipdump: %w", err)
		}
		all = append(all, parseDump(string(b))...)
	}
	return all, nil
}

func parseDump(s string) []Message {
	var all []Message
	for part := range strings.SplitSeq(s, dumpHead) {
		head, rest, ok := strings.Cut(part, dumpBody)
		if !ok {
			continue
		}
		text, _, ok := strings.Cut(rest, dumpEnd)
		if !ok {
			continue // still being written
		}
		all = append(all, messageOf(head, text))
	}
	return all
}

func messageOf(head, text string) Message {
	field := map[string]string{}
	for line := range strings.Lines(head) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			field[name] = value
		}
	}
	return Message{
		Received: field["tag"] == "rcv", Text: text,
		Source:      addrPort(field["srcip"], field["srcport"]),
		Destination: addrPort(field["dstip"], field["dstport"]),
	}
}

func addrPort(address, port string) netip.AddrPort {
	a, _ := netip.ParseAddr(address)
	p, _ := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a, uint16(p))
}

// Header returns the first value of a header field, by its full name, or "".
func (m Message) Header(name string) string {
	head, _, _ := strings.Cut(m.Text, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// FirstLine returns the request or status line.
func (m Message) FirstLine() string {
	line, _, _ := strings.Cut(m.Text, "\r\n")
	return line
}

// Word is something that must not be seen, and what it is.
type Word struct{ Text, What string }

// Find returns a line for each word that occurs in b, without regard to case.
func Find(b []byte, words []Word) []string {
	var found []string
	lower := bytes.ToLower(b)
	for _, w := range words {
		if w.Text == "" {
			continue
		}
		if at := bytes.Index(lower, bytes.ToLower([]byte(w.Text))); at >= 0 {
			found = append(found, fmt.Sprintf("%s %q in %q", w.What, w.Text, around(b, at, len(w.Text))))
		}
	}
	return found
}

func around(b []byte, at, length int) []byte {
	return b[max(0, at-20):min(len(b), at+length+20)]
}
