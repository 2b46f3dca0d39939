package call

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
)

// When the router in front of the box gets another address, running calls would fall silent: the carrier goes on sending
// to the old one. A re-INVITE with the new Contact and the new address for audio tells it (RFC 3261 §14.1, RFC 3264 §8.3.1).

// moved is a note: the box may be seen elsewhere by the carriers of this call.
type moved struct{}

// quietFor bounds how far back silence counts: what has been quiet for longer is a hold, or a caller with nothing to say.
const quietFor = 30 * time.Second

// Moved has the calls under way on a trunk tell the carrier where the box is now.
func (d *Desk) Moved(trunk string) {
	for _, s := range d.sessions() {
		if s.on(trunk) {
			s.inbox.Post(moved{})
		}
	}
}

// Quiet tells whether a call on a trunk has heard nothing of the carrier for at least this long, and did before, or has
// just been answered: a sign that the carrier sends somewhere else.
func (d *Desk) Quiet(trunk string, least time.Duration) bool {
	for _, s := range d.sessions() {
		if s.on(trunk) && s.quiet(least, time.Now()) {
			return true
		}
	}
	return false
}

func (d *Desk) sessions() []*Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*Session, 0, len(d.calls))
	for _, s := range d.calls {
		list = append(list, s)
	}
	return list
}

// on tells whether a trunk carries the call.
func (s *Session) on(trunk string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.peers[:], trunk) && s.shown != nil && (s.state == Ringing || s.state == Answered)
}

func (s *Session) quiet(least time.Duration, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != Answered {
		return false
	}
	for _, r := range []media.Role{media.Caller, media.Callee} {
		l := s.shown.Leg(r)
		if l.Side() != policy.SideOutside {
			continue
		}
		last := l.Stats().LastIn
		if last.Before(s.answered) {
			last = s.answered
		}
		if silent := now.Sub(last); silent >= least && silent < quietFor {
			return true
		}
	}
	return false
}

// placeRetry is how long a change that is under way is waited for.
const placeRetry = time.Second

// later posts a note again.
func (s *Session) later(note any, wait time.Duration) {
	time.AfterFunc(wait, func() { s.inbox.Post(note) })
}

// afterGlare is how long to wait when both sides have asked at once (RFC 3261 §14.1): who began the dialog waits longer.
func (s *Session) afterGlare(l *Leg) time.Duration {
	if l == s.callee {
		return 2100*time.Millisecond + rand.N(1900*time.Millisecond)
	}
	return rand.N(2 * time.Second)
}

// relocate tells each carrier of the call that sees the box elsewhere than it was told.
func (s *Session) relocate() {
	for _, l := range []*Leg{s.caller, s.callee} {
		if l.side() != policy.SideOutside {
			continue
		}
		now, ok := s.party(l.Party.Peer)
		if !ok || !l.stale && now.Local == l.Party.Local && now.Media == l.Party.Media {
			continue
		}
		if s.change != nil || s.promise != nil {
			s.later(moved{}, placeRetry)
			return
		}
		s.tellPlace(l, now)
	}
}

// contactUser is the user of a Contact URI of ours.
func contactUser(contact string) string {
	user, _, found := strings.Cut(strings.TrimPrefix(contact, "sip:"), "@")
	if !found {
		return ""
	}
	return user
}

// tellPlace sends a leg's peer a re-INVITE from where the box is now.
func (s *Session) tellPlace(l *Leg, now *Party) {
	before, dialog := *l.Party, *l.Dialog
	l.Party.Local, l.Party.Media, l.stale = now.Local, now.Media, false
	l.Dialog.Local, l.Dialog.Contact = now.Local, now.Local.Contact(contactUser(dialog.Contact))
	offer, err := offerTo(l, s.other(l), l.keys.encrypted())
	if err == nil {
		err = s.startChange(&change{from: s.other(l), place: true}, offer)
	}
	if err != nil {
		l.Party.Local, l.Party.Media = before.Local, before.Media
		l.Dialog.Local, l.Dialog.Contact = dialog.Local, dialog.Contact
		s.log.Info("new address not told", "to", l.Party.Peer.Name, "err", err)
		s.later(moved{}, placeRetry)
		return
	}
	s.log.Info("tells the carrier its new address", "to", l.Party.Peer.Name, "address", now.Local.Host)
}
