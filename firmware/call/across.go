package call

import (
	"slices"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// A dialog that does not cross the box can be replaced through it all the same: who watches somebody across the border was
// told of it, under other names (package notice). The INVITE is then a call like any other, but it goes to the one who
// told and to nobody else, and its Replaces has the names that are known there.

// Told knows what watchers were told of dialogs across the border; *notice.Desk satisfies it.
type Told interface {
	// Told returns who has told watcher of a dialog under these names, and what a Replaces of it says there.
	Told(watcher policy.Peer, callID, toTag, fromTag string) (source policy.Peer, replaces string, ok bool)
}

// across is what an INVITE replaces on the other side.
type across struct {
	source policy.Peer
	value  string // of Replaces; "": nothing
}

// isAcross tells whether an INVITE replaces no dialog of the box but one that its sender was told of.
func (d *Desk) isAcross(in *ua.Incoming) bool {
	id, _, err := readReplaces(in)
	if err != nil || d.o.Told == nil {
		return false
	}
	if s, _ := d.find(id, in.Peer); s != nil {
		return false
	}
	_, _, ok := d.o.Told.Told(in.Peer, id.callID, id.local, id.remote)
	return ok
}

// toSource has a call that replaces a dialog across the border go to who told of it. An emergency call goes where it
// would anyway.
func (s *Session) toSource() *refusal {
	if len(field.All(s.in(), "Replaces")) == 0 || s.to.Emergency() {
		return nil
	}
	no := &refusal{status: 481, rule: "replaces", reason: s.peer.Name + " wants to replace a call that is not where it calls"}
	id, earlyOnly, err := readReplaces(s.in())
	if err != nil || s.desk.o.Told == nil {
		return no
	}
	source, value, ok := s.desk.o.Told.Told(s.peer, id.callID, id.local, id.remote)
	s.targets = slices.DeleteFunc(slices.Clone(s.targets), func(t route.Target) bool { return t.Peer != source })
	if !ok || len(s.targets) == 0 {
		return no
	}
	if earlyOnly {
		value += ";early-only"
	}
	s.across = across{source, value}
	return nil
}

// replacesAcross are the fields of the INVITE to a peer that has the dialog which is to be replaced.
func (s *Session) replacesAcross(peer policy.Peer) []sip.Header {
	if s.across.value == "" || s.across.source != peer {
		return nil
	}
	fields := []sip.Header{sip.NewHeader("Replaces", s.across.value)}
	if ua.Lists(field.All(s.in(), "Require"), "replaces") {
		fields = append(fields, sip.NewHeader("Require", "replaces"))
	}
	return fields
}
