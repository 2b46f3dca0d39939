package registrar

import (
	"math"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// The rules that event.SourceRefused names.
const (
	ruleWrongAOR  = "wrong address of record"
	ruleMalformed = "malformed registration"
	ruleExtension = "unknown extension"
)

// Handle answers a REGISTER that access has let through.
func (r *Registrar) Handle(in *ua.Incoming) {
	no, fault := r.register(in)
	if fault != nil {
		r.refused(in, no.Status, *fault)
	}
	in.Refuse(no)
}

// fault is why a REGISTER is refused, for the administrator.
type fault struct{ rule, reason string }

// register does what RFC 3261 §10.3 says, step by step, and returns the answer.
func (r *Registrar) register(in *ua.Incoming) (ua.Reply, *fault) {
	if list := unsupported(in); len(list) > 0 { // step 2
		return ua.Reply{Status: 420, Headers: []sip.Header{sip.NewHeader("Unsupported", strings.Join(list, ", "))}},
			&fault{ruleExtension, "the PBX's registration requires what the box does not speak: " + strings.Join(list, ", ")}
	}
	w, err := readWish(in)
	if err != nil {
		return ua.Reply{Status: 400}, &fault{ruleMalformed, "the PBX's registration cannot be read: " + err.Error()}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if user := userOf(in.To().Address); user != r.line.user || user == "" { // steps 4 and 5
		return ua.Reply{Status: 403}, &fault{ruleWrongAOR, "the PBX registers as " + strconv.Quote(event.Printable(user)) + ", which is not pbx.user"}
	}
	if len(w.contacts) > 0 || w.all {
		if no, ok := r.update(in, w); !ok {
			return no, nil
		}
	}
	return ua.Reply{Status: 200, Headers: r.listed()}, nil
}

// update changes the binding as wished, or says why not (step 6 and 7). r.mu is held.
func (r *Registrar) update(in *ua.Incoming, w wish) (ua.Reply, bool) {
	if w.tooBrief() {
		// Step 7: "Interval Too Brief" with what would do.
		seconds := strconv.Itoa(int(Shortest.Seconds()))
		return ua.Reply{Status: 423, Reason: "Interval Too Brief", Headers: []sip.Header{sip.NewHeader("Min-Expires", seconds)}}, false
	}
	callID, seq := in.CallID().Value(), in.CSeq().SeqNo
	if b := r.bound; b != nil && b.callID == callID && seq <= b.seq {
		return ua.Reply{Status: 500, Reason: "Registration Out Of Order"}, false
	}
	best, found := w.best()
	if !found {
		if r.bound != nil && w.removes(r.bound.Contact) {
			r.away("the PBX has taken its registration back")
		}
		return ua.Reply{}, true
	}
	source, err := netip.ParseAddrPort(in.Source())
	if err != nil {
		return ua.Reply{Status: 500}, false
	}
	b := &binding{callID: callID, seq: seq, Binding: Binding{
		Contact: best.uri, Transport: policy.Transport(strings.ToLower(in.Transport())), Source: source,
	}}
	if b.Transport.Stream() {
		b.conn = in.Conn
	}
	r.bind(b, min(best.expires, Longest))
	return ua.Reply{}, true
}

// listed is the binding as the answer shows it (step 8). r.mu is held.
func (r *Registrar) listed() []sip.Header {
	if r.bound == nil {
		return nil
	}
	left := int(math.Ceil(time.Until(r.bound.Expires).Seconds()))
	return []sip.Header{sip.NewHeader("Contact", "<"+r.bound.Contact.String()+">;expires="+strconv.Itoa(max(left, 1)))}
}

// refused tells that a PBX with the right secret was turned away, which is a matter of its settings.
func (r *Registrar) refused(in *ua.Incoming, status int, f fault) {
	source, _ := netip.ParseAddrPort(in.Source())
	r.o.Sink.Tell(event.SourceRefused{
		At: time.Now(), Side: string(in.Peer.Side), Transport: strings.ToLower(in.Transport()), Source: source,
		Method: string(in.Method), Status: status, Rule: f.rule, Reason: f.reason, Count: 1,
	})
}

// unsupported lists the extensions that the PBX requires and the box lacks. With "gin" the PBX registers all of its
// numbers at once (RFC 6140), which is what any registration here does.
func unsupported(in *ua.Incoming) (list []string) {
	for _, tag := range ua.Values(field.All(in, "Require")) {
		if !strings.EqualFold(tag, "gin") {
			list = append(list, event.Printable(tag))
		}
	}
	return list
}

// userOf is the user part of an address of record, unescaped (RFC 3261 §10.3 step 5).
func userOf(u sip.Uri) string {
	user, err := url.PathUnescape(u.User)
	if err != nil || (u.Scheme != "sip" && u.Scheme != "sips") {
		return ""
	}
	return user
}
