package media

import (
	"errors"
	"fmt"
	"net/netip"
)

// A peer that only passes signalling on may send a call that it gets from the box back to the box, with the description
// of the box: two phones that call one another by a proxy elsewhere. Then the outer legs of the two calls talk to one
// another, within this machine.
//
//	phone -> inner leg | outer leg -> outer leg | inner leg -> phone
//	              one call                another call
//
// So that no packet goes round for ever, at most one leg of a call leads back like this: each packet then leaves for a
// stranger after the second call.

// errRound is what both legs of a call may not do.
var errRound = errors.New("the call's other leg leads back to the box already")

// returned brings an address of our own into the form in which it is bound, when it may be that of another call.
func (l *Leg) returned(p *Params, a netip.AddrPort) (netip.AddrPort, error) {
	own := l.session.config.side(l.half.side)
	if !p.Returns || a.Addr() != own.Address && a.Addr() != own.Advertised {
		return a, fmt.Errorf("the peer's address %v is a media port of our own", a)
	}
	for _, o := range l.session.legs {
		if o.own.Address == own.Address && (a.Port() == o.port || a.Port() == o.port+1) {
			return a, fmt.Errorf("the peer's address %v is a media port of this very call", a)
		}
		if o != l && o.leadsBack {
			return a, errRound
		}
	}
	return netip.AddrPortFrom(own.Address, a.Port()), nil
}
