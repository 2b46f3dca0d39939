package wire

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Message is a SIP message as it came.
type Message string

// Field is the first value of a header field, "" when there is none.
func (m Message) Field(name string) string {
	head, _, _ := strings.Cut(string(m), "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Fields are the lines of every header field with one of these names, in their order, with CRLF.
func (m Message) Fields(names ...string) string {
	head, _, _ := strings.Cut(string(m), "\r\n\r\n")
	var b strings.Builder
	for line := range strings.SplitSeq(head, "\r\n") {
		n, _, _ := strings.Cut(line, ":")
		for _, name := range names {
			if strings.EqualFold(strings.TrimSpace(n), name) {
				b.WriteString(line + "\r\n")
			}
		}
	}
	return b.String()
}

// Start is the start line.
func (m Message) Start() string {
	start, _, _ := strings.Cut(string(m), "\r\n")
	return start
}

// Body is what follows the header.
func (m Message) Body() string {
	_, body, _ := strings.Cut(string(m), "\r\n\r\n")
	return body
}

// Status is the status of a response, 0 of a request.
func (m Message) Status() int {
	rest, ok := strings.CutPrefix(m.Start(), "SIP/2.0 ")
	if !ok {
		return 0
	}
	code, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(code)
	return n
}

// Method is the method of a request, "" of a response.
func (m Message) Method() string {
	if m.Status() != 0 {
		return ""
	}
	method, _, _ := strings.Cut(m.Start(), " ")
	return method
}

// AudioAt is where a description wants audio; an error when it names no such place, or one of another family than it says.
func (m Message) AudioAt() (netip.AddrPort, error) {
	var host, kind string
	var port uint16
	for line := range strings.SplitSeq(m.Body(), "\r\n") {
		if rest, ok := strings.CutPrefix(line, "c=IN "); ok {
			kind, host, _ = strings.Cut(rest, " ")
		}
		fmt.Sscanf(line, "m=audio %d ", &port)
	}
	a, err := netip.ParseAddr(host)
	if err != nil || port == 0 || kind != Family(a) {
		return netip.AddrPort{}, fmt.Errorf("no address for audio in\n%s", m)
	}
	return netip.AddrPortFrom(a, port), nil
}

// Family is the word for an address's family in descriptions (RFC 8866 §5.7).
func Family(a netip.Addr) string {
	if a.Is6() {
		return "IP6"
	}
	return "IP4"
}
