package ua

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"net"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
)

// Local is how the box calls itself towards a peer: in Via and in Contact.
type Local struct {
	Host      string // an address of the box as the peer sees it
	Port      int    // of the listener there
	Transport string // UDP, TCP or TLS
	Name      string // a name of the box for Contact, where the peer wants one; "": Host
}

// URIHost is Host as a URI writes it: an IPv6 address between brackets (RFC 3261 §25.1).
func (l Local) URIHost() string {
	if strings.Contains(l.Host, ":") {
		return "[" + l.Host + "]"
	}
	return l.Host
}

// Contact is a Contact URI for user at this address.
func (l Local) Contact(user string) string {
	uri := "sip:"
	if user != "" {
		uri += user + "@"
	}
	uri += net.JoinHostPort(cmp.Or(l.Name, l.Host), strconv.Itoa(l.Port))
	if !strings.EqualFold(l.Transport, "udp") {
		uri += ";transport=" + strings.ToLower(l.Transport)
	}
	return uri
}

// MaxForwards is how many hops a request of ours may take (RFC 3261 §8.1.1.6).
const MaxForwards = 70

// Draft is what a request outside any dialog is made from. URIs are without "<" and ">".
type Draft struct {
	Method      sip.RequestMethod
	URI         string
	From, To    string
	FromName    string // display name
	FromTag     string
	CallID      string
	Seq         uint32
	Contact     string
	Local       Local
	MaxForwards int // MaxForwards where no caller has used some up
	Body        []byte
	ContentType string
	Headers     []sip.Header
}

// Request makes the message. The error names the URI that could not be read.
func (d Draft) Request() (*sip.Request, error) {
	var uri sip.Uri
	if err := sip.ParseUri(d.URI, &uri); err != nil {
		return nil, err
	}
	req := sip.NewRequest(d.Method, uri)
	req.AppendHeader(newVia(d.Local))
	req.AppendHeader(sip.NewHeader("Max-Forwards", strconv.Itoa(d.MaxForwards)))
	req.AppendHeader(sip.NewHeader("From", nameAddr(d.FromName, d.From, d.FromTag)))
	req.AppendHeader(sip.NewHeader("To", nameAddr("", d.To, "")))
	name(req, d.CallID, d.Seq)
	if d.Contact != "" {
		req.AppendHeader(sip.NewHeader("Contact", "<"+d.Contact+">"))
	}
	finish(req, d.Local, d.Headers, d.ContentType, d.Body)
	return req, nil
}

// name adds what tells a request from others of its dialog, in the form in which it is looked for later.
func name(req *sip.Request, callID string, seq uint32) {
	id := sip.CallIDHeader(callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: req.Method})
}

// setBody gives a message its body with Content-Length. Without that the library would look through all header fields for one.
func setBody(m sip.Message, body []byte) {
	length := sip.ContentLengthHeader(len(body))
	m.AppendHeader(&length)
	m.SetBody(body)
}

// finish adds what every request of ours ends with.
func finish(req *sip.Request, l Local, headers []sip.Header, contentType string, body []byte) {
	if req.IsInvite() || req.Method == sip.OPTIONS {
		req.AppendHeader(sip.NewHeader("Allow", Allow))
	}
	for _, h := range headers {
		req.AppendHeader(h)
	}
	if len(body) > 0 {
		req.AppendHeader(sip.NewHeader("Content-Type", contentType))
	}
	setBody(req, body)
	req.SetTransport(strings.ToUpper(l.Transport))
}

// newVia has a fresh branch (RFC 3261 §8.1.1.7) and asks for rport (RFC 3581).
func newVia(l Local) *sip.ViaHeader {
	return &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(l.Transport), Host: l.Host, Port: l.Port,
		Params: sip.HeaderParams{{K: "rport"}, {K: "branch", V: sip.RFC3261BranchMagicCookie + token(12)}},
	}
}

// NewTag is a From or To tag of 64 random bits (RFC 3261 §19.3).
func NewTag() string { return token(8) }

// NewCallID is a Call-ID of 128 random bits. It names no host.
func NewCallID() string { return token(16) }

// token is n random bytes in hexadecimal.
func token(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

func nameAddr(name, uri, tag string) string {
	s := "<" + uri + ">"
	if name != "" {
		s = quote(name) + " " + s
	}
	if tag != "" {
		s += ";tag=" + tag
	}
	return s
}

// quote makes a quoted-string (RFC 3261 §25.1). Control characters are left out.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r < ' ' || r == 0x7f:
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// settleHeaders has sipgo read the headers that it reads on demand and that several goroutines look at later. Nobody reads the
// others of a request of ours.
func settleHeaders(req *sip.Request) {
	req.Via()
	req.CallID()
	req.CSeq()
}

// cancelFor makes the CANCEL of an INVITE: same branch, same CSeq number (RFC 3261 §9.1).
func cancelFor(invite *sip.Request) *sip.Request {
	req := sip.NewRequest(sip.CANCEL, invite.Recipient)
	req.AppendHeader(invite.Via().Clone())
	copyHop(invite, req)
	copyField("To", invite, req)
	req.SetBody(nil)
	req.SetTransport(invite.Transport())
	return req
}

// copyField copies the one field of a name, as it is written.
func copyField(name string, from, to *sip.Request) {
	for _, h := range from.Headers() {
		if field.Is(h, name) {
			to.AppendHeader(sip.HeaderClone(h))
			return
		}
	}
}

// ackForFailure makes the ACK that belongs to the INVITE's own transaction (RFC 3261 §17.1.1.3).
func ackForFailure(invite *sip.Request, res *sip.Response) *sip.Request {
	req := sip.NewRequest(sip.ACK, invite.Recipient)
	req.AppendHeader(invite.Via().Clone())
	copyHop(invite, req)
	req.AppendHeader(sip.HeaderClone(res.To()))
	req.SetBody(nil)
	req.SetTransport(invite.Transport())
	return req
}

// copyHop copies what a CANCEL or ACK of the same transaction shares with its INVITE, To excepted.
func copyHop(invite, req *sip.Request) {
	sip.CopyHeaders("Route", invite, req)
	req.AppendHeader(sip.NewHeader("Max-Forwards", "70"))
	copyField("From", invite, req)
	name(req, invite.CallID().Value(), invite.CSeq().SeqNo)
}
