package ua

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
)

// Dialog is the state of one dialog (RFC 3261 §12) as plain data: it can be written down and taken up again.
type Dialog struct {
	Local        Local
	CallID       string
	LocalTag     string
	RemoteTag    string
	LocalURI     string
	RemoteURI    string
	LocalName    string   // display name in our From or To
	Contact      string   // our Contact URI
	RemoteTarget string   // the peer's Contact URI
	Route        []string // Route header values in order
	LocalSeq     uint32
	RemoteSeq    uint32 // 0: no request of the peer yet
}

// Begin makes the dialog that the INVITE made from d opens, as far as it is known before the answer (UAC).
func (d Draft) Begin() *Dialog {
	return &Dialog{
		Local: d.Local, CallID: d.CallID, LocalTag: d.FromTag, LocalURI: d.From, RemoteURI: d.To, LocalName: d.FromName,
		Contact: d.Contact, RemoteTarget: d.URI, LocalSeq: d.Seq,
	}
}

// Accept makes the dialog that a received INVITE opens (UAS, RFC 3261 §12.1.1).
func Accept(in *Incoming, l Local, contact string) *Dialog {
	d := &Dialog{
		Local: l, CallID: in.CallID().Value(), LocalTag: in.Tag, Contact: contact,
		LocalURI: in.To().Address.String(), RemoteURI: in.From().Address.String(),
		Route: Values(field.All(in, "Record-Route")), RemoteSeq: in.CSeq().SeqNo,
	}
	d.RemoteTag, _ = in.From().Params.Get("tag")
	d.Retarget(in.Request)
	return d
}

// Established takes the peer's tag, target and route set from a response to our INVITE (UAC, RFC 3261 §12.1.2).
func (d *Dialog) Established(res *sip.Response) {
	d.RemoteTag, _ = res.To().Params.Get("tag")
	routes := Values(field.All(res, "Record-Route"))
	d.Route = make([]string, 0, len(routes))
	for i := len(routes) - 1; i >= 0; i-- {
		d.Route = append(d.Route, routes[i])
	}
	d.Retarget(res)
}

// Joined takes the peer's tag, target and route set from a request of its that comes before its answer to ours, as a NOTIFY
// may (UAC, RFC 6665 §4.4.1).
func (d *Dialog) Joined(req *sip.Request) {
	d.RemoteTag, _ = req.From().Params.Get("tag")
	d.Route = Values(field.All(req, "Record-Route"))
	d.Retarget(req)
}

// Retarget follows a Contact in an INVITE of the peer or its answer (target refresh, RFC 3261 §12.2).
func (d *Dialog) Retarget(m interface{ Contact() *sip.ContactHeader }) {
	if c := m.Contact(); c != nil && !c.Address.Wildcard && c.Address.Host != "" {
		d.RemoteTarget = c.Address.String()
	}
}

// InOrder takes the CSeq of a request of the peer; false when it is older than one before (RFC 3261 §12.2.2).
func (d *Dialog) InOrder(req *sip.Request) bool {
	seq := req.CSeq().SeqNo
	if d.RemoteSeq != 0 && seq < d.RemoteSeq {
		return false
	}
	d.RemoteSeq = seq
	return true
}

// Request makes the next request of ours in the dialog (RFC 3261 §12.2.1.1).
func (d *Dialog) Request(method sip.RequestMethod) *sip.Request {
	return d.RequestWith(method, nil, "")
}

// RequestWith makes the next request with a body.
func (d *Dialog) RequestWith(method sip.RequestMethod, body []byte, contentType string) *sip.Request {
	d.LocalSeq++
	return d.message(method, d.LocalSeq, body, contentType)
}

// Ack makes the ACK for the 2xx of the INVITE with this CSeq (RFC 3261 §13.2.2.4).
func (d *Dialog) Ack(seq uint32, body []byte) *sip.Request {
	return d.message(sip.ACK, seq, body, "application/sdp")
}

func (d *Dialog) message(method sip.RequestMethod, seq uint32, body []byte, contentType string) *sip.Request {
	var uri sip.Uri
	if err := sip.ParseUri(d.RemoteTarget, &uri); err != nil {
		// A target that cannot be read was never taken over; the peer's own URI is what is left.
		_ = sip.ParseUri(d.RemoteURI, &uri)
	}
	req := sip.NewRequest(method, uri)
	req.AppendHeader(newVia(d.Local))
	for _, r := range d.Route {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	req.AppendHeader(sip.NewHeader("Max-Forwards", "70"))
	req.AppendHeader(sip.NewHeader("From", nameAddr(d.LocalName, d.LocalURI, d.LocalTag)))
	req.AppendHeader(sip.NewHeader("To", nameAddr("", d.RemoteURI, d.RemoteTag)))
	name(req, d.CallID, seq)
	if method == sip.INVITE {
		req.AppendHeader(sip.NewHeader("Contact", "<"+d.Contact+">"))
	}
	finish(req, d.Local, nil, contentType, body)
	return req
}

// splitList splits at commas outside quotes and angle brackets.
func splitList(s string) []string {
	var list []string
	start, quoted, angled := 0, false, false
	add := func(end int) {
		if v := strings.TrimSpace(s[start:end]); v != "" {
			list = append(list, v)
		}
		start = end + 1
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angled = true
		case c == '>':
			angled = false
		case c == ',' && !angled:
			add(i)
		}
	}
	add(len(s))
	return list
}
