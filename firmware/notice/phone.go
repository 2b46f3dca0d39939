package notice

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// Telephones that register through the box watch and write by their PBX, which knows its users and judges what they may:
// names pass as they stand, and so does the proof that the PBX asks a phone for.

func remotePBX() policy.Peer {
	return policy.Peer{Side: policy.SideOutside, Name: policy.PeerRemotePBX}
}

// phone is the phone that the request has come from.
func (e *errand) phone() (Party, *refusal) {
	source, err := netip.ParseAddrPort(e.in.Source())
	if err != nil || e.desk.o.Phones == nil {
		return Party{}, &refusal{status: 503, rule: "phones", reason: e.in.Peer.Name + " is not configured any more"}
	}
	p, known := e.desk.o.Phones.From(policy.Transport(strings.ToLower(e.in.Transport())), source, ua.UserOf(e.in.From().Address))
	if _, help := e.helpDialled(); !known && (e.in.Method != sip.MESSAGE || !help) {
		return Party{}, &refusal{status: 403, rule: "not registered", reason: "no phone has registered from " + e.in.Source() + " over " + strings.ToLower(e.in.Transport())}
	}
	p.Peer = e.in.Peer
	return p, nil
}

// helpDialled tells whether a phone writes to an emergency number.
func (e *errand) helpDialled() (numbering.Number, bool) {
	n, err := e.settings.Plan.Read(ua.UserOf(e.in.Recipient), e.settings.PhonesPrefix)
	return n, err == nil && n.Emergency()
}

// upstream leads to the phones' PBX; what is for an emergency number goes to the carriers first, who know where the box is.
func (e *errand) upstream() *refusal {
	targets := []route.Target{{Peer: remotePBX()}}
	if n, help := e.helpDialled(); help && e.in.Method == sip.MESSAGE {
		e.number, e.user = n, ua.UserOf(e.in.Recipient)
		carriers, _ := e.settings.Routes.Outbound(n, time.Now(), rand.IntN)
		return e.lead(append(carriers, targets...))
	}
	if e.user = ua.UserOf(e.in.Recipient); !isName(e.user) {
		return &refusal{status: 484, rule: "sip", reason: event.Printable(e.user) + " is nobody's name"}
	}
	return e.lead(targets)
}

// downstream leads to the phone whose token the PBX has written to.
func (e *errand) downstream() *refusal {
	token := ua.UserOf(e.in.Recipient)
	if e.desk.o.Phones == nil {
		return &refusal{status: 404, rule: "phones", reason: "there are no phones"}
	}
	p, ok := e.desk.o.Phones.At(token)
	if !ok {
		return &refusal{status: 404, rule: "phones", reason: "the phones' PBX writes to " + event.Printable(token) + ", which stands for no phone"}
	}
	e.user, e.ways = p.User, []Party{p}
	return nil
}

// verbatim writes names as they stand, at the host that the reader knows.
func (e *errand) verbatim(d *ua.Draft, to Party) {
	from := e.in.From()
	d.To = "sip:" + e.user + "@" + to.Domain
	if to.Target == "" {
		d.URI = d.To
	}
	d.From, d.FromName = anonymousURI, anonymousName
	if user := ua.UserOf(from.Address); isName(user) && !strings.EqualFold(user, "anonymous") {
		d.From, d.FromName = "sip:"+user+"@"+to.Domain, event.Printable(from.DisplayName)
	}
	if to.Peer != remotePBX() {
		return
	}
	d.Headers = append(d.Headers, ua.Proofs(e.in)...)
	for _, r := range e.from.Route {
		d.Headers = append(d.Headers, sip.NewHeader("Route", r))
	}
}

// asked are the fields by which the phones' PBX asks a phone for proof: they are for nobody else.
func (e *errand) asked(p Party, res *sip.Response) []sip.Header {
	if p.Peer != remotePBX() || !e.in.Peer.Phone() || res.StatusCode != 401 && res.StatusCode != 407 {
		return nil
	}
	return ua.Challenges(res)
}

// isName tells whether text can be the user of a URI as it stands.
func isName(text string) bool {
	return text != "" && text == event.Printable(text) && !strings.ContainsAny(text, " \"<>@;:?,")
}
