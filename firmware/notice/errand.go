package notice

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/header"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// What somebody who stays unknown is called (RFC 3323 §4.1.1.3).
const (
	anonymousURI  = "sip:anonymous@anonymous.invalid"
	anonymousName = "Anonymous"
)

// errand is one request on its way across: whom it is for, who sends it, and where it may be taken.
type errand struct {
	desk     *Desk
	settings Settings
	draining bool
	in       *ua.Incoming

	from     Party            // who handed it in
	number   numbering.Number // whom it is for; zero when it is for an account
	user     string           // of the account
	sender   numbering.Number // zero when withheld or no number
	withheld bool             // the sender wants to stay unknown
	ways     []Party          // where it may be taken, in order
}

// meet finds who handed the request in and refuses what the box cannot do (RFC 3261 §8.2.2.3).
func (e *errand) meet() *refusal {
	if h := field.All(e.in, "Require"); len(h) > 0 {
		return &refusal{status: 420, rule: "sip", reason: "an extension is required", headers: []sip.Header{sip.NewHeader("Unsupported", event.Printable(h[0].Value()))}}
	}
	if _, ok := e.in.MaxForwards(); !ok {
		return &refusal{status: 483, rule: "sip", reason: "the request has passed too many hops; it probably goes round in a loop"}
	}
	party, no := e.party()
	if no != nil {
		return no
	}
	party.Path = ua.Back(e.in, party.Path)
	e.from = party
	e.in.Request = header.Rewrite(e.in.Request, party.Headers, policy.DirectionFrom)
	user := ua.UserOf(e.in.From().Address)
	privacy := header.ReadPrivacy(e.in)
	e.withheld = strings.EqualFold(user, "anonymous") || privacy.Caller
	e.sender, _ = e.settings.Plan.ReadFrom(user, string(party.Format))
	return nil
}

// party is who handed the request in.
func (e *errand) party() (Party, *refusal) {
	if e.in.Peer.Phone() {
		return e.phone()
	}
	p, ok := e.desk.o.Parties.Party(e.in.Peer)
	if !ok {
		return Party{}, &refusal{status: 503, rule: "trunks", reason: e.in.Peer.Name + " is not configured any more"}
	}
	return p, nil
}

// inward finds the number of ours that a carrier means: in the Request-URI, or, when that names the registered account, in
// To; else it is the account's first.
func (e *errand) inward() *refusal {
	trunk, user := e.in.Peer.Name, ua.UserOf(e.in.Recipient)
	candidates := []string{user}
	if account, ok := e.settings.Routes.AccountOf(trunk, user); ok {
		candidates = append(append(candidates, ua.UserOf(e.in.To().Address)), account.Numbers...)
	}
	for _, c := range candidates {
		n, ok := e.read(c)
		if !ok {
			continue
		}
		if t, ours := e.settings.Routes.Inbound(trunk, n); ours {
			e.number = n
			return e.lead([]route.Target{t})
		}
	}
	return &refusal{status: 404, rule: "trunks.accounts.numbers", reason: event.Printable(user) + " is no number of trunk " + trunk}
}

// outward finds where the office's request goes by the routes.
func (e *errand) outward() *refusal {
	n, err := e.settings.Plan.Read(ua.UserOf(e.in.Recipient), e.settings.OutsidePrefix)
	if err != nil {
		return &refusal{status: 484, rule: "site.country", reason: err.Error()}
	}
	e.number = n
	targets, _ := e.settings.Routes.Outbound(n, time.Now(), rand.IntN)
	return e.lead(targets)
}

// watched finds what the office wants to know of: a number or an account of a trunk's, or a number outside.
func (e *errand) watched() *refusal {
	user := ua.UserOf(e.in.Recipient)
	if t, account, ok := e.settings.Routes.OwnerOf(user); ok {
		e.user = account.User
		return e.lead([]route.Target{t})
	}
	if n, ok := e.read(user); ok {
		if t, ours := e.settings.Routes.Owner(n); ours {
			e.number, e.sender = n, n
			return e.lead([]route.Target{t})
		}
	}
	return e.outward()
}

