package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A ladder is text with one line an event, the office on the left, the carrier on the right and the box between them:
//
//	INVITE   -> INVITE{P-Asserted-Identity: <sip:\+33123456701@}   office to carrier, through the box
//	180      <- 180                                                and back
//	INVITE   ->                                                    the box keeps it, or answers itself
//	         -> b:INVITE                                           the box sends it by itself, to the second carrier
//	wait 300 |                                                     the office does nothing for 300 ms
//
// Whoever stands at the tail of an arrow sends, whoever stands at its head receives; the two may differ. Peers are office
// and carrier; another one is named before the colon: b is the second carrier, x a stranger on that side. A response
// belongs to the last request still open; "200/INVITE" names another. The ACK to a failure and 100 Trying need no line.
//
// Braces hold wishes, divided by " | ": what is peculiar about a message sent, or what must be true of one received; see
// message.go and judge.go.

// step is one event of one peer.
type step struct {
	kind   kind
	name   string // method or status
	of     string // of a response: the method it answers, "" for the last one open
	wishes []string
	wait   int     // milliseconds
	auto   bool    // it has no line in the ladder
	about  request // the request that it is or answers
}

type kind int

const (
	sends kind = iota
	receives
	waits
)

// opposite is what the other end of an arrow does.
func (k kind) opposite() kind {
	switch k {
	case sends:
		return receives
	case receives:
		return sends
	}
	return k
}

func (s step) response() bool { return s.name != "" && s.name[0] >= '1' && s.name[0] <= '6' }

// final tells whether s is a response that ends its request; failure whether it is no 2xx.
func (s step) final() bool   { return s.response() && s.name[0] != '1' }
func (s step) failure() bool { return s.final() && s.name[0] != '2' }

// wish returns the rest of the wish that begins with this word.
func (s step) wish(word string) (string, bool) {
	for _, w := range s.wishes {
		if w == word {
			return "", true
		}
		if rest, ok := strings.CutPrefix(w, word+" "); ok {
			return rest, true
		}
	}
	return "", false
}

// side is one end of an arrow.
type side int

const (
	left side = iota
	right
)

// read turns a ladder into the steps of each peer.
func read(ladder string) (map[string][]step, error) {
	parts := map[string][]step{}
	for line := range strings.Lines(ladder) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if err := readLine(parts, line); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	for peer, steps := range parts {
		parts[peer] = acknowledge(steps)
	}
	return parts, nil
}

func readLine(parts map[string][]step, line string) error {
	arrows := []struct {
		sign        string
		left, right kind
	}{{"->", sends, receives}, {"<-", receives, sends}, {"|", waits, waits}}
	for _, a := range arrows {
		l, r, ok := cutArrow(line, a.sign)
		if !ok {
			continue
		}
		if err := add(parts, left, a.left, l); err != nil {
			return err
		}
		return add(parts, right, a.right, r)
	}
	return fmt.Errorf("there is no arrow in it")
}

// cutArrow cuts at a sign that stands outside braces.
func cutArrow(line, sign string) (string, string, bool) {
	depth := 0
	for i := range line {
		switch {
		case line[i] == '{':
			depth++
		case line[i] == '}':
			depth--
		case depth == 0 && strings.HasPrefix(line[i:], sign):
			return strings.TrimSpace(line[:i]), strings.TrimSpace(line[i+len(sign):]), true
		}
	}
	return "", "", false
}

func add(parts map[string][]step, s side, k kind, text string) error {
	if text == "" {
		return nil
	}
	peer := []string{office, carrier}[s]
	if head, rest, ok := strings.Cut(text, ":"); ok && !strings.Contains(head, "{") {
		name, known := map[string]string{"b": backup, "x": []string{insider, outsider}[s]}[head]
		if !known {
			return fmt.Errorf("nobody is called %q", head)
		}
		peer, text = name, rest
	}
	st := step{kind: k}
	if k == waits {
		number, ok := strings.CutPrefix(text, "wait ")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			return fmt.Errorf("wait how long?")
		}
		st.wait = n
		parts[peer] = append(parts[peer], st)
		return nil
	}
	if i := strings.IndexByte(text, '{'); i >= 0 {
		inner := strings.TrimSuffix(text[i+1:], "}")
		st.wishes = strings.Split(inner, " | ")
		text = text[:i]
	}
	st.name, st.of, _ = strings.Cut(text, "/")
	parts[peer] = append(parts[peer], st)
	return nil
}

// acknowledge fills in the ACK to each failure of an INVITE (RFC 3261 §17.1.1.3).
func acknowledge(steps []step) []step {
	var all []step
	open := &openRequests{}
	for _, s := range steps {
		s.about = open.follow(s)
		all = append(all, s)
		if s.failure() && s.about.method == "INVITE" {
			all = append(all, step{kind: s.kind.opposite(), name: "ACK", auto: true, about: s.about})
		}
	}
	return all
}

// request is one request of a ladder, as one peer sees it.
type request struct {
	method string
	number int // its place among the requests that this peer sent, or received
}

// openRequests knows which request a response belongs to.
type openRequests struct {
	open  [2][]request // by kind of the request: sent, received
	count [2]int
}

// follow takes a step and returns the request that it is or answers.
func (o *openRequests) follow(s step) request {
	switch {
	case s.kind == waits:
		return request{}
	case !s.response():
		o.count[s.kind]++
		r := request{s.name, o.count[s.kind]}
		if s.name != "ACK" {
			o.open[s.kind] = append(o.open[s.kind], r)
		}
		return r
	}
	other := s.kind.opposite()
	at := meant(o.open[other], s.of)
	if at < 0 {
		return request{}
	}
	r := o.open[other][at]
	if s.final() {
		o.open[other] = slices.Delete(o.open[other], at, at+1)
	}
	return r
}

// meant is the place of the request that a response means: the oldest of the named method, or the last.
func meant(open []request, method string) int {
	if method == "" {
		return len(open) - 1
	}
	return slices.IndexFunc(open, func(r request) bool { return r.method == method })
}
