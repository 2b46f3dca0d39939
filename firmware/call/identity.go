package call

import (
	"cmp"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/header"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// RFC 3323 §4.1.1.3: what a caller who wants to stay unknown puts into From.
const (
	anonymousUser = "anonymous"
	anonymousURI  = "sip:anonymous@anonymous.invalid"
	anonymousName = "Anonymous"
)

// readNumbers reads who calls whom.
func (s *Session) readNumbers() *refusal {
	format := string(s.caller.Party.Format)
	from := ua.UserOf(s.in().From().Address)
	s.withheld = strings.EqualFold(from, anonymousUser) || header.ReadPrivacy(s.in()).Caller
	// A caller that is no number, such as an extension, is replaced by the trunk's first number later on.
	s.from, _ = s.settings.Plan.ReadFrom(from, format)
	if s.peer.Side == policy.SideInside {
		s.readClaim(format)
	}
	if s.caller.Party.Verbatim {
		return s.readUsers()
	}
	if s.peer.Side == policy.SideOutside {
		return s.readOwnNumber(format)
	}
	to, err := s.settings.Plan.Read(ua.UserOf(s.in().Recipient), s.settings.OutsidePrefix)
	if err != nil {
		return &refusal{status: 484, rule: "site.country", reason: err.Error()}
	}
	s.to = to
	s.withheld = s.withheld && !s.seeksHelp()
	return nil
}

// readOwnNumber finds the number of ours that a carrier calls: in the Request-URI, or, when that names the registered
// account, in To; else it is the account's first.
func (s *Session) readOwnNumber(format string) *refusal {
	trunk, user := s.peer.Name, ua.UserOf(s.in().Recipient)
	candidates := []string{user}
	account, registered := s.settings.Routes.AccountOf(trunk, user)
	if registered {
		candidates = append(candidates, ua.UserOf(s.in().To().Address))
		candidates = append(candidates, account.Numbers...)
	}
	for _, c := range candidates {
		n, err := s.settings.Plan.ReadFrom(c, format)
		if err != nil {
			n, err = s.settings.Plan.Read(c, "")
		}
		if err != nil {
			continue
		}
		if _, ours := s.settings.Routes.Inbound(trunk, n); ours {
			s.to, s.called = n, n
			return nil
		}
		if s.to.String() == "" {
			s.to = n
		}
	}
	return &refusal{status: 404, rule: "trunks.accounts.numbers", reason: event.Printable(user) + " is no number of trunk " + trunk}
}

// draft writes the INVITE for a callee at a number, and whose call it is shown to be.
func (s *Session) draft(callee *Leg, number numbering.Number, c claim, offer []byte) (ua.Draft, *refusal) {
	p := callee.Party
	hops, _ := s.in().MaxForwards()
	to := "sip:" + s.settings.Plan.Write(number, string(p.Format)) + "@" + p.Domain
	d := ua.Draft{
		Method: sip.INVITE, URI: cmp.Or(p.Target, to+p.Params), To: to, FromTag: ua.NewTag(), CallID: ua.NewCallID(), Seq: 1,
		Local: p.Local, MaxForwards: hops, Body: offer, ContentType: sdpType,
	}
	switch {
	case p.Verbatim:
		s.presentVerbatim(&d, callee, number)
	case callee.side() == policy.SideOutside:
		return d, s.presentOwned(&d, callee, number, c)
	default:
		s.presentCaller(&d, p)
	}
	return d, nil
}

// saysFrom is the user in the From of an INVITE, for people.
func saysFrom(in *ua.Incoming) string {
	return strings.Clone(event.Printable(ua.UserOf(in.From().Address)))
}

// callerText names the caller for people.
func (s *Session) callerText() string {
	switch {
	case s.withheld && s.peer.Side == policy.SideOutside:
		return anonymousUser
	case s.from.String() != "":
		return s.from.String()
	}
	return s.user
}

// callerUser is the extension or user that calls, as the office knows it; "" for a caller outside.
func (s *Session) callerUser() string {
	switch {
	case s.peer.Side == policy.SideOutside:
		return ""
	case s.phone.User != "":
		return s.phone.User
	}
	return s.user
}
