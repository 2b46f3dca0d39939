package access

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// choose finds the trunk a request is for when several share its source address: the one that owns the user or number in
// the Request-URI, then in To; then the one whose domain the request names; else the first.
func (p *peers) choose(stations []*station, req *sip.Request) *station {
	if len(stations) == 1 {
		return stations[0]
	}
	called := []string{userOf(&req.Recipient)}
	hosts := []string{req.Recipient.Host}
	if to := req.To(); to != nil {
		called = append(called, userOf(&to.Address))
		hosts = append(hosts, to.Address.Host)
	}
	if from := req.From(); from != nil {
		hosts = append(hosts, from.Address.Host)
	}
	for _, user := range called {
		for _, st := range stations {
			if p.owns(st.line, user) {
				return st
			}
		}
	}
	for _, st := range stations {
		if slices.ContainsFunc(hosts, func(host string) bool { return host != "" && strings.EqualFold(host, st.line.domain) }) {
			return st
		}
	}
	return stations[0]
}

// owns tells whether user is one of the trunk's accounts or numbers.
func (p *peers) owns(l line, user string) bool {
	if user == "" {
		return false
	}
	number := user
	if p.plan != nil {
		if n, err := p.plan.ReadFrom(user, string(l.format)); err == nil {
			number = n.E164
		}
	}
	return slices.Contains(l.users, user) || slices.Contains(l.numbers, number)
}

// userOf returns the user part of a SIP URI, all of a tel URI but its scheme, or all of a URN.
func userOf(uri *sip.Uri) string {
	switch uri.Scheme {
	case "tel":
		return uri.Raw()
	case "urn":
		return "urn:" + uri.Raw()
	}
	return uri.User
}
