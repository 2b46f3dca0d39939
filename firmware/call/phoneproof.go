package call

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/header"
	"tollgate/firmware/ua"
)

// A PBX may want proof of any request within a call (RFC 3261 §22.1), and only the phone can give it. What a phone sends in
// a call with its PBX therefore passes with its credentials, and the challenge comes back. That leaves what the box would do
// by itself:
//
//	BYE      the phone has its answer when the PBX has answered; asked for proof, it sends another one
//	refresh  the phone and its PBX refresh their sessions themselves; a PBX that leaves it to the box and wants proof of it
//	         gets the refreshes of the phone instead

// withItsPBX tells whether a phone has its PBX on the other leg.
func (s *Session) withItsPBX(by *Leg) bool {
	return by.Party.Peer.Phone() && s.other(by).Party.Peer == remotePBX()
}

// leavesByPBX tells whether the PBX is to answer a phone's BYE. One that has not acknowledged our 200 yet would keep the
// phone waiting.
func (s *Session) leavesByPBX(by *Leg) bool {
	return s.withItsPBX(by) && !s.other(by).gone && !s.inbox.Unacknowledged(s.other(by).Dialog.LocalTag)
}

// askLeaver asks the phone that hangs up for the proof that its PBX wants; false when that wants none.
func (s *Session) askLeaver(e ua.Event) bool {
	if s.leaver == nil || e.Err != nil {
		return false
	}
	by := s.legOf(s.leaver)
	asked := s.other(by).challenges(e.Response)
	if len(asked) == 0 {
		return false
	}
	s.answer(s.leaver, ua.Reply{Status: e.Response.StatusCode, Headers: asked})
	s.leaver, s.asked = nil, by
	return true
}

// leaveAgain passes the BYE of a phone on that was asked for proof; false when it is none.
func (s *Session) leaveAgain(in *ua.Incoming) bool {
	by := s.legOf(in)
	if s.asked == nil || by != s.asked {
		return false
	}
	s.asked, s.leaver = nil, in
	if !s.sendBye(s.other(by), header.Carry(in, header.Bye)) {
		s.releaseLeaver()
	}
	return true
}

// releaseLeaver answers the phone that hangs up: its PBX has answered, or has had its time.
func (s *Session) releaseLeaver() {
	if s.leaver != nil {
		s.answer(s.leaver, ua.Reply{Status: 200})
		s.leaver = nil
	}
}

// leftToPhone notes that the peer of a leg wants proof of our refresh. The phone's own go there from now on, and the call
// ends when none has come in time.
func (s *Session) leftToPhone(l *Leg, res *sip.Response) bool {
	if len(l.challenges(res)) == 0 || !s.withItsPBX(s.other(l)) {
		return false
	}
	s.log.Info("the phones' PBX wants proof of a refresh, which only the phone has")
	l.proves = true
	left := l.timer.interval / 2
	l.timer.timer = time.AfterFunc(left-min(32*time.Second, left/3), func() { s.inbox.Post(sessionExpired{l}) })
	return true
}

// passRefresh passes the refresh of a phone on to its PBX, which wants it proven; false when that is nobody's wish. One that
// repeats the last offer is a change like any other.
func (s *Session) passRefresh(from *Leg, in *ua.Incoming) bool {
	other := s.other(from)
	if !other.proves || !other.allows(sip.UPDATE) {
		return false
	}
	req := other.Dialog.Request(sip.UPDATE)
	for _, h := range other.timerHeaders() {
		req.AppendHeader(h)
	}
	s.passAs(other, in, req)
	return true
}

// contact is how the box names itself to a party within a call. What a phone proves is for that name, and its PBX sees it:
// so a phone is told the PBX's domain, and the box itself as the way there.
func (p *Party) contact() string {
	if p.Peer.Phone() && p.Domain != "" {
		return "sip:" + p.Domain
	}
	return p.Local.Contact("")
}

// wayBack has a phone's requests within a call come by the box (RFC 3261 §16.6 step 4).
func (p *Party) wayBack() sip.Header {
	return sip.NewHeader("Record-Route", "<"+p.Local.Contact("")+";lr>")
}
