package call

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/header"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// Phones knows the telephones that register with a remote PBX through the box. Their users are names of that PBX's: between
// phones and PBX they pass as they stand, with the display names and the proof that the PBX asks for.
type Phones interface {
	// From returns the phone that a request has come from. When none has registered there, known is false, and the party is
	// good for nothing but an answer and a call for help.
	From(t policy.Transport, source netip.AddrPort, user string) (phone Phone, known bool)
	// At returns the phone that the PBX knows under a token.
	At(token string) (Phone, bool)
	// Of returns the phones of a user.
	Of(user string) []Phone
	// PBXStanding tells how the phones' PBX stands, and is told whether it has answered.
	PBXStanding() PhonesPBX
}

// PhonesPBX is how the phones' PBX stands.
type PhonesPBX interface {
	Away() string // why it cannot be reached, as a sentence; "" when it can
	Heard()
	Failed(reason string)
}

// Phone is one telephone.
type Phone struct {
	Party
	Token string   // by which the PBX knows it
	User  string   // of its address of record
	Route []string // of its requests to the PBX (RFC 3608)
}

// PhoneRules are what a policy says about phones.
type PhoneRules struct {
	Used          bool
	OutsidePrefix string
	Survival      policy.Survival
	Inbound       string // the user that carriers' calls ring without a PBX of the office's own; "": nobody
}

// remotePBX is the phones' PBX among peers.
func remotePBX() policy.Peer {
	return policy.Peer{Side: policy.SideOutside, Name: policy.PeerRemotePBX}
}

// callBack is how long a carrier's call reaches the phone that has called an emergency number before any other.
const callBack = time.Hour

// rescue is the last emergency call of a phone.
type rescue struct {
	token string
	at    time.Time
}

// meetPhone opens the leg of a phone that calls. One that has not registered may call for help, and no more.
func (s *Session) meetPhone() *refusal {
	phone, known, ok := s.phoneOf(s.in())
	switch {
	case !ok:
		return &refusal{status: 503, rule: "phones", reason: s.peer.Name + " is not configured any more"}
	case !known && !s.dialledForHelp():
		return &refusal{status: 403, rule: "not registered", reason: "no phone has registered from " + s.in().Source() + " over " + strings.ToLower(s.in().Transport())}
	}
	s.phone = phoneRecord{phone.Token, phone.User, phone.Route}
	party := &phone.Party
	party.Path = ua.Back(s.in(), party.Path)
	s.caller = &Leg{Party: party, Dialog: ua.Accept(s.in(), party.Local, party.contact())}
	s.caller.learn(s.in())
	return nil
}

// phoneOf is the phone that a request has come from; false when the policy knows none.
func (s *Session) phoneOf(in *ua.Incoming) (phone Phone, known, ok bool) {
	source, err := netip.ParseAddrPort(in.Source())
	if err != nil || s.desk.o.Phones == nil || !s.settings.Phones.Used {
		return Phone{}, false, false
	}
	phone, known = s.desk.o.Phones.From(policy.Transport(strings.ToLower(in.Transport())), source, ua.UserOf(in.From().Address))
	phone.Peer, phone.Party.token = in.Peer, phone.Token
	return phone, known, true
}

// partyOf is who has sent a request.
func (s *Session) partyOf(in *ua.Incoming) (*Party, bool) {
	if !in.Peer.Phone() {
		return s.party(in.Peer)
	}
	phone, known, ok := s.phoneOf(in)
	return &phone.Party, known && ok
}

// dialledForHelp tells whether an emergency number was dialled, with or without the prefix of an outside line.
func (s *Session) dialledForHelp() bool {
	n, err := s.settings.Plan.Read(ua.UserOf(s.in().Recipient), s.settings.Phones.OutsidePrefix)
	return err == nil && n.Emergency()
}

// readUsers reads who calls whom between phones and their PBX. Nothing of it is judged but whether help is called.
func (s *Session) readUsers() *refusal {
	user, _, _ := strings.Cut(ua.UserOf(s.in().Recipient), ";") // without the parameters of a telephone number
	if n, err := s.settings.Plan.Read(user, ""); err == nil && s.in().Recipient.Scheme == "urn" {
		user = n.String() // the PBX knows the number better than the service
	}
	if !isUser(user) {
		return &refusal{status: 484, rule: "sip", reason: event.Printable(user) + " is nobody's name"}
	}
	s.dialled = user
	s.to = numbering.Number{Digits: user}
	if s.peer.Phone() && s.dialledForHelp() {
		s.to, _ = s.settings.Plan.Read(user, s.settings.Phones.OutsidePrefix)
	}
	return nil
}

