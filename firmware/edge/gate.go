package edge

import "bytes"

// shape is what the gate finds out about a message before the parser sees it.
type shape struct {
	fault   fault // the first one, but a framing fault goes before others
	request bool
	method  []byte // of a request; points into the message
	header  int    // length of the header section with its empty line; 0: it has no end
	length  int    // Content-Length, -1 without one
	tagged  bool   // To has a tag: within a dialog
	viaOdd  bool   // a Via that the parser would misread: several values in it, or blanks where it expects none

	seen  [kinds]uint8
	field int // how many fields
}

// inspectDatagram judges a whole datagram. The message is b[:size]: bytes behind Content-Length are no part of it
// (RFC 3261 §18.3).
func inspectDatagram(b []byte) (s shape, size int) {
	if len(b) > maxMessage {
		return shape{fault: fault{code: faultTooLarge}}, len(b)
	}
	end, _, f := scanHeader(b, 0)
	if end == 0 {
		if !f.found() {
			f.code = faultUnfinished
		}
		return shape{fault: f, length: -1}, len(b)
	}
	s = inspect(b[:end])
	if s.length < 0 {
		return s, len(b)
	}
	if end+s.length > len(b) {
		s.note(fault{code: faultBodyShort})
		return s, len(b)
	}
	return s, end + s.length
}

// inspect judges a header section that scanHeader has found the end of. It reads all of it even when it finds a fault,
// because on a stream the next message begins behind this one's Content-Length.
func inspect(h []byte) shape {
	s := shape{header: len(h), length: -1}
	line, rest := nextField(h)
	s.startLine(line)
	for {
		var field []byte
		if field, rest = nextField(rest); len(field) == 0 {
			break
		}
		s.inspectField(field)
	}
	s.count()
	return s
}

// note keeps the first fault, unless this one concerns framing and that one does not.
func (s *shape) note(f fault) {
	if !f.found() {
		return
	}
	if !s.fault.found() || f.framing() && !s.fault.framing() {
		s.fault = f
	}
}

func (s *shape) inspectField(field []byte) {
	if s.field++; s.field > maxFields {
		s.note(fault{code: faultTooManyFields})
		return
	}
	if len(field) > maxField {
		s.note(fault{code: faultFieldLong})
		return
	}
	name, value, ok := cutName(field)
	if !ok {
		s.note(fault{code: faultName})
		return
	}
	k := kindOf(name)
	if s.seen[k]++; k != kindOther {
		s.value(k, value)
	}
}

// value reads the values that framing and identity rest on.
func (s *shape) value(k kind, v []byte) {
	switch k {
	case kindContentLength:
		if s.seen[k] > 1 {
			s.note(fault{code: faultLengthTwice})
		} else if n, ok := number(v, maxMessage); ok {
			s.length = n
		} else {
			s.note(fault{code: faultLength})
		}
	case kindMaxForwards: // 0 to 255 (RFC 3261 §20.22)
		if _, ok := number(v, 255); !ok {
			s.note(fault{code: faultMaxForwards})
		}
	case kindCSeq:
		s.cseq(v)
	case kindVia:
		s.viaOdd = s.viaOdd || viaOdd(v)
	case kindTo:
		s.tagged = tagged(v)
	}
	if len(v) == 0 && k != kindContentLength && k != kindMaxForwards && k != kindCSeq {
		s.note(fault{faultEmpty, k})
	}
}

// tagged tells whether a To has a tag (RFC 3261 §19.3). The parser reads it again: here it says how much room there is for it.
func tagged(v []byte) bool {
	_, behind, enclosed := bytes.Cut(v, []byte(">"))
	if !enclosed {
		behind = v
	}
	for len(behind) > 0 {
		var parameter []byte
		if _, parameter, _ = bytes.Cut(behind, []byte(";")); len(parameter) == 0 {
			return false
		}
		behind = parameter
		name, _, _ := bytes.Cut(parameter, []byte("="))
		if bytes.EqualFold(trimSpace(name), []byte("tag")) {
			return true
		}
	}
	return false
}

// cseq wants a number below 2^31 and a method (RFC 3261 §8.1.1.5), which in a request is the request's own.
func (s *shape) cseq(v []byte) {
	i := 0
	for i < len(v) && !space(v[i]) {
		i++
	}
	method := trimSpace(v[i:])
	if _, ok := number(v[:i], 1<<31-1); !ok || !token(method) {
		s.note(fault{code: faultCSeq})
		return
	}
	if s.request && !bytes.Equal(method, s.method) {
		s.note(fault{code: faultCSeqMethod})
	}
}

// count wants each singular header once, and a Via to answer to.
func (s *shape) count() {
	for k := kindVia; k < kinds; k++ {
		switch n := s.seen[k]; {
		case n == 0 && k <= kindCSeq:
			s.note(fault{faultMissing, k})
		case n > 1 && k > kindVia && k != kindContentLength:
			s.note(fault{faultTwice, k})
		}
	}
}

// viaOdd tells whether a Via value is other than "SIP/2.0/UDP host;param=value": more than one blank, or a comma.
func viaOdd(v []byte) bool {
	blanks := 0
	for _, c := range v {
		if c == ',' {
			return true
		}
		if space(c) {
			blanks++
		}
	}
	return blanks != 1
}
