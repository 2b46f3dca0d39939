package edge

import (
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
)

// message is a request or a response.
type message interface {
	sip.Message
	field.Message
}

// parse turns a message that has passed the gate into sipgo's form and checks what the gate leaves. err is what the
// parser said, for the log.
func parse(p *sip.Parser, b []byte, s shape) (m sip.Message, f fault, err error) {
	if s.viaOdd {
		b = tidyVia(b, s.header)
	}
	if m, err = guarded(p, b); err != nil {
		return nil, fault{code: faultParser}, err
	}
	switch m := m.(type) {
	case *sip.Request:
		tidyParams(m)
		return m, checkRequest(m), nil
	case *sip.Response:
		tidyParams(m)
		return m, checkResponse(m), nil
	}
	return nil, fault{code: faultParser}, nil
}

// guarded keeps a panic of the parser, which reads what strangers wrote, from ending all calls.
func guarded(p *sip.Parser, b []byte) (m sip.Message, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("the parser panicked: %v", r)
		}
	}()
	return p.ParseSIP(b)
}

// tidyParams brings the parameters that identity rests on into one form: names are case-insensitive (RFC 3261 §7.3.1)
// and blanks may stand around "=" (§25.1), but the parser keeps both.
func tidyParams(m message) {
	if h := m.From(); h != nil {
		tidy(h.Params)
	}
	if h := m.To(); h != nil {
		tidy(h.Params)
	}
	for _, h := range m.Headers() {
		if v, ok := h.(*sip.ViaHeader); ok {
			tidy(v.Params)
		}
	}
	if h := m.CSeq(); h != nil {
		h.MethodName = sip.RequestMethod(strings.TrimSpace(string(h.MethodName)))
	}
}

func tidy(params sip.HeaderParams) {
	for i := range params {
		params[i].K = strings.ToLower(strings.TrimSpace(params[i].K))
		params[i].V = strings.TrimSpace(params[i].V)
	}
}

// checkRequest wants a From tag (RFC 3261 §8.1.1.3; only RFC 2543 did without), a branch that is more than the cookie
// (§8.1.1.7), and a URI with a host, a port that there is and no headers (§19.1.1, table 1).
func checkRequest(req *sip.Request) fault {
	if f := checkCommon(req); f.found() {
		return f
	}
	if tag, _ := req.From().Params.Get("tag"); tag == "" {
		return fault{code: faultTag}
	}
	if branch, _ := req.Via().Params.Get("branch"); strings.EqualFold(branch, sip.RFC3261BranchMagicCookie) {
		return fault{code: faultVia}
	}
	if uri := req.Recipient; len(uri.Headers) > 0 || uri.Port < 0 || uri.Port > 65535 || uri.Host == "" && uri.Raw() == "" {
		return fault{code: faultStartLine}
	}
	return fault{}
}

// checkResponse wants exactly one Via: the box is where every request of its own begins (RFC 3261 §8.1.3.3).
func checkResponse(res *sip.Response) fault {
	if f := checkCommon(res); f.found() {
		return f
	}
	vias := 0
	for _, h := range res.Headers() {
		if field.Is(h, "Via") {
			vias++
		}
	}
	if vias != 1 {
		return fault{code: faultMisrouted}
	}
	return fault{}
}

func checkCommon(m message) fault {
	if m.From() == nil || m.To() == nil || m.CallID() == nil || m.CSeq() == nil {
		return fault{code: faultParser}
	}
	for _, h := range m.Headers() {
		if !field.Is(h, "Via") {
			continue
		}
		v, ok := h.(*sip.ViaHeader)
		if !ok || v.Host == "" || !strings.EqualFold(v.ProtocolName, "SIP") || v.ProtocolVersion != "2.0" || !token([]byte(v.Transport)) {
			return fault{code: faultVia}
		}
	}
	if m.Via() == nil {
		return fault{code: faultVia}
	}
	return fault{}
}