// read reads a number as the one who handed the request in writes it, or as it is dialled.
func (e *errand) read(user string) (numbering.Number, bool) {
	n, err := e.settings.Plan.ReadFrom(user, string(e.from.Format))
	if err != nil {
		n, err = e.settings.Plan.Read(user, "")
	}
	return n, err == nil
}

// lead keeps the parties behind targets, those that are down behind the others.
func (e *errand) lead(targets []route.Target) *refusal {
	var down []Party
	for _, t := range targets {
		p, ok := e.desk.o.Parties.Party(t.Peer)
		switch {
		case !ok:
		case p.Down:
			down = append(down, p)
		default:
			e.ways = append(e.ways, p)
		}
	}
	if e.ways = append(e.ways, down...); len(e.ways) == 0 {
		return &refusal{status: 404, rule: "routes", reason: fmt.Sprintf("no route leads to %s", cmp.Or(e.number.String(), e.user))}
	}
	return nil
}

// draft writes the request for a party, and tells by which account it goes. Only numbers that a trunk owns are presented
// to it.
func (e *errand) draft(to Party) (ua.Draft, policy.Account) {
	hops, _ := e.in.MaxForwards()
	user := e.user
	if e.number.String() != "" {
		user = e.settings.Plan.Write(e.number, string(to.Format))
	}
	uri := "sip:" + user + "@" + to.Domain
	d := ua.Draft{
		Method: e.in.Method, URI: cmp.Or(to.Target, uri+to.Params), To: uri, FromTag: ua.NewTag(), CallID: ua.NewCallID(), Seq: 1,
		Local: to.Local, MaxForwards: hops,
	}
	if to.Verbatim && e.from.Verbatim {
		e.verbatim(&d, to)
		return d, policy.Account{}
	}
	if to.Peer.Side == policy.SideInside {
		d.From = e.name(to)
		if d.From == anonymousURI {
			d.FromName = anonymousName
		}
		return d, policy.Account{}
	}
	return d, e.presentOwned(&d, to)
}

// presentOwned shows a carrier a number of the account, the sender's own if the account has it (RFC 3325, RFC 3323).
func (e *errand) presentOwned(d *ua.Draft, to Party) policy.Account {
	account, owned := e.settings.Routes.Account(to.Peer.Name, e.sender)
	if e.user != "" && e.number.String() == "" {
		account, _ = e.settings.Routes.AccountOf(to.Peer.Name, e.user)
	}
	shown := e.sender
	if !owned && len(account.Numbers) > 0 {
		shown, _ = e.settings.Plan.Read(account.Numbers[0], "")
	}
	user := account.User
	if shown.String() != "" && (e.user == "" || e.number.String() != "") {
		user = e.settings.Plan.Write(shown, string(to.Format))
	}
	d.From = "sip:" + user + "@" + cmp.Or(to.Home, to.Domain)
	d.Headers = append(d.Headers, sip.NewHeader("P-Asserted-Identity", "<"+d.From+">"))
	if e.withheld {
		d.From, d.FromName = anonymousURI, anonymousName
		d.Headers = append(d.Headers, sip.NewHeader("Privacy", "id"))
	}
	return account
}

// unowned tells whether the office shows a number that is not the trunk's, and the trunk is not to carry that. An extension
// is no number, and nobody who writes for help is refused.
func (e *errand) unowned(to Party) bool {
	_, owned := e.settings.Routes.Account(to.Peer.Name, e.sender)
	return to.Unowned == policy.UnownedRefuse && e.in.Peer.Side == policy.SideInside && e.sender.E164 != "" && !owned && !e.withheld && !e.urgent()
}

// name is what the office is told about the sender.
func (e *errand) name(to Party) string {
	if e.withheld || e.sender.String() == "" {
		return anonymousURI
	}
	return "sip:" + e.settings.Plan.Write(e.sender, string(to.Format)) + "@" + to.Local.URIHost()
}
