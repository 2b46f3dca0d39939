package eventbody

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollgate/firmware/event"
)

// summary is the body of message-summary (RFC 3842 §5.2). The headers of single messages do not pass.
type summary struct {
	waiting bool
	account string // "": not told
	counts  []count
}

// count is how many messages of a class there are.
type count struct {
	class    string
	new, old uint32
	urgent   bool // those numbers are told too
	newUrg   uint32
	oldUrg   uint32
}

// classes are the message-context-classes of RFC 3458 §4.2.
func classes() []string {
	return []string{"Voice-Message", "Video-Message", "Fax-Message", "Pager-Message", "Multimedia-Message", "Text-Message", "None"}
}

func readSummary(body []byte) (*summary, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not UTF-8")
	}
	s := &summary{}
	told := false
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break // what follows are the headers of single messages
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("%q is no header field", event.Printable(line))
		}
		value = strings.TrimSpace(value)
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, "Messages-Waiting"):
			if told || !strings.EqualFold(value, "yes") && !strings.EqualFold(value, "no") {
				return nil, errors.New("Messages-Waiting is to be told once, yes or no")
			}
			s.waiting, told = strings.EqualFold(value, "yes"), true
		case strings.EqualFold(name, "Message-Account"):
			s.account = value
		default:
			if err := s.readCount(name, value); err != nil {
				return nil, err
			}
		}
	}
	if !told {
		return nil, errors.New("Messages-Waiting is missing")
	}
	return s, nil
}

// readCount reads "4/8 (1/2)"; lines of other names are left out.
func (s *summary) readCount(name, value string) error {
	i := slices.IndexFunc(classes(), func(c string) bool { return strings.EqualFold(c, name) })
	if i < 0 {
		return nil
	}
	c := count{class: classes()[i]}
	all, urgent, some := strings.Cut(value, "(")
	var ok bool
	if c.new, c.old, ok = readPair(all); !ok {
		return fmt.Errorf("%s is to be told as new/old", c.class)
	}
	if urgent, closed := strings.CutSuffix(strings.TrimSpace(urgent), ")"); some {
		if c.newUrg, c.oldUrg, ok = readPair(urgent); !ok || !closed {
			return fmt.Errorf("the urgent messages of %s are to be told as (new/old)", c.class)
		}
		c.urgent = true
	}
	if slices.ContainsFunc(s.counts, func(o count) bool { return o.class == c.class }) {
		return fmt.Errorf("%s is told twice", c.class)
	}
	s.counts = append(s.counts, c)
	return nil
}

func readPair(text string) (uint32, uint32, bool) {
	first, second, ok := strings.Cut(strings.TrimSpace(text), "/")
	a, err1 := strconv.ParseUint(strings.TrimSpace(first), 10, 32)
	b, err2 := strconv.ParseUint(strings.TrimSpace(second), 10, 32)
	return uint32(a), uint32(b), ok && err1 == nil && err2 == nil
}

func (s *summary) rename(n *Names) {
	if s.account != "" {
		s.account = n.Entity
	}
}

func (s *summary) write() ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "Messages-Waiting: %s\r\n", map[bool]string{true: "yes", false: "no"}[s.waiting])
	if s.account != "" {
		fmt.Fprintf(&b, "Message-Account: %s\r\n", s.account)
	}
	for _, c := range s.counts {
		fmt.Fprintf(&b, "%s: %d/%d", c.class, c.new, c.old)
		if c.urgent {
			fmt.Fprintf(&b, " (%d/%d)", c.newUrg, c.oldUrg)
		}
		b.WriteString("\r\n")
	}
	return []byte(b.String()), nil
}
