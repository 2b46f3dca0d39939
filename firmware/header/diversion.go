package header

import (
	"slices"
	"strconv"
	"strings"
)

// maxDiversions is how often a call may have been sent on; RFC 8946 and the French rules stop at five as well.
const maxDiversions = 5

// Diversion is one place that has sent a call on (RFC 5806).
type Diversion struct {
	User   string // of the one who did: a user part, or a tel URI
	Reason string // one of the words of RFC 5806 §9.1
	Count  int    // how often; 0: it does not say
	Hidden bool   // it wants to stay unknown
}

// Diversions reads the Diversion fields of a message, the last diversion first, as they stand.
func Diversions(m Message) []Diversion {
	var list []Diversion
	for _, e := range entries(Values(m, "Diversion"), maxDiversions) {
		u, ok := user(e.word)
		if !ok {
			continue
		}
		d := Diversion{User: u}
		if r, _ := e.get("reason"); slices.Contains(diversionReasons(), strings.ToLower(r)) {
			d.Reason = strings.ToLower(r)
		}
		count, _ := e.get("counter")
		d.Count, _ = number(count, 99)
		privacy, _ := e.get("privacy")
		d.Hidden = strings.EqualFold(privacy, "full") || strings.EqualFold(privacy, "uri")
		list = append(list, d)
	}
	return list
}

func diversionReasons() []string {
	return []string{"unknown", "user-busy", "no-answer", "unavailable", "unconditional", "time-of-day", "do-not-disturb",
		"deflection", "follow-me", "out-of-service", "away"}
}

// Write writes the diversion with the URI by which it may be known.
func (d Diversion) Write(uri string) string {
	v := "<" + uri + ">;reason=" + d.reason() + ";counter=" + strconv.Itoa(max(d.Count, 1))
	if d.Hidden {
		return v + ";privacy=full"
	}
	return v + ";privacy=off"
}

func (d Diversion) reason() string {
	if d.Reason == "" {
		return "unknown"
	}
	return d.Reason
}
