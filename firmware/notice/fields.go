package notice

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/eventbody"
	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

// How long a subscription may be asked for. Shorter ones get 423; of longer ones this much is granted.
const (
	shortest = time.Minute
	longest  = time.Hour
)

// readEvent reads the one Event header field: package and id (RFC 6665 §8.2.1); false when there is not exactly one.
func readEvent(m field.Message) (name, id string, ok bool) {
	h := append(field.All(m, "Event"), field.All(m, "o")...)
	if len(h) != 1 {
		return "", "", false
	}
	name, params, _ := strings.Cut(h[0].Value(), ";")
	return strings.TrimSpace(name), param(params, "id"), true
}

// param is the value of a parameter; "" when it is missing or no token.
func param(params, name string) string {
	for _, p := range strings.Split(params, ";") {
		n, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if value = strings.TrimSpace(value); strings.EqualFold(strings.TrimSpace(n), name) && isToken(value) {
			return value
		}
	}
	return ""
}

// isToken tells whether text is a token (RFC 3261 §25.1) of a length that somebody would use.
func isToken(text string) bool {
	const marks = "-.!%*_+`'~"
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(marks, r)
	}
	return text != "" && len(text) <= 128 && strings.IndexFunc(text, bad) < 0
}

// badEvent refuses a package that does not pass (RFC 6665 §4.1.2.1).
func badEvent(name string) *refusal {
	return &refusal{status: 489, rule: "sip", reason: "the event package " + event.Printable(name) + " does not pass",
		headers: []sip.Header{sip.NewHeader("Allow-Events", strings.Join(eventbody.Packages(), ", "))}}
}

// readExpires reads for how long a subscription is asked; an hour when nothing is said. A zero fetches or ends.
func readExpires(in *ua.Incoming) (time.Duration, *refusal) {
	h := field.All(in, "Expires")
	if len(h) == 0 {
		return longest, nil
	}
	n, ok := readSeconds(h[0].Value())
	switch {
	case !ok:
		return 0, &refusal{status: 400, rule: "sip", reason: "its Expires is no number"}
	case n > 0 && n < shortest:
		return 0, &refusal{status: 423, rule: "sip", reason: "a subscription for less than a minute", headers: []sip.Header{sip.NewHeader("Min-Expires", seconds(shortest))}}
	}
	return min(n, longest), nil
}

func readSeconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	return time.Duration(n) * time.Second, err == nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// standing is what a Subscription-State header field says (RFC 6665 §8.2.3).
type standing struct {
	state      string        // active, pending or terminated
	expires    time.Duration // 0: not told
	reason     string        // why it is terminated; "" when not told or not known
	retryAfter time.Duration // 0: not told
}

const terminated = "terminated"

// readStanding reads how a subscription stands; false when that is not told.
func readStanding(in *ua.Incoming) (standing, bool) {
	h := field.All(in, "Subscription-State")
	if len(h) != 1 {
		return standing{}, false
	}
	state, params, _ := strings.Cut(h[0].Value(), ";")
	s := standing{state: strings.ToLower(strings.TrimSpace(state))}
	if s.state != "pending" && s.state != terminated {
		s.state = "active" // an extension that is not known means no less (RFC 6665 §4.1.3)
	}
	s.expires, _ = readSeconds(param(params, "expires"))
	s.retryAfter, _ = readSeconds(param(params, "retry-after"))
	reasons := []string{"deactivated", "probation", "rejected", "timeout", "giveup", "noresource", "invariant"}
	if r := strings.ToLower(param(params, "reason")); slices.Contains(reasons, r) {
		s.reason = r
	}
	return s, true
}

// header writes the state for the other side.
func (s standing) header() sip.Header {
	text := s.state
	if s.state != terminated && s.expires > 0 {
		text += ";expires=" + seconds(s.expires)
	}
	if s.state == terminated && s.reason != "" {
		text += ";reason=" + s.reason
	}
	if s.state == terminated && s.retryAfter > 0 {
		text += ";retry-after=" + seconds(s.retryAfter)
	}
	return sip.NewHeader("Subscription-State", text)
}

// accepts tells whether the sender takes bodies of this type (RFC 3261 §20.1).
func accepts(in *ua.Incoming, kind string) bool {
	h := field.All(in, "Accept")
	if len(h) == 0 {
		return true
	}
	group, _, _ := strings.Cut(kind, "/")
	return slices.ContainsFunc(ua.Values(h), func(v string) bool {
		k, _ := mediaType(v)
		return k == kind || k == "*/*" || k == group+"/*"
	})
}
