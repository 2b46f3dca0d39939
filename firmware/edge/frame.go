package edge

// framer cuts the bytes of one stream into messages (RFC 3261 §18.3). The bytes may come in any chunks:
//
//	CRLF CRLF | start line … CRLF CRLF | body of Content-Length | CRLF CRLF | start line …
//	   ping            header                                       ping
//
// A stream with a framing fault is over, because nobody knows where its next message begins.
type framer struct {
	buf        []byte
	start, end int   // what is in buf and not used yet
	scanned    int   // of that, how much of the header is known to hold no end
	shape      shape // of the message whose header is complete; header 0: none is
	crlf       int   // empty lines since the last message
	pings      int   // not yet taken by takePings
	lines      int   // empty lines, not yet taken by takeLines
}

const (
	firstBuffer = 4096
	// keptBuffer is what an idle connection may hold on to.
	keptBuffer = 16384
)

// space returns where to read the next chunk into. It is never empty as long as next is called until it says more.
func (f *framer) space() []byte {
	if f.start == f.end {
		f.start, f.end = 0, 0
		if cap(f.buf) > keptBuffer {
			f.buf = nil
		}
	}
	if f.start > 0 {
		copy(f.buf, f.buf[f.start:f.end])
		f.start, f.end = 0, f.end-f.start
		f.shape.method = nil // pointed into the bytes that have moved
	}
	if f.end == len(f.buf) {
		size := min(max(firstBuffer, 2*len(f.buf)), maxMessage+1)
		f.buf = append(make([]byte, 0, size), f.buf[:f.end]...)[:size]
	}
	return f.buf[f.end:]
}

// read says that n bytes were read into space.
func (f *framer) read(n int) { f.end += n }

// pending tells whether part of a message has arrived and its end has not.
func (f *framer) pending() bool { return f.start < f.end }

// takePings returns how many pings (RFC 5626 §3.5.1: two CRLF between messages) came since it was asked last.
func (f *framer) takePings() int {
	n := f.pings
	f.pings = 0
	return n
}

// takeLines returns how many empty lines came since it was asked last: one is the answer to a ping.
func (f *framer) takeLines() int {
	n := f.lines
	f.lines = 0
	return n
}

// next returns the next whole message and its shape, or more true when it has not all arrived. The message is valid
// until the next call of space. With a framing fault, message is what has arrived of it.
func (f *framer) next() (message []byte, s shape, more bool) {
	if f.shape.header == 0 {
		if more := f.readHeader(); more || f.shape.fault.framing() {
			return f.buf[f.start:f.end], f.shape, more
		}
	}
	size := f.shape.header + max(f.shape.length, 0)
	if f.end-f.start < size {
		return nil, shape{}, true
	}
	message, s = f.buf[f.start:f.start+size], f.shape
	if s.request && s.method == nil {
		s.method = startMethod(message)
	}
	f.start += size
	f.scanned, f.crlf, f.shape = 0, 0, shape{}
	return message, s, false
}

// readHeader looks for the end of the header and judges it.
func (f *framer) readHeader() (more bool) {
	f.skipEmptyLines()
	end, next, bad := scanHeader(f.buf[f.start:f.end], f.scanned)
	f.scanned = next
	switch {
	case bad.found():
		f.shape.fault = bad
	case end > 0:
		f.shape = inspect(f.buf[f.start : f.start+end])
		f.streamRules()
	case f.end-f.start > maxMessage:
		f.shape.fault = fault{code: faultTooLarge}
	default:
		return true
	}
	return false
}

// streamRules adds what holds on streams only: Content-Length is compulsory (RFC 3261 §18.3), and no message is larger
// than a datagram could be.
func (f *framer) streamRules() {
	switch s := &f.shape; {
	case s.length < 0:
		s.note(fault{code: faultLengthMissing})
	case s.header+s.length > maxMessage:
		s.fault = fault{code: faultTooLarge}
	}
}

// skipEmptyLines passes over CRLF in front of a start line (RFC 3261 §7.5), two of which are a ping.
func (f *framer) skipEmptyLines() {
	for f.scanned == 0 && f.end-f.start >= 2 && f.buf[f.start] == '\r' && f.buf[f.start+1] == '\n' {
		f.start += 2
		f.lines++
		if f.crlf++; f.crlf%2 == 0 {
			f.pings++
		}
	}
}

// startMethod is the method of a request whose start line is good.
func startMethod(message []byte) []byte {
	for i, c := range message {
		if c == ' ' {
			return message[:i]
		}
	}
	return nil
}