// findLines decides where a call of a phone or of its PBX goes.
//
//	from the PBX: to the phone whose token it calls
//	for help:     by the carriers in turn, which know where the box is; else by the PBX
//	PBX there:    to the PBX; if it turns out to be away, as below
//	PBX away:     to the phones of that user; by the routes, where the policy lets phones call so
func (s *Session) findLines() *refusal {
	if !s.peer.Phone() {
		return s.findToken()
	}
	rules, away := s.settings.Phones, s.desk.o.Phones.PBXStanding().Away()
	pbx := route.Target{Peer: remotePBX(), Rule: "the phones' PBX"}
	if s.to.Emergency() {
		targets, _ := s.outbound(s.to)
		s.targets = append(s.upFirst(targets), pbx)
		s.desk.remember(s.phone.Token, s.started)
		return nil
	}
	if away == "" {
		s.targets = append(s.targets, pbx)
	}
	if rules.Survival == policy.SurvivalOff {
		return s.orAway(away)
	}
	for _, phone := range s.desk.o.Phones.Of(s.dialled) {
		s.targets = append(s.targets, route.Target{Peer: phone.Peer, Phone: phone.Token, Rule: "a phone of user " + s.dialled})
	}
	if number, err := s.settings.Plan.Read(s.dialled, rules.OutsidePrefix); err == nil && len(s.targets) == 0 && rules.Survival == policy.SurvivalRoutes {
		s.to = number
		targets, _ := s.outbound(number)
		s.targets = s.upFirst(targets)
	}
	return s.orAway(away)
}

// orAway refuses a call that has nowhere to go because the PBX is away.
func (s *Session) orAway(away string) *refusal {
	if len(s.targets) > 0 {
		return nil
	}
	reason := away + "; meanwhile no phone of user " + s.dialled + " is known"
	switch s.settings.Phones.Survival {
	case policy.SurvivalOff:
		reason = away + "; meanwhile only emergency calls pass"
	case policy.SurvivalRoutes:
		reason += ", and no route leads to that number"
	}
	return &refusal{status: 503, rule: "phones.survival", reason: reason}
}

// findToken finds the phone that the PBX calls.
func (s *Session) findToken() *refusal {
	phone, ok := s.desk.o.Phones.At(s.dialled)
	if !ok {
		return &refusal{status: 404, rule: "phones", reason: "the phones' PBX calls " + s.dialled + ", which stands for no phone"}
	}
	s.desk.o.Phones.PBXStanding().Heard()
	s.to = numbering.Number{Digits: phone.User}
	s.targets = []route.Target{{Peer: phone.Peer, Phone: phone.Token, Rule: "the phone of user " + phone.User}}
	return nil
}

// findOffice finds who takes a carrier's call: the office's own PBX, and phones where there is none or it cannot be reached.
func (s *Session) findOffice(pbx route.Target) *refusal {
	if _, ok := s.desk.o.Parties.PBX(); ok {
		s.targets = append(s.targets, pbx)
	}
	s.targets = append(s.targets, s.inboundPhones()...)
	if len(s.targets) == 0 {
		return &refusal{status: 480, rule: "phones.inbound", reason: fmt.Sprintf("%s was called, and the policy names no phone that rings, or it is not registered", s.to)}
	}
	return nil
}

// inboundPhones are the phones that a carrier's call rings when there is no PBX of the office's own, or behind it.
func (s *Session) inboundPhones() (targets []route.Target) {
	if s.desk.o.Phones == nil || !s.settings.Phones.Used {
		return nil
	}
	if phone, ok := s.desk.o.Phones.At(s.desk.rescued(s.started)); ok {
		targets = append(targets, route.Target{Peer: phone.Peer, Phone: phone.Token, Rule: "call-back to the phone that has called for help"})
	}
	if s.settings.Phones.Inbound == "" {
		return targets
	}
	for _, phone := range s.desk.o.Phones.Of(s.settings.Phones.Inbound) {
		targets = append(targets, route.Target{Peer: phone.Peer, Phone: phone.Token, Rule: "phones.inbound"})
	}
	return targets
}

// remember notes who has called for help last; rescued tells it for as long as it counts.
func (d *Desk) remember(token string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rescue = rescue{token, at}
}

func (d *Desk) rescued(now time.Time) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.rescue.at) > callBack {
		return ""
	}
	return d.rescue.token
}

