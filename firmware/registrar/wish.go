package registrar

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

// maxContacts bounds the Contacts of one REGISTER. Systems with several addresses or transports send a handful.
const maxContacts = 16

// wish is what a REGISTER asks for. Without contacts it asks what is registered.
type wish struct {
	contacts []contact
	all      bool // "*": remove everything
}

type contact struct {
	uri     sip.Uri
	q       float64       // preference among several, 0 to 1
	expires time.Duration // 0: remove
}

// readWish reads Contact and Expires of a REGISTER.
func readWish(in *ua.Incoming) (wish, error) {
	common, given := expiresHeader(in)
	values, all, err := ua.Bindings(in, maxContacts, given && common == 0)
	if err != nil {
		return wish{}, err
	}
	w := wish{all: all}
	for _, v := range values {
		c, err := readContact(v, common)
		if err != nil {
			return wish{}, err
		}
		w.contacts = append(w.contacts, c)
	}
	return w, nil
}

func readContact(value string, common time.Duration) (contact, error) {
	c := contact{q: 1, expires: common}
	params := sip.NewParams()
	if _, err := sip.ParseAddressValue(value, &c.uri, &params); err != nil {
		return c, errors.New("a Contact cannot be read")
	}
	if (c.uri.Scheme != "sip" && c.uri.Scheme != "sips") || c.uri.Host == "" {
		return c, errors.New("a Contact is no SIP URI")
	}
	for _, p := range params {
		switch strings.ToLower(p.K) {
		case "expires":
			c.expires = lifetime(p.V)
		case "q":
			if q, err := strconv.ParseFloat(p.V, 64); err == nil && q >= 0 && q <= 1 {
				c.q = q
			}
		}
	}
	return c, nil
}

// expiresHeader is the lifetime for Contacts that name none of their own, and whether the PBX gave it.
func expiresHeader(in *ua.Incoming) (time.Duration, bool) {
	h := field.All(in, "Expires")
	if len(h) == 0 {
		return Longest, false
	}
	return lifetime(h[0].Value()), true
}

// lifetime reads delta-seconds. What is malformed counts as an hour (RFC 3261 §10.2.1.1 and §20.10).
func lifetime(s string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return time.Hour
	}
	return time.Duration(n) * time.Second
}

// tooBrief tells whether a lifetime is asked for that is shorter than granted.
func (w wish) tooBrief() bool {
	for _, c := range w.contacts {
		if c.expires > 0 && c.expires < Shortest {
			return true
		}
	}
	return false
}

// best is the Contact that the PBX prefers, the first of several alike; false when it names none to stay.
func (w wish) best() (best contact, found bool) {
	for _, c := range w.contacts {
		if c.expires > 0 && (!found || c.q > best.q) {
			best, found = c, true
		}
	}
	return best, found
}

// removes tells whether the binding with this Contact is to go. What a URI's parameters say makes no difference: some
// systems leave them out here (RFC 3261 §19.1.4 would have most compared).
func (w wish) removes(uri sip.Uri) bool {
	for _, c := range w.contacts {
		if c.uri.User == uri.User && strings.EqualFold(c.uri.Host, uri.Host) && c.uri.Port == uri.Port {
			return true
		}
	}
	return w.all
}
