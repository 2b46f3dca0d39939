package scenario

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Wishes for a message that is received:
//
//	to +33472105518   that is the user of the Request-URI
//	Name: pattern     a header field of that name matches the pattern; no Name: there is none
//	sdp inactive      the session description has that attribute; bare: there is one; no sdp: there is none
//	has TEXT          the message holds it; lacks TEXT: it does not

// message is one entry of a trace of sipp.
type message struct {
	at   string
	sent bool
	text string
}

func (m message) name() string {
	first, _, _ := strings.Cut(m.text, "\n")
	words := strings.Fields(first)
	switch {
	case len(words) > 1 && words[0] == "SIP/2.0":
		return words[1]
	case len(words) > 0:
		return words[0]
	}
	return ""
}

// fields are the values of a header field.
func (m message) fields(name string) []string {
	head, _, _ := strings.Cut(m.text, "\n\n")
	var values []string
	for line := range strings.SplitSeq(head, "\n") {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

func (m message) body() string {
	_, body, _ := strings.Cut(m.text, "\n\n")
	return body
}

func (m message) call() string { return strings.Join(m.fields("Call-ID"), "") }

var traceHead = regexp.MustCompile(`(?m)^-{20,} (\d{4}-\d\d-\d\d[ T][\d:.]+)\n(?:UDP|TCP) message (sent|received) [^\n]*\n\n`)

// readTrace reads what sipp wrote. Repetitions of a message received are left out.
func readTrace(file string) []message {
	b, _ := os.ReadFile(file)
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	heads := traceHead.FindAllStringSubmatchIndex(text, -1)
	var all []message
	known := map[string]bool{}
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		m := message{at: text[h[2]:h[3]], sent: text[h[4]:h[5]] == "sent", text: text[h[1]:end]}
		if key := fmt.Sprint(m.sent) + m.text; !known[key] {
			known[key] = true
			all = append(all, m)
		}
	}
	return all
}

// judge compares what the peer received, call by call, with its part of the ladder.
func (a *actor) judge(calls int) error {
	byCall := map[string][]message{}
	var order []string
	for _, m := range readTrace(a.trace) {
		if m.sent || m.name() == "100" || a.calls() && !a.own(m.call()) {
			continue // the last: what a flow before this one has left
		}
		if byCall[m.call()] == nil {
			order = append(order, m.call())
		}
		byCall[m.call()] = append(byCall[m.call()], m)
	}
	var want []step
	for _, s := range a.steps {
		if s.kind == receives && s.name != "100" {
			want = append(want, s)
		}
	}
	if len(want) > 0 && len(order) != calls {
		return fmt.Errorf("%s saw %d calls instead of %d", a.name, len(order), calls)
	}
	for _, id := range order {
		if err := compare(want, byCall[id]); err != nil {
			return fmt.Errorf("%s %w", a.name, err)
		}
	}
	return nil
}

// own tells whether a Call-ID is one that this sipp has made.
func (a *actor) own(callID string) bool {
	return strings.HasSuffix(callID, fmt.Sprintf("-%d-%s", a.process.PID(), a.marker()))
}

func compare(want []step, got []message) error {
	for i, m := range got {
		if i >= len(want) {
			return fmt.Errorf("received %s, which nobody expects", m.name())
		}
		if m.name() != want[i].name {
			return fmt.Errorf("received %s instead of %s", m.name(), want[i].name)
		}
		if err := want[i].check(m); err != nil {
			return fmt.Errorf("received %s: %w:\n%s", m.name(), err, m.text)
		}
	}
	if len(got) < len(want) {
		return fmt.Errorf("did not receive %s", want[len(got)].name)
	}
	return nil
}

// check holds a message against the wishes for it.
func (s step) check(m message) error {
	var faults []error
	for _, w := range s.wishes {
		if fault := m.fault(w); fault != "" {
			faults = append(faults, fmt.Errorf("%q: %s", w, fault))
		}
	}
	return errors.Join(faults...)
}

func (m message) fault(wish string) string {
	word, rest, _ := strings.Cut(wish, " ")
	first, _, _ := strings.Cut(m.text, "\n")
	switch {
	case word == "to" && !strings.Contains(first, "sip:"+rest+"@"):
		return "the Request-URI is another"
	case word == "has" && !strings.Contains(m.text, rest):
		return "it is not there"
	case word == "lacks" && strings.Contains(m.text, rest):
		return "it is there"
	case wish == "no sdp" && strings.Contains(m.body(), "m=audio"):
		return "there is one"
	case word == "sdp" && !strings.Contains(m.body(), "m=audio"):
		return "there is none"
	case word == "sdp" && rest != "" && !slices.Contains(strings.Split(m.body(), "\n"), "a="+rest):
		return "it says otherwise"
	case word == "no" && rest != "sdp" && len(m.fields(rest)) > 0:
		return "there is one"
	}
	if name, pattern, ok := strings.Cut(wish, ": "); ok && !slices.Contains([]string{"has", "lacks"}, word) {
		matches := func(v string) bool { return regexp.MustCompile(pattern).MatchString(v) }
		if !slices.ContainsFunc(m.fields(name), matches) {
			return fmt.Sprintf("the field is %q", m.fields(name))
		}
	}
	return ""
}

// seen draws the ladder that took place, from all traces by time.
func seen(actors []*actor) string {
	type line struct{ at, text string }
	var lines []line
	for _, a := range actors {
		for _, m := range readTrace(a.trace) {
			if m.name() == "100" {
				continue
			}
			what := m.name()
			if seq := m.fields("CSeq"); what < "A" && len(seq) > 0 {
				what += "/" + seq[0][strings.LastIndex(seq[0], " ")+1:]
			}
			at, arrow := a.name, map[bool]string{true: "->", false: "<-"}[m.sent]
			if !a.outside() {
				lines = append(lines, line{m.at, fmt.Sprintf("%-28s %s", at+": "+what, arrow)})
			} else {
				arrow = map[bool]string{true: "<-", false: "->"}[m.sent]
				lines = append(lines, line{m.at, fmt.Sprintf("%-28s %s %s: %s", "", arrow, at, what)})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return strings.Compare(a.at, b.at) })
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("|" + l.text + "\n")
	}
	return b.String()
}
