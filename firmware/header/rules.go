package header

import (
	"slices"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Rewrite applies those rules that are for the request's method and direction, in their order, and returns the request:
// the same one when none is, else a copy, since somebody may read the original at the same time.
func Rewrite(req *sip.Request, rules []policy.HeaderRule, d policy.Direction) *sip.Request {
	act := acting(rules, d, func(r policy.HeaderRule) bool { return slices.Contains(r.Requests, string(req.Method)) })
	if len(act) == 0 {
		return req
	}
	req = req.Clone()
	rewrite(req, act)
	return req
}

// RewriteResponse does the same with a response of a peer's to a request of this method.
func RewriteResponse(method sip.RequestMethod, res *sip.Response, rules []policy.HeaderRule) *sip.Response {
	act := acting(rules, policy.DirectionFrom, func(r policy.HeaderRule) bool { return slices.Contains(r.Responses, string(method)) })
	if len(act) == 0 {
		return res
	}
	res = res.Clone()
	rewrite(res, act)
	return res
}

// RewriteFields does the same with the fields of a request of this method that the box sends and has not made yet.
func RewriteFields(method sip.RequestMethod, fields []sip.Header, rules []policy.HeaderRule) []sip.Header {
	return rewriteFields(fields, acting(rules, policy.DirectionTo, func(r policy.HeaderRule) bool { return slices.Contains(r.Requests, string(method)) }))
}

// RewriteReply does the same with the fields of a response of the box's to a request of this method.
func RewriteReply(method sip.RequestMethod, fields []sip.Header, rules []policy.HeaderRule) []sip.Header {
	return rewriteFields(fields, acting(rules, policy.DirectionTo, func(r policy.HeaderRule) bool { return slices.Contains(r.Responses, string(method)) }))
}

// acting are the rules of a direction that are for a message.
func acting(rules []policy.HeaderRule, d policy.Direction, meant func(policy.HeaderRule) bool) (list []policy.HeaderRule) {
	for _, r := range rules {
		if r.Direction == d && meant(r) {
			list = append(list, r)
		}
	}
	return list
}

// changeable is a request or response that can be rewritten.
type changeable interface {
	Message
	AppendHeader(sip.Header)
	RemoveHeader(name string) bool
}

func rewrite(m changeable, rules []policy.HeaderRule) {
	for _, r := range rules {
		if r.Action != policy.HeaderAdd {
			remove(m, r.Name)
		}
		if r.Action != policy.HeaderRemove {
			m.AppendHeader(sip.NewHeader(r.Name, r.Value))
		}
	}
}

func rewriteFields(fields []sip.Header, rules []policy.HeaderRule) []sip.Header {
	if len(rules) == 0 {
		return fields
	}
	fields = slices.Clone(fields)
	for _, r := range rules {
		if r.Action != policy.HeaderAdd {
			fields = slices.DeleteFunc(fields, func(h sip.Header) bool { return named(h, r.Name) })
		}
		if r.Action != policy.HeaderRemove {
			fields = append(fields, sip.NewHeader(r.Name, r.Value))
		}
	}
	return fields
}

// remove takes every field of that name off, in any case.
func remove(m changeable, name string) {
	var spellings []string
	for _, h := range m.Headers() {
		if named(h, name) {
			spellings = append(spellings, h.Name())
		}
	}
	for _, s := range spellings {
		m.RemoveHeader(s)
	}
}
