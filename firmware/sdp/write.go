package sdp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// media is one m= line of a description of ours with what belongs to it.
type media interface {
	write(b *strings.Builder)
}

// write makes a whole description: strict, in the order of RFC 8866 §5, every line ended with CRLF. The address stands
// at session level, where it counts for rejected streams too. The origin is told before its line is written, so that
// its version is right.
func write(a *Anchor, lines []media) []byte {
	var rest strings.Builder
	rest.Grow(usualLength)
	rest.WriteString("s=-\r\nc=IN ")
	rest.WriteString(typed(a.Local.Addr()))
	rest.WriteString("\r\nt=0 0\r\n")
	if a.DTLS != nil && a.DTLS.ICE != nil {
		rest.WriteString("a=ice-lite\r\n") // RFC 8839 §5.3
	}
	a.writeGroup(&rest)
	for _, m := range lines {
		m.write(&rest)
	}
	o, body := a.Origin, rest.String()
	o.describe(body)
	head := fmt.Sprintf("v=0\r\no=- %d %d IN %s\r\n", o.SessionID, o.Version, typed(o.Address))
	return []byte(head + body)
}

// usualLength is room for a description without keys.
const usualLength = 512

// typed writes an address with its type.
func typed(a netip.Addr) string {
	if a = a.Unmap(); a.Is4() {
		return "IP4 " + a.String()
	}
	return "IP6 " + a.WithZone("").String()
}

// rejected is a stream of an offer that is not carried: its own words again, with port 0 (RFC 3264 §6).
type rejected struct{ offered *section }

func (r rejected) write(b *strings.Builder) {
	formats := r.offered.formats
	if len(formats) == 0 {
		formats = []string{"0"} // the grammar wants one
	}
	fmt.Fprintf(b, "m=%s 0 %s %s\r\n", r.offered.kind, r.offered.proto, strings.Join(formats, " "))
}

// stream is the audio stream as we describe it.
type stream struct {
	proto     string
	anchor    Anchor
	mux       bool
	codecs    []Codec
	cryptos   []Crypto
	dtls      *DTLS // nil: none
	ptime     int
	maxPtime  int
	direction Direction
	zrtp      []string // hashes of the far end
}

func (s stream) write(b *strings.Builder) {
	b.WriteString("m=audio ")
	b.WriteString(strconv.Itoa(int(s.anchor.Local.Port())))
	b.WriteString(" ")
	b.WriteString(s.proto)
	for _, c := range s.codecs {
		b.WriteString(" ")
		b.WriteString(strconv.Itoa(int(c.PT)))
	}
	b.WriteString("\r\n")
	s.anchor.writeMid(b)
	for _, c := range s.codecs {
		c.write(b)
	}
	writeMilliseconds(b, "ptime", s.ptime)
	writeMilliseconds(b, "maxptime", s.maxPtime)
	b.WriteString("a=")
	b.WriteString(string(s.direction))
	b.WriteString("\r\n")
	s.writeRTCP(b)
	for _, c := range s.cryptos {
		fmt.Fprintf(b, "a=crypto:%s\r\n", c.line())
	}
	for _, h := range s.zrtp {
		fmt.Fprintf(b, "a=zrtp-hash:%s\r\n", h)
	}
	if s.dtls != nil {
		s.dtls.write(b)
		if ice := s.dtls.ICE; ice != nil && s.mux {
			ice.write(b, s.anchor.Local)
		} else if ice != nil {
			ice.write(b, s.anchor.Local, s.anchor.control())
		}
	}
}

func (c Codec) write(b *strings.Builder) {
	pt := strconv.Itoa(int(c.PT))
	b.WriteString("a=rtpmap:")
	b.WriteString(pt)
	b.WriteString(" ")
	b.WriteString(c.Name)
	b.WriteString("/")
	b.WriteString(strconv.Itoa(c.Rate))
	if c.Channels > 1 {
		b.WriteString("/")
		b.WriteString(strconv.Itoa(c.Channels))
	}
	b.WriteString("\r\n")
	if c.Fmtp != "" {
		b.WriteString("a=fmtp:")
		b.WriteString(pt)
		b.WriteString(" ")
		b.WriteString(c.Fmtp)
		b.WriteString("\r\n")
	}
}

// writeRTCP says where RTCP goes, when that is not the port after RTP's (RFC 3605), and whether both share a port.
func (s stream) writeRTCP(b *strings.Builder) {
	rtcp := s.anchor.control()
	if local := s.anchor.Local; rtcp != netip.AddrPortFrom(local.Addr(), local.Port()+1) {
		fmt.Fprintf(b, "a=rtcp:%d IN %s\r\n", rtcp.Port(), typed(rtcp.Addr()))
	}
	if s.mux {
		b.WriteString("a=rtcp-mux\r\n")
	}
}

func writeMilliseconds(b *strings.Builder, name string, ms int) {
	if ms > 0 {
		fmt.Fprintf(b, "a=%s:%d\r\n", name, ms)
	}
}
