package call

import (
	"slices"

	"tollgate/firmware/header"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// claim is whose call a leg towards a carrier is, as far as the office or the box says so. What the carrier is shown of it
// follows from the numbers that the trunk owns.
type claim struct {
	numbers  []numbering.Number // to be shown, the wish first; the first one that the trunk owns is
	strict   bool               // the first of them is shown or the trunk does not carry the call, where the policy wants it so
	original numbering.Number   // of a call that is forwarded: who has called; zero when none is
	diverted []diversion        // numbers of ours that have sent the call on, the last one first
	history  []station          // the same as the PBX tells it in History-Info, the first one first
	cause    int                // why it has come to whom it is for now, in History-Info's terms; 0: it does not say
	open     bool               // the caller expressly wants nothing hidden
	signed   []string           // of a call that is forwarded: the signatures that it came with, which are right
}

// diversion is a Diversion whose number was read, station a stop of History-Info.
type (
	diversion struct {
		header.Diversion
		number numbering.Number
	}
	station struct {
		header.Stop
		number numbering.Number
	}
)

// readClaim reads whom the office shows as its caller. Nothing of that is believed: what it prefers or asserts beside From
// (RFC 3325 §9) is a further wish, and of the numbers that have diverted the call only our own are read.
func (s *Session) readClaim(format string) {
	s.claim = claim{strict: s.from.E164 != "" && !s.withheld, open: header.ReadPrivacy(s.in()).None}
	if s.from.String() != "" {
		s.claim.numbers = append(s.claim.numbers, s.from)
	}
	for _, name := range []string{"P-Preferred-Identity", "P-Asserted-Identity"} {
		for _, a := range header.Assertions(s.in(), name) {
			if n, err := s.settings.Plan.ReadFrom(a.User, format); err == nil {
				s.claim.numbers = append(s.claim.numbers, n)
			}
		}
	}
	s.claim.diverted, s.claim.history = s.readDiversions(format, s.ours)
	if stops := header.Histories(s.in()); len(stops) > 0 {
		s.claim.cause = stops[len(stops)-1].Cause // the last one is whom the call is for (RFC 7044 §5)
	}
	if !s.withheld && s.from.E164 != "" && !s.ours(s.from) {
		s.claimForwarded()
	}
}

// ours tells whether any trunk owns a number.
func (s *Session) ours(n numbering.Number) bool {
	_, own := s.settings.Routes.Own(n)
	return own
}

// readDiversions reads the numbers that have sent the call on before it came here, those that are wanted.
func (s *Session) readDiversions(format string, wanted func(numbering.Number) bool) (list []diversion, history []station) {
	hidden := header.ReadPrivacy(s.in()).History
	for _, d := range header.Diversions(s.in()) {
		if n, err := s.settings.Plan.ReadFrom(d.User, format); err == nil && wanted(n) {
			d.Hidden = d.Hidden || hidden
			list = append(list, diversion{d, n})
		}
	}
	for _, h := range header.Histories(s.in()) {
		if n, err := s.settings.Plan.ReadFrom(h.User, format); err == nil && wanted(n) {
			h.Hidden = h.Hidden || hidden
			history = append(history, station{h, n})
		}
	}
	return list, history
}

// claimForwarded finds out whether the office forwards a call that the box carries. Then the number of ours that was
// called there is shown, or the original caller where the carrier allows it.
func (s *Session) claimForwarded() {
	c := &s.claim
	var named []numbering.Number
	for _, d := range c.diverted {
		named = append(named, d.number)
	}
	for _, h := range c.history {
		named = append(named, h.number)
	}
	called, signed, ok := s.desk.forwards(s, append(named, c.numbers[1:]...))
	if !ok {
		return
	}
	c.signed = signed
	c.original, c.strict = s.from, false
	c.numbers = append([]numbering.Number{called}, c.numbers...)
	if !slices.ContainsFunc(c.diverted, func(d diversion) bool { return d.number.E164 == called.E164 }) {
		c.diverted = append(c.diverted, diversion{number: called})
	}
}

// maxForwarded is how many calls at once one call may become: the telephones that it rings elsewhere.
const maxForwarded = 4

// forwards finds the call of a carrier that the office forwards with s: its caller is the one whom s shows, it is up or
// rings, and the number of ours that it was for is among those that s names. Without the last anybody in the office could
// call under the number of whoever calls at the moment.
func (d *Desk) forwards(s *Session, named []numbering.Number) (called numbering.Number, signed []string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.calls {
		if !o.isFrom(s.from) || !slices.ContainsFunc(named, func(n numbering.Number) bool { return n.E164 == o.called.E164 }) {
			continue
		}
		count := 0
		for _, other := range d.calls {
			if other.forwarded == o.id {
				count++
			}
		}
		if count < maxForwarded {
			s.forwarded = o.id
			return o.called, o.rightSignatures(), true
		}
	}
	return numbering.Number{}, nil, false
}

// isFrom tells whether this is a call from outside by n that was admitted and has not ended. What it reads besides the
// state does not change once a call is admitted.
func (s *Session) isFrom(n numbering.Number) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return (s.state == Ringing || s.state == Answered) && s.peer.Side == policy.SideOutside && s.called.E164 != "" &&
		!s.withheld && s.from.E164 == n.E164
}

// onwardClaim is the claim of a leg that goes outside now: the office's own, or, when a carrier's call goes out again, that of
// the number of ours that it was for.
func (s *Session) onwardClaim() claim {
	if s.peer.Side == policy.SideInside {
		return s.claim
	}
	if s.called.E164 == "" {
		return claim{} // of the phones' PBX, which has called no number of ours
	}
	c := claim{numbers: []numbering.Number{s.called}, diverted: []diversion{{header.Diversion{Reason: s.because}, s.called}}}
	if !s.withheld {
		c.original, c.signed = s.from, s.signature.fields
	}
	return c
}
