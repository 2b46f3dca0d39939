package media

import (
	"net/netip"

	"tollgate/firmware/stun"

	"tollgate/firmware/datagram"
)

// ICE are the credentials of connectivity checks on a leg (RFC 8445). The box is a lite implementation (§2.5): it answers
// checks that are made with them, and sends to where the peer nominates.
type ICE struct {
	Ufrag, Pwd string // ours, as our description names them
	PeerUfrag  string
}

// sameICE tells whether two legs' credentials are the same; nil are none.
func sameICE(a, b *ICE) bool { return a == b || a != nil && b != nil && *a == *b }

// check answers a connectivity check. One that was not made with the leg's credentials gets no answer, and only its
// password lets a check move the media: an address proves nothing.
func (f *flow) check(from netip.AddrPort, packet []byte) {
	i := f.half.ice
	c, err := stun.ReadCheck(packet, i.Pwd)
	if err != nil || c.Username != i.Ufrag+":"+i.PeerUfrag {
		f.half.counters.authFailures.Add(1)
		return
	}
	to := datagram.NameOf(from)
	if c.Controlled { // the peer has to decide: we are lite
		f.socket.Send(c.Refuse(i.Pwd), &to)
		return
	}
	f.socket.Send(c.Confirm(from, i.Pwd), &to)
	if c.Nominates && from != f.nominated {
		f.nominated, f.learned = from, from
		f.aim()
	}
}
