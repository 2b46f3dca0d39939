package edge

// tidyVia returns a copy of a message whose Via values each stand on one line as "SIP/2.0/UDP host:port;param=value".
// The grammar allows more (RFC 3261 §25.1: LWS around every separator, several values separated by commas), and the
// parser reads less. All other lines stay as they are. The message has passed the gate.
func tidyVia(b []byte, header int) []byte {
	out := make([]byte, 0, len(b)+256)
	line, rest := nextField(b[:header])
	out = append(append(out, line...), "\r\n"...)
	for {
		var field []byte
		if field, rest = nextField(rest); len(field) == 0 {
			break
		}
		name, value, _ := cutName(field)
		if kindOf(name) != kindVia {
			out = append(append(out, field...), "\r\n"...)
			continue
		}
		for len(value) > 0 {
			var one []byte
			one, value = cutValue(value)
			out = append(appendVia(append(out, "Via: "...), one), "\r\n"...)
		}
	}
	return append(append(out, "\r\n"...), b[header:]...)
}

// cutValue splits a list of values at its first comma outside a quoted string.
func cutValue(v []byte) (one, rest []byte) {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return v[:i], v[i+1:]
		}
	}
	return v, nil
}

// appendVia appends one value without the blanks around separators. The blank in front of the host is the first one
// that does not touch a separator.
func appendVia(out, v []byte) []byte {
	v = trimSpace(v)
	quoted := false
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '"' && (i == 0 || v[i-1] != '\\') {
			quoted = !quoted
		}
		if quoted || !space(c) {
			out = append(out, c)
			continue
		}
		j := i
		for space(v[j]) {
			j++
		}
		if !viaSeparator(v[i-1]) && !viaSeparator(v[j]) {
			out = append(out, ' ')
		}
		i = j - 1
	}
	return out
}

func viaSeparator(c byte) bool {
	switch c {
	case '/', ':', ';', '=':
		return true
	}
	return false
}
