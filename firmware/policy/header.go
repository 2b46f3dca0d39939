package policy

import (
	"fmt"
	"slices"
	"strings"
)

// HeaderRule changes one header field of requests, or of responses to them: those that the box sends to a peer, or those
// that it gets from it, before anything in them is judged. Rules act in their order.
type HeaderRule struct {
	Direction Direction    `yaml:"direction"`
	Requests  []string     `yaml:"requests"`  // methods; default INVITE, but none where there are responses
	Responses []string     `yaml:"responses"` // to these methods
	Action    HeaderAction `yaml:"action"`
	Name      string       `yaml:"name"`
	Value     string       `yaml:"value"` // with add and set
}

// Direction says which way the requests of a header rule go.
type Direction string

// The directions, as seen from the box.
const (
	DirectionTo   Direction = "to"
	DirectionFrom Direction = "from"
)

// HeaderAction is what a header rule does.
type HeaderAction string

// The actions: one field more, one field instead of all of that name, none of that name.
const (
	HeaderAdd    HeaderAction = "add"
	HeaderSet    HeaderAction = "set"
	HeaderRemove HeaderAction = "remove"
)

// String prints the rule on one line.
func (r HeaderRule) String() string {
	messages := slices.Clone(r.Requests)
	for _, m := range r.Responses {
		messages = append(messages, "responses to "+m)
	}
	s := fmt.Sprintf("%s %s %s %s", r.Direction, strings.Join(messages, " "), r.Action, r.Name)
	if r.Value != "" {
		s += ": " + r.Value
	}
	return s
}

// Bounds of header rules.
const (
	maxHeaderRules = 32
	maxHeaderValue = 256
)

// headerMethods are the requests that cross the border.
var headerMethods = []string{"INVITE", "BYE", "CANCEL", "INFO", "MESSAGE", "SUBSCRIBE", "NOTIFY"}

// answeredMethods are the requests whose responses bring more across the border than their status.
var answeredMethods = []string{"INVITE"}

// begin sets the fixed default of a rule, before it is read.
func (r *HeaderRule) begin(keys []string) {
	if !slices.Contains(keys, "responses") {
		r.Requests = []string{"INVITE"}
	}
}

// dialogHeaders carry the dialog, the transaction, the session or the body: the box writes them, and a call would not
// survive that somebody else did. Fields that begin with Content- and Proxy-Auth count too.
var dialogHeaders = []string{
	"Accept", "Accept-Encoding", "Allow", "Allow-Events", "Authentication-Info", "Authorization", "Call-ID", "Contact", "CSeq", "Event",
	"Expires", "From", "Join", "Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE", "Path", "Proxy-Require", "RAck", "Record-Route",
	"Refer-To", "Replaces", "Require", "Retry-After", "Route", "RSeq", "Service-Route", "Session-Expires", "Subscription-State", "Supported",
	"To", "Unsupported", "Via", "WWW-Authenticate",
}

// identityHeaders say who calls. What leaves of them follows from the numbers that a trunk owns.
var identityHeaders = []string{
	"P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion", "History-Info", "Identity", "Privacy",
}

// crossing are the fields that the box reads in a request of this method and passes on, besides the dialog's: a rule that
// takes from another field would change nothing.
func crossing(method string) []string {
	switch method {
	case "INVITE":
		return []string{"Alert-Info", "Call-Info", "P-Early-Media", "User-to-User", "Privacy", "Diversion", "History-Info", "P-Asserted-Identity", "P-Preferred-Identity", "Identity"}
	case "BYE":
		return []string{"Reason", "User-to-User"}
	case "CANCEL":
		return []string{"Reason"}
	case "MESSAGE", "SUBSCRIBE", "NOTIFY":
		return []string{"Privacy"}
	}
	return nil
}

// crossingBack are the fields that the box reads in a response to an INVITE and passes on.
var crossingBack = []string{"Alert-Info", "Call-Info", "P-Early-Media", "User-to-User", "Reason"}

