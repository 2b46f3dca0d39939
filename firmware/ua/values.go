package ua

import (
	"errors"
	"fmt"
	"slices"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
)

// Values returns the values of header fields that may hold several each, separated by commas (RFC 3261 §7.3.1).
func Values(headers []sip.Header) []string {
	var list []string
	for _, h := range headers {
		list = append(list, splitList(h.Value())...)
	}
	return list
}

// Bindings returns the Contact values of a REGISTER, at most so many, and whether it is about all bindings instead: "*"
// stands alone and only removes (RFC 3261 §10.3 step 6). removes tells that Expires is there and 0. The error is for the
// administrator.
func Bindings(in *Incoming, most int, removes bool) (values []string, all bool, err error) {
	values = Values(field.All(in, "Contact"))
	switch {
	case len(values) > most:
		return nil, false, fmt.Errorf("it has %d Contacts where %d are the most", len(values), most)
	case !slices.Contains(values, "*"):
		return values, false, nil
	case len(values) > 1 || !removes:
		return nil, false, errors.New(`its Contact is "*" beside another one or without Expires: 0`)
	}
	return nil, true, nil
}
