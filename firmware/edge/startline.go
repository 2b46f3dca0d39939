package edge

import "bytes"

// startLine reads the request line or status line (RFC 3261 §7.1, §7.2).
func (s *shape) startLine(line []byte) {
	if len(line) > maxStartLine {
		s.request = !statusLine(line)
		s.note(fault{code: faultStartLineLong})
		return
	}
	if statusLine(line) {
		s.statusLine(line)
		return
	}
	s.request = true
	method, rest, ok1 := bytes.Cut(line, []byte{' '})
	uri, version, ok2 := bytes.Cut(rest, []byte{' '})
	s.method = method
	switch {
	case !ok1 || !ok2 || !token(method) || !uriChars(uri):
		s.note(fault{code: faultStartLine})
	case equalFold(version, "sip/2.0"):
		if hasLower(method) {
			// Methods are case-sensitive (RFC 3261 §7.1), and the parser would make an INVITE of it.
			s.note(fault{code: faultMethodCase})
		}
		s.note(schemeFault(uri))
	case otherVersion(version):
		s.note(fault{code: faultVersion})
	default:
		s.note(fault{code: faultStartLine})
	}
}

// schemeFault wants a scheme that the box can route (RFC 3261 §8.2.2.1).
func schemeFault(uri []byte) fault {
	scheme, rest, ok := bytes.Cut(uri, []byte{':'})
	switch {
	case !ok || len(rest) == 0 || !token(scheme) || digit(scheme[0]):
		return fault{code: faultStartLine}
	case equalFold(scheme, "sip"), equalFold(scheme, "sips"), equalFold(scheme, "tel"), equalFold(scheme, "urn") && callsForHelp(rest):
		return fault{}
	}
	return fault{code: faultScheme}
}

// callsForHelp tells whether what follows "urn:" is an emergency service, which a call may name instead of a number
// (RFC 5031, RFC 6881 ED-24). Other services are not found here.
func callsForHelp(name []byte) bool {
	const sos = "service:sos"
	return len(name) >= len(sos) && equalFold(name[:len(sos)], sos) && (len(name) == len(sos) || name[len(sos)] == '.')
}

func (s *shape) statusLine(line []byte) {
	version, rest, _ := bytes.Cut(line, []byte{' '})
	code, _, ok := bytes.Cut(rest, []byte{' '})
	switch {
	case !equalFold(version, "sip/2.0"):
		s.note(fault{code: faultVersion})
	case !ok || len(code) != 3 || code[0] < '1' || code[0] > '6' || !digit(code[1]) || !digit(code[2]):
		s.note(fault{code: faultStatus})
	}
}

// statusLine tells a response from a request: no method contains a slash.
func statusLine(line []byte) bool { return len(line) > 4 && equalFold(line[:4], "sip/") }

// otherVersion is SIP/digits.digits.
func otherVersion(v []byte) bool {
	if !statusLine(v) {
		return false
	}
	major, minor, ok := bytes.Cut(v[4:], []byte{'.'})
	return ok && digits(major) && digits(minor)
}

func digits(b []byte) bool {
	for _, c := range b {
		if !digit(c) {
			return false
		}
	}
	return len(b) > 0
}

func hasLower(b []byte) bool {
	for _, c := range b {
		if lower(c) {
			return true
		}
	}
	return false
}

// uriChars excludes what no URI contains unescaped (RFC 3261 §25.1) and what people put around one.
func uriChars(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '"' {
			return false
		}
	}
	return len(b) > 0
}

// answerable tells whether a malformed message may be answered: a request other than ACK (RFC 3261 §8.2.7, §17.1.1.3).
func answerable(b []byte) bool {
	return !statusLine(b) && !bytes.HasPrefix(b, []byte("ACK "))
}

// methodName names the method at the beginning of b for the administrator, without allocating.
func methodName(b []byte) string {
	method, _, _ := bytes.Cut(b, []byte{' '})
	switch string(method) { // compiled without a copy
	case "INVITE":
		return "INVITE"
	case "ACK":
		return "ACK"
	case "BYE":
		return "BYE"
	case "CANCEL":
		return "CANCEL"
	case "REGISTER":
		return "REGISTER"
	case "OPTIONS":
		return "OPTIONS"
	case "SUBSCRIBE":
		return "SUBSCRIBE"
	case "NOTIFY":
		return "NOTIFY"
	case "MESSAGE":
		return "MESSAGE"
	}
	return ""
}
