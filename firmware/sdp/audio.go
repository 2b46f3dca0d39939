package sdp

import (
	"net/netip"
	"strconv"
)

// Audio is the stream that is carried, as its author described it. It is read-only.
type Audio struct {
	Index     int            // of its m= line among the media lines, from 0
	Mid       string         // its name in a bundle (RFC 8843); "": it is in none
	Addr      netip.AddrPort // where its author wants RTP; the address 0.0.0.0 or :: means hold
	RTCP      netip.AddrPort // where its author wants RTCP unless Mux is agreed; zero when there is no such port
	Proto     string         // RTP/AVP, RTP/AVPF, RTP/SAVP or RTP/SAVPF, the last two with UDP/TLS/ before them for DTLS
	Codecs    []Codec        // in the author's order of preference, telephone-event and CN among them
	Cryptos   []Crypto       // usable SDES lines, in order
	Refused   []RefusedCrypto
	DTLS      *DTLS     // with a transport of DTLS: what the handshake goes by; nil otherwise
	Direction Direction // an address of 0.0.0.0 counted in
	NoRTCP    bool      // its author wants none (RFC 3556: RS and RR of 0)
	Mux       bool      // its author proposes or accepts RTP and RTCP on one port (RFC 5761)
	Ptime     int       // milliseconds of audio in a packet, 0 when not said
	MaxPtime  int       // milliseconds, 0 when not said
	Held      bool      // its author does not want to receive: sendonly, inactive or 0.0.0.0
	ZRTP      []string  // a=zrtp-hash: its author encrypts with the far end itself (RFC 6189 §8.1)
	Fax       *Fax      // it is no audio but a fax by T.38, without codecs, keys and RTCP; nil: it is audio
}

// Secure tells whether the stream's transport is SRTP. RTP/AVP with Cryptos is an offer of opportunistic encryption
// (RFC 8643), which is not Secure.
func (a *Audio) Secure() bool { return isSecure(a.Proto) }

// Handshakes tells whether the stream's keys are made by DTLS (RFC 5763).
func (a *Audio) Handshakes() bool { return isDTLS(a.Proto) }

// Keyed tells whether the stream brings keys, usable or not, whatever its transport.
func (a *Audio) Keyed() bool { return len(a.Cryptos)+len(a.Refused) > 0 }

// readAudio reads the media section with the given index as the audio stream to carry.
func (d *Description) readAudio(index int) (*Audio, error) {
	s := &d.media[index]
	if s.ports != 1 {
		return nil, unacceptable(s.line, "a stream on %d ports is not carried", s.ports)
	}
	proto, _ := protocolOf(s.proto)
	a := &Audio{Index: index, Mid: d.readMid(s), Proto: proto, Direction: d.directionFor(s)}
	if err := d.readAddresses(s, a); err != nil {
		return nil, err
	}
	if a.Addr.Addr().IsUnspecified() {
		a.Direction = a.Direction.deaf()
	}
	a.Held = !a.Direction.Receives()
	if err := s.readCodecs(a); err != nil {
		return nil, err
	}
	if err := s.readCryptos(a); err != nil {
		return nil, err
	}
	if a.Handshakes() {
		var err error
		if a.DTLS, err = d.readDTLS(s); err != nil {
			return nil, err
		}
	}
	_, a.Mux = s.attribute("rtcp-mux")
	a.NoRTCP = s.shares.none(d.shares)
	a.ZRTP = d.readZRTP(s)
	a.Ptime, a.MaxPtime = s.milliseconds("ptime"), s.milliseconds("maxptime")
	return a, nil
}

// directionFor returns the section's direction, else the session's, else sendrecv (RFC 8866 §6.7).
func (d *Description) directionFor(s *section) Direction {
	for _, a := range s.attributes {
		if dir, ok := directionOf(a.name); ok {
			return dir
		}
	}
	if d.direction != "" {
		return d.direction
	}
	return SendRecv
}

func (d *Description) readAddresses(s *section, a *Audio) error {
	c := s.connection
	if c == nil {
		c = d.connection
	}
	if c == nil {
		return malformed(s.line, "the stream has no c= line (RFC 8866 §5.7)")
	}
	addr, err := c.addr()
	if err != nil {
		return err
	}
	a.Addr = netip.AddrPortFrom(addr, s.port)
	a.RTCP, err = s.rtcpAddr(a.Addr)
	return err
}

// milliseconds reads a=ptime and a=maxptime; what makes no sense counts as not said, for it is only a wish.
func (s *section) milliseconds(name string) int {
	a, ok := s.attribute(name)
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(a.value, 64) // some phones write "20.0"
	if err != nil || f < 1 || f > 1000 {
		return 0
	}
	return int(f)
}
