package call

import (
	"cmp"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/header"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// presentOwned shows the carrier a number of the account, the first of the claim that an account has (RFC 3325 for the
// asserted one, RFC 3323 for privacy). Who calls is shown instead of it when the call is forwarded and the carrier takes
// that, with the number of ours asserted and as the one that diverts the call (RFC 5806).
func (s *Session) presentOwned(d *ua.Draft, callee *Leg, to numbering.Number, c claim) *refusal {
	p := callee.Party
	account, shown, known := s.pick(p.Peer.Name, c.numbers)
	callee.account = account
	if c.strict && shown.E164 != c.numbers[0].E164 && p.Unowned == policy.UnownedRefuse && !to.Emergency() {
		return &refusal{status: 403, rule: "trunks.unowned_numbers", reason: c.numbers[0].String() + " is no number of trunk " + p.Peer.Name}
	}
	own := "sip:" + account.User + "@" + cmp.Or(p.Home, p.Domain)
	if known {
		own = s.uriOf(shown, p)
	}
	d.From, d.Contact = own, p.Local.Contact(account.User)
	d.Headers = append(d.Headers, sip.NewHeader("P-Asserted-Identity", "<"+own+">"))
	d.Headers = append(d.Headers, s.diversionsFor(p, own, to, c)...)
	switch {
	case s.withheld:
		d.From, d.FromName = anonymousURI, anonymousName
		d.Headers = append(d.Headers, sip.NewHeader("Privacy", "id"))
	case s.showsOriginal(p, to, c):
		d.From, shown, known = s.uriOf(c.original, p), c.original, false
	case c.open:
		d.Headers = append(d.Headers, sip.NewHeader("Privacy", "none"))
	}
	d.Headers = append(d.Headers, s.sign(p, shown, to, known, c)...)
	return nil
}

// pick finds the first number that a trunk owns and its account; else the first number of the first account.
func (s *Session) pick(trunk string, wishes []numbering.Number) (account policy.Account, shown numbering.Number, known bool) {
	for _, n := range wishes {
		if account, owned := s.settings.Routes.Account(trunk, n); owned {
			return account, n, true
		}
	}
	account, _ = s.settings.Routes.Account(trunk, numbering.Number{})
	if len(account.Numbers) > 0 {
		shown, _ = s.settings.Plan.Read(account.Numbers[0], "")
	}
	return account, shown, shown.String() != ""
}

// uriOf writes a number of ours, or that of who has called, as a carrier knows it.
func (s *Session) uriOf(n numbering.Number, p *Party) string {
	return "sip:" + s.settings.Plan.Write(n, string(p.Format)) + "@" + cmp.Or(p.Home, p.Domain)
}

// diversionsFor tells a carrier which numbers have sent the call on: those that its trunk owns, and for a forwarded call
// that has none of them, the one that is asserted.
func (s *Session) diversionsFor(p *Party, own string, to numbering.Number, c claim) []sip.Header {
	owns := func(n numbering.Number) bool {
		_, owned := s.settings.Routes.Account(p.Peer.Name, n)
		return owned
	}
	var out []sip.Header
	for _, d := range c.diverted {
		if owns(d.number) {
			out = append(out, sip.NewHeader("Diversion", d.Write(s.uriOf(d.number, p))))
		}
	}
	if len(out) == 0 && len(c.diverted) > 0 && c.original.E164 != "" {
		out = append(out, sip.NewHeader("Diversion", c.diverted[0].Write(own)))
	}
	stops, uris := []header.Stop{}, []string{}
	for _, h := range c.history {
		if owns(h.number) && !h.Hidden {
			stops, uris = append(stops, h.Stop), append(uris, s.uriOf(h.number, p))
		}
	}
	if len(stops) > 0 {
		last := header.Stop{Cause: c.cause}
		out = append(out, sip.NewHeader("History-Info", header.WriteHistory(append(stops, last), append(uris, s.uriOf(to, p)))))
	}
	return out
}

// presentCaller shows the PBX who calls, as far as the carrier told. What a trusted trunk asserts of him, the PBX is told
// as well; of somebody who wants to stay unknown only when the PBX is trusted too (RFC 3325 §5, §7).
func (s *Session) presentCaller(d *ua.Draft, p *Party) {
	d.Contact = p.Local.Contact("")
	trusted := s.peer.Side == policy.SideOutside && s.caller.Party.Trusted
	if trusted {
		d.Headers = append(d.Headers, s.vouched(p)...)
	}
	if s.withheld || s.from.String() == "" {
		d.From, d.FromName = anonymousURI, anonymousName
		return
	}
	said := ""
	if from := header.Assertions(s.in(), "From"); trusted && len(from) > 0 {
		said = from[0].Verstat
	}
	d.From = s.uriInside(s.from, s.verstatOf(s.from, said), p)
	d.FromName = event.Printable(s.in().From().DisplayName)
}

// uriInside writes an outside number as the PBX knows it, with what the check of its signature gave
// (3GPP TS 24.229 §7.2A.20).
func (s *Session) uriInside(n numbering.Number, verstat string, p *Party) string {
	number := s.settings.Plan.Write(n, string(p.Format))
	if verstat == "" {
		return "sip:" + number + "@" + p.Local.URIHost()
	}
	return "sip:" + number + ";verstat=" + verstat + "@" + p.Local.URIHost() + ";user=phone"
}

// vouched is what a trusted trunk says of a call, written afresh for the PBX.
func (s *Session) vouched(p *Party) []sip.Header {
	format := string(s.caller.Party.Format)
	var out []sip.Header
	if !s.withheld || p.Trusted {
		for _, a := range header.Assertions(s.in(), "P-Asserted-Identity") {
			if n, err := s.settings.Plan.ReadFrom(a.User, format); err == nil {
				out = append(out, sip.NewHeader("P-Asserted-Identity", "<"+s.uriInside(n, s.verstatOf(n, a.Verstat), p)+">"))
				break // a second one is the same number as a tel URI
			}
		}
		for _, v := range header.Identities(s.in()) {
			out = append(out, sip.NewHeader("Identity", v))
		}
	}
	if s.withheld && len(out) > 0 {
		out = append(out, sip.NewHeader("Privacy", "id"))
	}
	return append(out, s.vouchedDiversions(format, p)...)
}

// vouchedDiversions tells the PBX by which numbers the call has come. Hidden ones are for a trusted PBX only.
func (s *Session) vouchedDiversions(format string, p *Party) []sip.Header {
	diverted, history := s.readDiversions(format, func(numbering.Number) bool { return true })
	var out []sip.Header
	for _, d := range diverted {
		if !d.Hidden || p.Trusted {
			out = append(out, sip.NewHeader("Diversion", d.Write(s.uriInside(d.number, "", p))))
		}
	}
	stops, uris := []header.Stop{}, []string{}
	for _, h := range history {
		if !h.Hidden || p.Trusted {
			stops, uris = append(stops, h.Stop), append(uris, s.uriInside(h.number, "", p))
		}
	}
	if len(stops) > 0 {
		out = append(out, sip.NewHeader("History-Info", header.WriteHistory(stops, uris)))
	}
	return out
}
