package call

import (
	"slices"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
)

// Others find a call by its dialogs: a transfer and an INVITE with Replaces, and who watches calls from across the border.

// dialogID names a dialog as its peer sees it: local is our tag.
type dialogID struct{ callID, local, remote string }

// end is what others may know of one leg: whose it is, and its dialogs. A callee that forks has several until it answers.
type end struct {
	peer    policy.Peer
	dialogs []dialogID
}

// maxForks bounds how many early dialogs of one call are remembered.
const maxForks = 8

// publish tells the desk which dialogs the call has now.
func (s *Session) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for role, l := range []*Leg{s.caller, s.callee} {
		if l == nil || l.Dialog == nil || l.Dialog.RemoteTag == "" {
			continue
		}
		e, id := &s.ends[role], l.id()
		if s.state == Answered || e.peer != l.Party.Peer || len(e.dialogs) > 0 && e.dialogs[0].callID != id.callID {
			*e = end{peer: l.Party.Peer}
		}
		if !slices.Contains(e.dialogs, id) && len(e.dialogs) < maxForks {
			e.dialogs = append(e.dialogs, id)
		}
	}
}

func (l *Leg) id() dialogID {
	return dialogID{l.Dialog.CallID, l.Dialog.LocalTag, l.Dialog.RemoteTag}
}

// legWith is the leg that has this dialog now; nil when none has.
func (s *Session) legWith(id dialogID) *Leg {
	for _, l := range []*Leg{s.caller, s.callee} {
		if l != nil && l.Dialog != nil && l.id() == id {
			return l
		}
	}
	return nil
}

// found says how far a call is that somebody looked for, and which of its legs the dialog is.
type found struct {
	state State
	role  media.Role
}

// find finds the call that has this dialog with this peer; nil when none has.
func (d *Desk) find(id dialogID, peer policy.Peer) (*Session, found) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.calls {
		s.mu.Lock()
		role, ok := s.has(id, peer)
		state := s.state
		s.mu.Unlock()
		if ok {
			return s, found{state, role}
		}
	}
	return nil, found{}
}

// has tells which leg has a dialog with a peer. s.mu is held.
func (s *Session) has(id dialogID, peer policy.Peer) (media.Role, bool) {
	for _, role := range []media.Role{media.Caller, media.Callee} {
		if e := s.ends[role]; e.peer == peer && slices.Contains(e.dialogs, id) {
			return role, true
		}
	}
	return 0, false
}

// holding finds another answered call that has this dialog with this peer.
func (d *Desk) holding(id dialogID, peer policy.Peer, not *Session) *Session {
	// Who wrote the Replaces may have meant its own tags the other way round; a dialog has both.
	for _, id := range []dialogID{id, {id.callID, id.remote, id.local}} {
		if s, at := d.find(id, peer); s != nil && s != not && at.state == Answered {
			return s
		}
	}
	return nil
}

// Across translates the name of a dialog between the box and peer, in which local is the box's tag, into that of the
// call's other dialog: with whom it is, and its Call-ID and tags, local the box's again. Tags that are empty are not
// looked at (RFC 4235 §4.1.2: an early dialog may lack one). ok is false when no such call crosses the box.
func (d *Desk) Across(peer policy.Peer, callID, local, remote string) (other policy.Peer, otherCallID, otherLocal, otherRemote string, ok bool) {
	fits := func(id dialogID) bool {
		return id.callID == callID && (local == "" || id.local == local) && (remote == "" || id.remote == remote)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.calls {
		s.mu.Lock()
		for _, role := range []media.Role{media.Caller, media.Callee} {
			near, far := s.ends[role], s.ends[1-role]
			if near.peer == peer && len(far.dialogs) > 0 && slices.ContainsFunc(near.dialogs, fits) {
				id := far.dialogs[len(far.dialogs)-1]
				other, otherCallID, otherLocal, otherRemote, ok = far.peer, id.callID, id.local, id.remote, true
			}
		}
		s.mu.Unlock()
		if ok {
			break
		}
	}
	return other, otherCallID, otherLocal, otherRemote, ok
}
