package edge

import (
	"bytes"
	"net/netip"
	"strconv"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// reply answers req without a transaction (RFC 3261 §8.2.7).
func (t tagger) reply(req *sip.Request, status int) *sip.Response {
	res := sip.NewResponseFromRequest(req, status, ua.Phrase(status), nil)
	if status == sip.StatusMethodNotAllowed { // RFC 3261 §21.4.6
		res.AppendHeader(sip.NewHeader("Allow", ua.Allow))
	}
	if _, inDialog := req.To().Params.Get("tag"); !inDialog {
		res.To().Params.Add("tag", t.request(req))
	}
	return res
}

// rawReply answers a malformed request from its raw bytes, since there is no parsed form of it. It copies what RFC 3261
// §8.2.6.2 wants copied, as far as it is there and can be read; it is nil when the message must not be answered or has no
// Via to send an answer along. It is hardly longer than the request, so it amplifies nothing.
func (t tagger) rawReply(b []byte, f fault, source netip.AddrPort) []byte {
	if !answerable(b) {
		return nil
	}
	h := copyable(b)
	if h.via == nil {
		return nil
	}
	out := make([]byte, 0, 512)
	out = append(out, "SIP/2.0 "...)
	out = strconv.AppendInt(out, int64(f.status()), 10)
	out = append(append(append(out, ' '), f.reason()...), "\r\n"...)
	for i, v := range h.via {
		if i == 0 {
			v = markRawVia(v, source)
		}
		out = appendField(out, "Via", v)
	}
	to := h.to
	if to != nil && !bytes.Contains(bytes.ToLower(to), []byte("tag")) {
		to = append(bytes.Clone(to), ";tag="+t.sum(string(h.via[0]), string(h.callID))...)
	}
	out = appendField(out, "From", h.from)
	out = appendField(out, "To", to)
	out = appendField(out, "Call-ID", h.callID)
	out = appendField(out, "CSeq", h.cseq)
	return append(out, "Content-Length: 0\r\n\r\n"...)
}

func appendField(out []byte, name string, value []byte) []byte {
	if value == nil {
		return out
	}
	return append(append(append(append(out, name...), ": "...), value...), "\r\n"...)
}

// copies are values of a malformed message that are good enough to be sent back.
type copies struct {
	via                    [][]byte
	from, to, callID, cseq []byte
}

// copyable reads the header section line by line, passing over every line with a character that has no place in one.
func copyable(b []byte) (c copies) {
	_, rest, _ := bytes.Cut(b, []byte("\r\n"))
	for n := 0; n < maxFields; n++ {
		line, after, more := bytes.Cut(rest, []byte("\r\n"))
		for more && len(line) > 0 && len(after) > 0 && blank(after[0]) { // folded
			var next []byte
			next, after, more = bytes.Cut(after, []byte("\r\n"))
			line = append(append(bytes.Clone(line), ' '), trimSpace(next)...)
		}
		if !more || len(line) == 0 {
			break
		}
		rest = after
		c.take(line)
	}
	return c
}

func (c *copies) take(line []byte) {
	name, value, ok := cutName(line)
	if _, _, bad := scanHeader(line, 0); !ok || bad.found() || len(value) == 0 || len(line) > maxField {
		return
	}
	switch kindOf(name) {
	case kindVia:
		c.via = append(c.via, value)
	case kindFrom:
		c.from = first(c.from, value)
	case kindTo:
		c.to = first(c.to, value)
	case kindCallID:
		c.callID = first(c.callID, value)
	case kindCSeq:
		c.cseq = first(c.cseq, value)
	}
}

func first(old, value []byte) []byte {
	if old != nil {
		return old
	}
	return value
}

// markRawVia does for the first value of a raw Via what markVia does for a parsed one.
func markRawVia(value []byte, source netip.AddrPort) []byte {
	one, rest := cutValue(value)
	out := bytes.Clone(one)
	if i := bytes.Index(out, []byte(";rport")); i >= 0 {
		if end := i + len(";rport"); end == len(out) || out[end] == ';' {
			port := "=" + strconv.Itoa(int(source.Port()))
			out = append(out[:end:end], append([]byte(port), out[end:]...)...)
		}
	}
	if !bytes.Contains(bytes.ToLower(out), []byte("received")) {
		out = append(out, ";received="+received(source)...)
	}
	if rest != nil {
		out = append(append(out, ", "...), trimSpace(rest)...)
	}
	return out
}