// presentVerbatim writes names as they stand, at the host that the callee knows, with what proves the caller to its PBX.
func (s *Session) presentVerbatim(d *ua.Draft, callee *Leg, number numbering.Number) {
	p := callee.Party
	d.Contact = p.contact()
	if p.Peer.Phone() {
		d.Headers = append(d.Headers, p.wayBack())
	}
	switch {
	case number.E164 != "" && p.Peer.Phone(): // a carrier's call: the number that was called
	case p.Peer.Phone():
		d.To = "sip:" + number.Digits + "@" + p.Domain
	default:
		d.To = "sip:" + s.dialled + "@" + p.Domain
	}
	if p.Target == "" {
		d.URI = d.To
		if v, ok := s.in().Recipient.UriParams.Get("user"); ok && v == "phone" {
			d.URI += ";user=phone"
		}
	}
	from := s.in().From()
	switch {
	case strings.EqualFold(from.Address.User, anonymousUser):
		d.From, d.FromName = anonymousURI, anonymousName
	case s.caller.Party.Verbatim:
		name := sip.Uri{Scheme: "sip", User: event.Printable(from.Address.User), Host: p.Domain}
		d.From, d.FromName = name.String(), event.Printable(from.DisplayName)
	default:
		s.presentCaller(d, p)
	}
	if callee.side() == policy.SideInside {
		return
	}
	d.Headers = append(d.Headers, callee.proofs(s.in())...)
	for _, r := range s.phone.Route {
		d.Headers = append(d.Headers, sip.NewHeader("Route", r))
	}
	if header.ReadPrivacy(s.in()).Caller {
		d.Headers = append(d.Headers, sip.NewHeader("Privacy", "id"))
	}
}

// declinedVerbatim is what becomes of a call that a phone or its PBX has declined: the caller is told as it was said,
// credentials that are asked for included. Nobody else is tried, for it was answered.
func (s *Session) declinedVerbatim(res *sip.Response) outcome {
	s.heardPBX(s.callee)
	o := outcome{
		status: ua.PassedStatus(res.StatusCode), atLeast: tooShortFor(res),
		reason: fmt.Sprintf("%s answered %d %s", s.callee.Party.Peer.Name, res.StatusCode, ua.Phrase(res.StatusCode)),
	}
	o.headers = header.Carry(res, header.Failure)
	if res.StatusCode/100 == 3 && s.sentElsewhere(res, &o) {
		return o
	}
	if asked := s.callee.challenges(res); len(asked) > 0 && s.caller.Party.Peer.Phone() {
		o.status, o.headers = res.StatusCode, asked
	}
	return o
}

// proofs are what a phone sends to prove itself, on the leg of its PBX and on no other.
func (l *Leg) proofs(in *ua.Incoming) []sip.Header {
	if l.Party.Peer != remotePBX() || !in.Peer.Phone() {
		return nil
	}
	return ua.ProofsTo(l.Party.Domain, in)
}

// challenges are what the phones' PBX asks a phone for on this leg; nobody else's are passed on.
func (l *Leg) challenges(res *sip.Response) []sip.Header {
	if l.Party.Peer != remotePBX() || res.StatusCode != 401 && res.StatusCode != 407 {
		return nil
	}
	return ua.Challenges(res)
}

// findPhoneReferral finds whom a phone wants to transfer to when its PBX is not on the other leg.
func (s *Session) findPhoneReferral(r *referral, user string) *refusal {
	r.number = numbering.Number{Digits: user}
	for _, phone := range s.desk.o.Phones.Of(user) {
		r.targets = append(r.targets, route.Target{Peer: phone.Peer, Phone: phone.Token, Rule: "a phone of user " + user})
	}
	if len(r.targets) == 0 {
		return &refusal{status: 404, rule: "phones.survival", reason: "no phone of user " + event.Printable(user) + " is registered, and its PBX has no part in this call"}
	}
	return nil
}

// heardPBX tells that the phones' PBX has answered on a leg.
func (s *Session) heardPBX(l *Leg) {
	if l.Party.Peer == remotePBX() && s.desk.o.Phones != nil {
		s.desk.o.Phones.PBXStanding().Heard()
	}
}

// failedPBX tells that it has not, when that is how an attempt ended.
func (s *Session) failedPBX(l *Leg, o outcome) {
	if l != nil && l.Party.Peer == remotePBX() && o.elsewhere && s.desk.o.Phones != nil {
		s.desk.o.Phones.PBXStanding().Failed(o.reason)
	}
}
