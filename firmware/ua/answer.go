package ua

import (
	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
)

// answerTo begins the response to a request whose To has its tag, with what RFC 3261 §8.2.6.2 has it copy. The library's own
// looks for each name in all header fields, and makes a string of every name that it passes.
func answerTo(req *sip.Request, status int, reason string) *sip.Response {
	res := sip.NewResponse(status, reason)
	res.SipVersion = req.SipVersion
	record := status > 100 && status < 300 && req.Method != sip.REGISTER // RFC 3261 §20, table 3
	for _, h := range req.Headers() {
		if field.Is(h, "Via") || record && field.Is(h, "Record-Route") || status == 100 && field.Is(h, "Timestamp") {
			res.AppendHeader(sip.HeaderClone(h))
		}
	}
	for _, h := range []sip.Header{req.From(), req.To(), req.CallID(), req.CSeq()} {
		res.AppendHeader(sip.HeaderClone(h))
	}
	res.SetTransport(req.Transport())
	res.SetDestination(req.Source())
	return res
}
