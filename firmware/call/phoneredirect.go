package call

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/numbering"
	"tollgate/firmware/route"
)

// A phone or its PBX that sends a call elsewhere names users of theirs, which the box does not judge (see Phones):
//
//	PBX, to a token:       one of its users is a phone here, which is called at once
//	else:                  the one who calls is told, at the host where it calls others, and calls once more if it likes
//	to a carrier's caller: as any redirection, by the office's own routes

// maxContacts is how many ways of a redirection are passed on.
const maxContacts = 8

// sentElsewhere is what becomes of a call that a phone or its PBX sends elsewhere; false when it says nowhere that can be called.
func (s *Session) sentElsewhere(res *sip.Response, o *outcome) bool {
	users := contactUsers(res)
	if len(users) == 0 {
		return false
	}
	if !s.caller.Party.Verbatim {
		o.contacts = users
		return true
	}
	for _, user := range users {
		if _, ok := s.phoneOfPBX(user); ok {
			o.contacts = append(o.contacts, user)
		}
	}
	if len(o.contacts) > 0 {
		return true
	}
	var ways []sip.Header
	for _, user := range users {
		if isUser(user) && len(ways) < maxContacts {
			ways = append(ways, sip.NewHeader("Contact", "<"+s.nameForCaller(user)+">"))
		}
	}
	if len(ways) == 0 {
		return false
	}
	o.status, o.headers = res.StatusCode, append(o.headers, ways...)
	if o.status == 305 { // a proxy is the box's to choose (RFC 3261 §21.3.4)
		o.status = 302
	}
	return true
}

// nameForCaller is a user at the host where a phone calls its PBX, or where the PBX is.
func (s *Session) nameForCaller(user string) string {
	uri := sip.Uri{Scheme: "sip", User: user, Host: s.caller.Party.Domain}
	if s.peer.Phone() {
		uri.Host, uri.Port = s.in().Recipient.Host, s.in().Recipient.Port
	}
	return uri.String()
}

// phoneOfPBX is the phone that the PBX means when it sends a call to a token of its own.
func (s *Session) phoneOfPBX(user string) (Phone, bool) {
	if s.callee.Party.Peer != remotePBX() || s.desk.o.Phones == nil {
		return Phone{}, false
	}
	return s.desk.o.Phones.At(user)
}

// goToPhone calls the phone that the PBX has sent the call to; false when it means none.
func (s *Session) goToPhone(user, why string) (outcome, bool) {
	phone, ok := s.phoneOfPBX(user)
	if !ok {
		return outcome{}, false
	}
	to := route.Target{Peer: phone.Peer, Phone: phone.Token, Rule: "the phone of user " + phone.User}
	return s.goOn(numbering.Number{Digits: phone.User}, []route.Target{to}, nil, why), true
}

// isUser tells whether what a phone or its PBX names can be the name of a user.
func isUser(name string) bool {
	return name != "" && name == event.Printable(name) && !strings.ContainsAny(name, " \"<>@;:?")
}
