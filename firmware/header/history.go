package header

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxHistory is one more than the diversions: the last entry is whom the call is for now.
const maxHistory = maxDiversions + 1

// Stop is one whom a call was for on its way (RFC 7044), in order.
type Stop struct {
	User   string // a user part, or a tel URI
	Cause  int    // why the call came here from the stop before (RFC 4458 §2); 0: it does not say
	Hidden bool   // it wants to stay unknown (RFC 7044 §10.1.2)
}

// Histories reads the History-Info fields of a message.
func Histories(m Message) []Stop {
	var list []Stop
	for _, e := range entries(Values(m, "History-Info"), maxHistory) {
		if u, ok := user(e.word); ok && e.uri {
			s := Stop{User: u, Hidden: strings.Contains(strings.ToLower(embedded(e.word, "Privacy")), "history")}
			if c, ok := number(uriParam(e.word, "cause"), 699); ok && slices.Contains(historyCauses(), c) {
				s.Cause = c
			}
			list = append(list, s)
		}
	}
	return list
}

// historyCauses are those of RFC 4458 §2.1.
func historyCauses() []int { return []int{302, 404, 408, 480, 486, 487, 503} }

// embedded is a header within a URI.
func embedded(uri, name string) string {
	_, headers, _ := strings.Cut(uri, "?")
	for _, h := range strings.Split(headers, "&") {
		if n, v, _ := strings.Cut(h, "="); strings.EqualFold(n, name) {
			plain, err := url.PathUnescape(v)
			if err != nil {
				return ""
			}
			return plain
		}
	}
	return ""
}

// WriteHistory writes stops under the URIs by which they may be known, each reached from the one before it. There are as
// many URIs as stops.
func WriteHistory(stops []Stop, uris []string) string {
	var b strings.Builder
	index := ""
	for i, s := range stops {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("<" + uris[i])
		if s.Cause > 0 {
			b.WriteString(";cause=" + strconv.Itoa(s.Cause))
		}
		b.WriteString(">;index=")
		if i == 0 {
			index = "1"
			b.WriteString(index)
			continue
		}
		b.WriteString(index + ".1;mp=" + index)
		index += ".1"
	}
	return b.String()
}
