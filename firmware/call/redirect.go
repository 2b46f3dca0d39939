package call

import (
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/field"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// maxRedirects bounds how often one call may be sent elsewhere (RFC 3261 §8.1.3.4 wants a bound).
const maxRedirects = 5

// contactUsers are whom a redirection names, in its order.
func contactUsers(res *sip.Response) []string {
	if res.StatusCode/100 != 3 {
		return nil
	}
	var users []string
	for _, v := range ua.Values(field.All(res, "Contact")) {
		var uri sip.Uri
		params := sip.NewParams()
		if _, err := sip.ParseAddressValue(v, &uri, &params); err == nil && ua.UserOf(uri) != "" {
			users = append(users, ua.UserOf(uri))
		}
	}
	return users
}

// follow goes where a redirection leads: by the box's own routes to the number it names, judged as a new call, never to
// the address. The caller is not told.
func (s *Session) follow(o outcome) outcome {
	for n := 0; len(o.contacts) > 0; n++ {
		if n == maxRedirects {
			return outcome{status: 502, reason: fmt.Sprintf("sent elsewhere more than %d times", maxRedirects)}
		}
		o = s.followOnce(o)
	}
	return o
}

// followOnce tries the first number that leads somewhere.
func (s *Session) followOnce(o outcome) outcome {
	last := outcome{status: 502, rule: "redirect", reason: o.reason + ", to no number that can be called"}
	for _, user := range o.contacts {
		if o, ok := s.goToPhone(user, o.reason); ok {
			return o
		}
		number, err := s.settings.Plan.Read(user, "")
		if err != nil {
			number, err = s.settings.Plan.ReadFrom(user, string(s.callee.Party.Format))
		}
		if err != nil {
			continue
		}
		targets := s.targetsOf(number)
		if len(targets) == 0 {
			last = outcome{status: 404, rule: "routes", reason: fmt.Sprintf("%s, but no route leads to %s", o.reason, number)}
			continue
		}
		ticket, no := s.admitOnward(targets[0], number, admission.Redirected)
		if no != nil {
			last = outcome{status: no.Status, rule: no.Rule, reason: fmt.Sprintf("%s: %s", o.reason, no.Reason), steps: no.Steps}
			continue
		}
		return s.goOn(number, targets, ticket, o.reason)
	}
	return last
}

// targetsOf finds where a number is: at the PBX when it is ours, else where the routes lead.
func (s *Session) targetsOf(n numbering.Number) []route.Target {
	if t, ours := s.settings.Routes.Own(n); ours {
		return []route.Target{t}
	}
	targets, _ := s.outbound(n)
	return s.upFirst(targets)
}

// admitOnward judges a further half of a call as the office's own call; one that stays in the office needs no leave. Whose
// call it is: of who called from the office, else of the number of ours that was called and has sent it on.
func (s *Session) admitOnward(first route.Target, n numbering.Number, via admission.Via) (*admission.Ticket, *admission.Refusal) {
	if first.Peer.Side == policy.SideInside {
		return nil, nil
	}
	a := admission.Attempt{
		Caller: policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}, Number: n, Via: via, Call: s.id, Draining: s.draining, At: time.Now(),
	}
	if s.peer.Side == policy.SideInside {
		a.Caller, a.From, a.User, a.Withheld = s.peer, s.from, s.callerUser(), s.withheld
	} else {
		a.From, a.User = s.called, s.called.String()
	}
	return s.desk.o.Gate.Admit(a)
}

// goOn calls a number instead of the one that was called before.
func (s *Session) goOn(n numbering.Number, targets []route.Target, ticket *admission.Ticket, why string) outcome {
	s.log.Info("call redirected", "from", s.to.String(), "to", n.String(), "reason", why)
	s.because = "unconditional"
	for _, t := range s.extra {
		t.Ended(false, 0)
		t.Release() // of the redirection before this one
	}
	s.extra = []*admission.Ticket{ticket}
	s.mu.Lock()
	s.to = n
	if ticket != nil {
		s.permit = ticket
	}
	s.mu.Unlock()
	if ticket.Urgent() {
		s.becomeUrgent()
		s.tellEmergency(n, s.peer)
	}
	return s.tryAll(targets, ticket)
}
