package media

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"tollgate/firmware/g711"
	"tollgate/firmware/policy"
	"tollgate/firmware/quality"
)

// Leg is one side of a session. Its fields below the first group are guarded by session.mu.
type Leg struct {
	session *Session // guarded by the mu of the session itself, which Exchange holds
	own     SideConfig
	half    *half
	pool    *ports
	port    uint16 // of RTP

	holes        []Hole // open pinholes
	openers      []*opener
	sealers      []*sealer
	associations [2]*association // of RTP and RTCP; nil: none
	leadsBack    bool            // its peer's address is a leg of another call
}

// Params is what signalling has agreed on for a leg.
type Params struct {
	Remote     netip.AddrPort // where the peer wants RTP; an unspecified address or port 0: nowhere
	RemoteRTCP netip.AddrPort // where it wants RTCP unless Mux; zero: nowhere
	Mux        bool           // RTP and RTCP share one port (RFC 5761)
	NoRTCP     bool           // it wants none: what the other peer sends ends here, and the box makes none (RFC 3556)
	// Send and Receive are the keys of the two directions, ours and the peer's. Both or neither: nil is plain RTP.
	Send, Receive *Keys
	// DTLS makes the keys in their place; nil: it does not.
	DTLS *DTLS
	// ICE are the credentials of connectivity checks, with DTLS; nil: the peer makes none.
	ICE *ICE
	// ExtraSources are further senders of the peer's media, besides the addresses above.
	ExtraSources []netip.Prefix
	// Latching is when plain packets may begin to come from another of these places; "": strict.
	Latching policy.Latching
	// Returns tells that the peer may have sent the call back to the box: its address may be a leg of another call.
	Returns bool
	Hold    bool // the peer does not want to receive; what it sends is relayed all the same
	// PayloadMap changes the payload types of packets from this peer to those of the other leg's; what it lacks stays.
	PayloadMap map[uint8]uint8
	// Conversions change the speech of packets from this peer into the encoding of the other leg's, by the payload type that
	// arrives; what it lacks stays.
	Conversions map[uint8]g711.Conversion
	// ClockRate is how many ticks a second the timestamps of the leg's codec make; 0: 8000.
	ClockRate int
	// Fax tells that the peer sends and takes a fax by T.38 in the place of audio; without keys.
	Fax bool
	// ZRTP lets ZRTP pass between the two ends (RFC 6189), if both legs have it; without keys.
	ZRTP bool
	// Events are the telephone events that the box takes from the peer or makes for it; nil: none.
	Events *Events
}

// Local returns the leg's addresses as descriptions name them.
func (l *Leg) Local() (rtp, rtcp netip.AddrPort) {
	return l.own.advertise(l.port), l.own.advertise(l.port + 1)
}

// Set puts what was agreed on into force: when it returns, every packet is treated by it. It is called again when
// signalling agrees on something else; setting the same twice changes nothing.
//
// A key that the leg has used before goes on where it was, roll-over counter and replay window included; a new key
// starts afresh, and the peer's old one is good for two more seconds. When Set fails, everything is as before.
func (l *Leg) Set(p Params) error {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	var wanted [2]*Params
	wanted[l.session.roleOf(l)] = &p
	return l.session.set(wanted)
}

// check brings parameters into plain form and refuses what cannot work.
func (l *Leg) check(p *Params) error {
	p.Remote, p.RemoteRTCP = plain(p.Remote), plain(p.RemoteRTCP)
	own := l.session.config
	for _, at := range []*netip.AddrPort{&p.Remote, &p.RemoteRTCP} {
		a := *at
		if a.IsValid() && a.Addr().Is4() != own.side(l.half.side).Address.Is4() {
			return fmt.Errorf("the peer's address %v is of another family than ours", a)
		}
		if own.owns(a) {
			var err error
			if *at, err = l.returned(p, a); err != nil {
				return err
			}
		}
	}
	if (p.Fax || p.ZRTP) && (p.DTLS != nil || p.Send != nil || p.Receive != nil) {
		return errors.New("a fax by T.38 and ZRTP pass on legs without keys alone")
	}
	if p.DTLS != nil && (p.Send != nil || p.Receive != nil) {
		return errors.New("keys come by DTLS and by signalling at once")
	}
	if p.DTLS != nil {
		return p.DTLS.check()
	}
	if p.ICE != nil {
		return errors.New("connectivity checks are answered on legs with DTLS alone")
	}
	if (p.Send == nil) != (p.Receive == nil) {
		return errors.New("one direction has a key and the other has none")
	}
	if p.Send != nil && p.Send.shares(*p.Receive) {
		return errors.New("both directions have the same key")
	}
	if p.Send != nil && l.otherSends(*p.Send) {
		return errors.New("the other leg sends with the same key")
	}
	return nil
}

// plain returns an address that can be sent to, without IPv4 wrapped in IPv6, else the zero value.
func plain(a netip.AddrPort) netip.AddrPort {
	addr := a.Addr().Unmap().WithZone("")
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || a.Port() == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, a.Port())
}

// settingOf makes what the worker needs out of parameters.
func (l *Leg) settingOf(p Params) (setting, error) {
	n := setting{remote: p.Remote, control: p.RemoteRTCP, terms: terms{
		mux: p.Mux, noRTCP: p.NoRTCP, hold: p.Hold, latching: p.Latching, events: p.Events, fax: p.Fax, zrtp: p.ZRTP,
		sources: l.ownFamily(p.ExtraSources), clock: quality.ClockOf(uint32(p.ClockRate)),
	}}
	var err error
	if n.translation, err = translationOf(p); err != nil {
		return setting{}, err
	}
	if p.DTLS != nil {
		l.associate(p, &n)
	}
	if p.Send == nil {
		return n, nil
	}
	if n.open, err = l.openerFor(*p.Receive); err != nil {
		return setting{}, err
	}
	n.seal, err = l.sealerFor(*p.Send)
	return n, err
}

// ownFamily keeps the prefixes that packets on the leg's sockets can come from.
func (l *Leg) ownFamily(prefixes []netip.Prefix) []netip.Prefix {
	v4 := l.own.Address.Is4()
	var kept []netip.Prefix
	for _, p := range prefixes {
		if p.IsValid() && p.Addr().Is4() == v4 {
			kept = append(kept, p.Masked())
		}
	}
	return kept
}

// release gives back the leg's sockets and ports. Its worker must not know them any more.
func (l *Leg) release() {
	if err := l.pool.give(l.port, pair{l.half.rtp.socket, l.half.rtcp.socket}, time.Now()); err != nil {
		l.session.relay.log.Warn("closing a media port", "call", l.session.call, "err", err)
	}
}