// headerName is a name as RFC 3261 §25.1 writes it, without the signs that nobody uses.
var headerName = patternOf(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// headerRules checks the rules of one peer.
func (c *checker) headerRules(path string, list []HeaderRule) {
	path += ".headers"
	if !c.atMost(path, len(list), maxHeaderRules) {
		return
	}
	for i, r := range list {
		at := index(path, i)
		known := one(c, at+".direction", r.Direction, DirectionTo, DirectionFrom)
		known = one(c, at+".action", r.Action, HeaderAdd, HeaderSet, HeaderRemove) && known
		if len(r.Responses) == 0 || len(r.Requests) > 0 {
			c.headerMethods(at+".requests", r.Requests, headerMethods)
		}
		if len(r.Responses) > 0 {
			c.headerMethods(at+".responses", r.Responses, answeredMethods)
		}
		if known && c.headerName(at+".name", r.Name) {
			c.headerEffect(at+".name", r)
		}
		if known {
			c.headerValue(at+".value", r)
		}
	}
}

func (c *checker) headerMethods(path string, list, accepted []string) {
	if !c.required(path, len(list) > 0, "name the requests, such as INVITE") || !c.atMost(path, len(list), 16) {
		return
	}
	for i, m := range list {
		if one(c, index(path, i), m, accepted...) && slices.Contains(list[:i], m) {
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", m)
		}
	}
}

// headerName checks that a rule names a field that it may touch.
func (c *checker) headerName(path, name string) bool {
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return c.required(path, false, "write the name of the header field, such as X-Customer")
	case !headerName.matches(name):
		c.fault(path, "use letters, digits and dashes", "%s is not the name of a header field", quoted(name))
	case len(name) == 1:
		c.fault(path, "write the whole name", "%s is the short form of a name", name)
	case among(dialogHeaders, name), strings.HasPrefix(lower, "content-"), strings.HasPrefix(lower, "proxy-auth"):
		c.fault(path, "remove the rule", "%s carries the call itself, and only the box writes it", name)
	default:
		return true
	}
	return false
}

// headerEffect refuses rules that would show somebody else's number, and those that would change nothing.
func (c *checker) headerEffect(path string, r HeaderRule) {
	if r.Direction == DirectionTo && r.Action != HeaderRemove {
		if among(identityHeaders, r.Name) {
			c.fault(path, "list the numbers that may be shown in the trunk's accounts", "%s says who calls, which follows from the numbers that a trunk owns", r.Name)
		}
		return
	}
	for _, m := range r.Requests {
		if fields := crossing(m); slices.Contains(headerMethods, m) && !among(fields, r.Name) {
			c.fault(path, crossingHint(m, fields), "%s of %s is not read and does not pass, so that this has no effect", r.Name, m)
			return
		}
	}
	if len(r.Responses) > 0 && !among(crossingBack, r.Name) {
		c.fault(path, crossingHint("a response", crossingBack), "%s of a response is not read and does not pass, so that this has no effect", r.Name)
	}
}

func crossingHint(method string, fields []string) string {
	if len(fields) == 0 {
		return "leave out " + method
	}
	return "the fields of " + method + " that pass are " + strings.Join(fields, ", ")
}

func (c *checker) headerValue(path string, r HeaderRule) {
	switch {
	case r.Action == HeaderRemove && r.Value != "":
		c.fault(path, "remove it, or write action: set", "has no effect with action: remove")
	case r.Action != HeaderRemove && strings.TrimSpace(r.Value) == "":
		c.required(path, false, "write the value of the header field")
	case len(r.Value) > maxHeaderValue:
		c.fault(path, "", "has %d bytes where %d are the most", len(r.Value), maxHeaderValue)
	case r.Value != strings.TrimSpace(r.Value) || strings.ContainsFunc(r.Value, func(c rune) bool { return c < ' ' || c == 0x7f }):
		c.fault(path, "write it on one line, without blanks at its ends", "holds a tab, a line end or a blank at its end")
	}
}

// among tells whether a header field's name is in a list, whatever its capital letters.
func among(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}
