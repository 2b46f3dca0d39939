package nat

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
)

// Altered is what has changed in a request of ours on its way to the carrier. The zero value: nothing.
type Altered struct {
	// What says each change in words, such as "Via 192.0.2.10:5060 -> 203.0.113.5:1024".
	What []string
	// Sure tells that it cannot have been the carrier: no server may change what is ours in Via, From, To or Call-ID
	// (RFC 3261 §16.6, §16.11). A Contact may have been changed by a registrar that helps customers behind routers.
	Sure bool
}

// Found tells whether anything has changed.
func (a Altered) Found() bool { return len(a.What) > 0 }

// String tells the administrator what is wrong and what helps; "" when nothing is.
func (a Altered) String() string {
	const remedy = `switch off "SIP ALG" in the router, or use transport: tls.`
	switch what := strings.Join(a.What, ", "); {
	case !a.Found():
		return ""
	case a.Sure:
		return "The router changes SIP messages (SIP ALG): " + what + ". To be safe from cut and silent calls, " + remedy
	default:
		return "The carrier knows another contact than the box sent: " + what +
			". Either it has put its own in place, or the router changes SIP messages (SIP ALG). If calls from it do not arrive, " + remedy
	}
}

// Judge is what has been altered, for a box whose own address is own. A carrier across the internet that names the box's
// private address has not seen it: the router has put it into the response, and hides behind that what it does to requests.
func (e Echo) Judge(own, carrier netip.Addr) Altered {
	a := e.Altered
	if e.Source.Addr() == own && Private(own) && !Private(carrier) {
		a.What = append(slices.Clone(a.What), fmt.Sprintf("received %s, which nobody at %s can see", own, carrier))
		a.Sure = true
	}
	return a
}

// compare looks for changes between a request and what its response repeats.
func compare(req *sip.Request, res *sip.Response) (a Altered) {
	note := func(what, sent, came string) {
		if sent != came {
			a.What = append(a.What, fmt.Sprintf("%s %s -> %s", what, sent, came))
			a.Sure = true
		}
	}
	if sent, came := req.Via(), res.Via(); sent != nil && came != nil {
		note("Via", sent.SentBy(), came.SentBy())
	}
	if sent, came := req.From(), res.From(); sent != nil && came != nil {
		note("From", sent.Address.String(), came.Address.String())
	}
	if sent, came := req.To(), res.To(); sent != nil && came != nil {
		note("To", sent.Address.String(), came.Address.String())
	}
	if sent, came := req.CallID(), res.CallID(); sent != nil && came != nil {
		note("Call-ID", sent.Value(), came.Value())
	}
	if req.Method == sip.REGISTER && res.IsSuccess() {
		a.contact(req, res)
	}
	return a
}

// contact looks for the contact that was registered among those that the registrar has. Other devices may have
// registered the same user: only when ours is not there, and one contact alone is, was it changed.
func (a *Altered) contact(req *sip.Request, res *sip.Response) {
	h := req.Contact()
	if h == nil || h.Address.User == "" {
		return
	}
	sent := hostPort(h.Address)
	var there []string
	for _, other := range field.All(res, "Contact") {
		for _, uri := range contacts(other.Value()) {
			if uri.User == h.Address.User {
				there = append(there, hostPort(uri))
			}
		}
	}
	if len(there) == 1 && !slices.Contains(there, sent) {
		a.What = append(a.What, fmt.Sprintf("Contact %s -> %s", sent, there[0]))
	}
}

// contacts reads the URIs of a Contact header field, which may hold several.
func contacts(value string) []sip.Uri {
	var list []sip.Uri
	for _, part := range strings.Split(value, ",") {
		start, end := strings.IndexByte(part, '<'), strings.IndexByte(part, '>')
		if start >= 0 && end > start {
			part = part[start+1 : end]
		} else {
			part, _, _ = strings.Cut(part, ";")
		}
		var uri sip.Uri
		if sip.ParseUri(strings.TrimSpace(part), &uri) == nil {
			list = append(list, uri)
		}
	}
	return list
}

func hostPort(uri sip.Uri) string {
	if uri.Port > 0 {
		return fmt.Sprintf("%s:%d", uri.Host, uri.Port)
	}
	return uri.Host
}
