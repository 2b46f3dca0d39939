package header

import (
	"slices"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Rewrite applies those rules that are for the request's method and direction, in their order, and returns the request:
// the same one when none is, else a copy, since somebody may read the original at the same time.
func Rewrite(req *sip.Request, rules []policy.HeaderRule, d policy.Direction) *sip.Request {
	copied := false
	for _, r := range rules {
		if r.Direction != d || !slices.Contains(r.Requests, string(req.Method)) {
			continue
		}
		if !copied {
			req, copied = req.Clone(), true
		}
		if r.Action != policy.HeaderAdd {
			remove(req, r.Name)
		}
		if r.Action != policy.HeaderRemove {
			req.AppendHeader(sip.NewHeader(r.Name, r.Value))
		}
	}
	return req
}

// RewriteFields does the same with the fields of a request of this method that the box sends and has not made yet.
func RewriteFields(method sip.RequestMethod, fields []sip.Header, rules []policy.HeaderRule) []sip.Header {
	for _, r := range rules {
		if r.Direction != policy.DirectionTo || !slices.Contains(r.Requests, string(method)) {
			continue
		}
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
func remove(req *sip.Request, name string) {
	var spellings []string
	for _, h := range req.Headers() {
		if named(h, name) {
			spellings = append(spellings, h.Name())
		}
	}
	for _, s := range spellings {
		req.RemoveHeader(s)
	}
}
