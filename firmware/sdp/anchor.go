package sdp

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
)

// Origin is the author of the descriptions that one leg of ours sends in one dialog: the o= line (RFC 8866 §5.2). It is
// plain data, to be kept with the leg and saved with the call.
type Origin struct {
	SessionID uint64
	Version   uint64     // of the last description, 0 before the first
	Address   netip.Addr // unicast, ours
	// Digest recognises the last description, so that Version grows by one when the next differs and stays when it
	// does not (RFC 3264 §8).
	Digest [sha256.Size]byte
}

// NewOrigin starts the descriptions of a leg. The session identifier is random and fits into 31 bits, because there
// are phones that read it into an int.
func NewOrigin(address netip.Addr, random io.Reader) (Origin, error) {
	var b [4]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Origin{}, fmt.Errorf("sdp: drawing a session identifier: %w", err)
	}
	id := uint64(binary.BigEndian.Uint32(b[:])>>1) | 1<<20 // never so small that it looks like a counter
	return Origin{SessionID: id, Address: address}, nil
}

// describe counts a description of ours, given without its o= line.
func (o *Origin) describe(body string) {
	if d := sha256.Sum256([]byte(body)); d != o.Digest {
		o.Digest = d
		o.Version++
	}
}

// Anchor is where and how one leg of ours takes media: what a description is rewritten to.
type Anchor struct {
	Origin *Origin        // of the leg; Offer and Answer keep it up to date
	Local  netip.AddrPort // RTP
	RTCP   netip.AddrPort // zero: the port after Local's
	Mux    bool           // offer, or accept where offered, RTP and RTCP on one port (RFC 5761)
	// Mid is the stream's name where it is offered as a bundle of its own, with Mux (RFC 8843); "": it is not. In an answer it
	// has no effect: that follows the offer.
	Mid string
	// Cryptos are our keys: in an offer every line, in an answer the one with the tag that was chosen. With none the
	// leg is plain RTP.
	Cryptos []Crypto
	// Opportunistic offers the keys in RTP/AVP, to be taken or left (RFC 8643). In an answer it has no effect: that
	// follows the offer.
	Opportunistic bool
	// DTLS is what the handshake goes by, in the place of Cryptos: in an offer with SetupEither, in an answer with the role
	// that was chosen.
	DTLS *DTLS
	// Codecs is the allow-list of encoding names, in the order in which an offer lists them; nil allows all in the
	// order of the other leg. telephone-event and CN pass besides.
	Codecs []string
	// Swap has an offer name the other encoding of G.711 in the place of the one that the other leg's peer has, if it has
	// but one: the leg's peer takes no codec of that one's. Without it that is done only when nothing else is left.
	Swap   bool
	Events Events
	// ZRTP passes on the hash by which the two ends recognise one another when they encrypt between them (RFC 6189 §8.1).
	ZRTP bool
	// Ptime is how many milliseconds of audio a packet to the other leg's peer should have, 0: as that says.
	Ptime int
	// Direction replaces the one of the other leg; "" takes that.
	Direction Direction
}

func (a *Anchor) check() error {
	switch {
	case a.Origin == nil:
		return fmt.Errorf("sdp: the anchor has no origin")
	case !a.Origin.Address.IsValid():
		return fmt.Errorf("sdp: the anchor's origin has no address")
	case a.DTLS != nil && (len(a.Cryptos) > 0 || len(a.DTLS.Fingerprints) != 1 || a.DTLS.Setup == ""):
		return fmt.Errorf("sdp: the anchor has DTLS without one fingerprint and a role, or with crypto lines beside it")
	case !a.Local.IsValid() || a.Local.Port() == 0:
		return fmt.Errorf("sdp: the anchor has no local address and port")
	}
	for i, c := range a.Cryptos {
		if first, _ := Tagged(a.Cryptos, c.Tag); c.Tag < 1 || len(c.Key) != KeyLength(c.Suite) || !slices.Equal(first.Key, c.Key) {
			return fmt.Errorf("sdp: crypto line %d of the anchor has no key or a tag of its own", i+1)
		}
	}
	return nil
}

// proto returns the transport of an offer.
func (a *Anchor) proto() string {
	switch {
	case a.DTLS != nil:
		return protoDTLSSAVP
	case len(a.Cryptos) > 0 && !a.Opportunistic:
		return protoSAVP
	}
	return protoAVP
}

// control returns where RTCP is taken.
func (a *Anchor) control() netip.AddrPort {
	if a.RTCP.IsValid() {
		return a.RTCP
	}
	return netip.AddrPortFrom(a.Local.Addr(), a.Local.Port()+1)
}

// direction returns what to write for a leg whose other side said d.
func (a *Anchor) direction(d Direction) Direction {
	if a.Direction != "" {
		return a.Direction
	}
	return d
}

// rank returns a codec's place in the allow-list and whether it may be spoken on the leg. What goes beside speech comes last.
func (a *Anchor) rank(c Codec) (int, bool) {
	if !c.Voice() {
		return len(a.Codecs) + 1, true
	}
	if a.Codecs == nil {
		return 0, true
	}
	i := slices.IndexFunc(a.Codecs, func(name string) bool { return strings.EqualFold(name, c.Name) })
	return i, i >= 0
}

// allows tells whether a codec may be spoken on the leg.
func (a *Anchor) allows(c Codec) bool {
	_, ok := a.rank(c)
	return ok
}

// packets returns a=ptime and a=maxptime for what the other leg's peer says of them.
func (a *Anchor) packets(other *Audio) (ptime, maxPtime int) {
	if a.Ptime == 0 {
		return other.Ptime, other.MaxPtime
	}
	if other.MaxPtime > 0 {
		return min(a.Ptime, other.MaxPtime), other.MaxPtime
	}
	return a.Ptime, 0
}

// sound checks what is left of a list of codecs: speech it must have, and comfort noise only beside speech of the same
// clock (RFC 3389 §4).
func sound(codecs []Codec, problem string) ([]Codec, error) {
	if !slices.ContainsFunc(codecs, Codec.Voice) {
		return nil, unacceptable(0, "%s", problem)
	}
	return slices.DeleteFunc(codecs, func(c Codec) bool {
		beside := func(v Codec) bool { return v.Voice() && v.Rate == c.Rate }
		return c.Name == comfortNoise && !slices.ContainsFunc(codecs, beside)
	}), nil
}
