package call

import (
	"net/netip"
	"slices"
	"strings"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
)

// sound is what a leg has agreed on about its audio, as far as it says why somebody may not be heard.
type sound struct {
	codec        string // as SDP names it
	kinds        []uint8
	sends, takes bool // the peer; one that holds may send music, and need not
	pauses       bool // it need not send while nobody speaks
	box, named   netip.AddrPort
	sentTo       netip.Addr
}

// speech is the codec that the leg speaks: the first that both have named.
func (l *Leg) speech() sdp.Codec {
	remote, heard := l.remote().Audio()
	said, spoken := l.said().Audio()
	if !heard || !spoken {
		return sdp.Codec{}
	}
	for _, c := range remote.Codecs {
		for _, ours := range said.Codecs {
			if c.Voice() && c.Same(ours) {
				return c
			}
		}
	}
	return sdp.Codec{}
}

// noteSound keeps what both legs have agreed on for those who look on.
func (s *Session) noteSound() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range []*Leg{s.caller, s.callee} {
		s.sound[s.role(l)] = l.sound()
	}
}

func (l *Leg) sound() sound {
	remote, heard := l.remote().Audio()
	said, spoken := l.said().Audio()
	if !heard || !spoken {
		return sound{}
	}
	if remote.Fax != nil {
		return sound{codec: "T.38", box: said.Addr, named: remote.Addr, sentTo: l.heardAt(remote.Addr).Addr()}
	}
	a := sound{
		codec: l.speech().Name, box: said.Addr, named: remote.Addr, sentTo: l.heardAt(remote.Addr).Addr(),
		sends: remote.Direction.Sends() && said.Direction.Receives() && !remote.Held, takes: !remote.Held && said.Direction.Sends(),
	}
	for _, c := range slices.Concat(said.Codecs, remote.Codecs) {
		if !slices.Contains(a.kinds, c.PT) {
			a.kinds = append(a.kinds, c.PT)
		}
		a.pauses = a.pauses || !c.Voice() && c.Name == "CN" || c.Name == "G729" && !strings.Contains(c.Fmtp, "annexb=no")
	}
	return a
}

// outside tells whether a role's peer is a carrier. s.mu is held.
func (s *Session) outside(r media.Role) bool { return s.shown.Leg(r).Side() == policy.SideOutside }
