package call

import (
	"strings"

	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

// A call that is up may last for hours in which nothing happens. Until something does it keeps as text what it may be asked
// for again - the INVITE that it began with, the descriptions of both sides - and reads that when it needs to. Read, they
// would be two fifths of the memory of a call.
//
//	a note, a request, an answer -> what it needs is read -> nothing waits any more: rest

// opening is the INVITE that a call began with, as text.
type opening struct{ text, source, tag string }

// rest lets go of all that can be read again. The INVITE has its final answer.
func (s *Session) rest() {
	s.opening, s.invite = s.began(), nil
	for _, l := range []*Leg{s.caller, s.callee} {
		l.theirs, l.ours = nil, nil
	}
}

// began is the INVITE as text. Before the call rests for the first time, that is not kept: it may still change.
func (s *Session) began() opening {
	if s.opening.text != "" {
		return s.opening
	}
	return opening{strings.Clone(s.invite.Text()), strings.Clone(s.invite.Source()), s.invite.Tag} // without what they were cut from
}

// in is the INVITE that the call began with.
func (s *Session) in() *ua.Incoming {
	if s.invite == nil {
		var err error
		if s.invite, err = s.inbox.Recall(s.opening.text, s.opening.source, s.opening.tag, s.peer); err != nil {
			s.log.Error("the INVITE of the call cannot be read again: its caller counts as unknown", "err", err)
			s.invite, _ = s.inbox.Recall(unread, s.opening.source, s.opening.tag, s.peer)
		}
	}
	return s.invite
}

// unread stands for an INVITE that was read before and, written down, cannot be read any more. Readers are lenient, and a peer
// may find what makes that true; it must not end the process.
const unread = "INVITE " + anonymousURI + " SIP/2.0\r\nVia: SIP/2.0/UDP anonymous.invalid\r\nFrom: <" + anonymousURI + ">\r\nTo: <" + anonymousURI + ">\r\n" +
	"Call-ID: unread\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"

// remote is the last description of the leg's peer; nil before it has made one.
func (l *Leg) remote() *sdp.Description {
	if l.theirs == nil && l.heard != "" {
		l.theirs = l.Party.read(l.heard)
	}
	return l.theirs
}

// said is our last description on the leg; nil before there is one.
func (l *Leg) said() *sdp.Description {
	if l.ours == nil && l.body != nil {
		l.ours, _ = sdp.Parse(l.body) // it was read before
	}
	return l.ours
}

// read reads a description of the party that was taken before. One that names no codec it may speak was an urgent call's, or
// of a fax, and stands as it is.
func (p *Party) read(heard string) *sdp.Description {
	d, err := sdp.Parse([]byte(heard))
	if err != nil {
		return nil // cannot happen
	}
	if allowed, err := d.Only(p.codecs()); err == nil {
		return allowed
	}
	return d
}
