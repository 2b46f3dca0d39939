package sdp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// protoUDPTL is the transport of a fax by ITU-T T.38 in UDP (Annex D; RFC 3362). It is never encrypted.
const protoUDPTL = "udptl"

// Fax is what the author of an image stream says of T.38.
type Fax struct {
	Attributes []FaxAttribute // those of T.38 §D.2.3 alone, in order
}

// FaxAttribute is one of them; Value is "" for a flag.
type FaxAttribute struct{ Name, Value string }

// faxAttributes are the names that are passed on, in their proper spelling.
var faxAttributes = []string{
	"T38FaxVersion", "T38MaxBitRate", "T38FaxFillBitRemoval", "T38FaxTranscodingMMR", "T38FaxTranscodingJBIG", "T38FaxRateManagement",
	"T38FaxMaxBuffer", "T38FaxMaxDatagram", "T38FaxMaxIFP", "T38FaxUdpEC", "T38FaxUdpECDepth", "T38FaxUdpFECMaxSpan", "T38ModemType",
}

// isFax tells whether the section is an active fax stream.
func (s *section) isFax() bool {
	return s.kind == "image" && s.port != 0 && strings.EqualFold(s.proto, protoUDPTL) && slices.Contains(s.formats, "t38")
}

// readFax reads the media section with the given index as the fax to carry.
func (d *Description) readFax(index int) (*Audio, error) {
	s := &d.media[index]
	if s.ports != 1 {
		return nil, unacceptable(s.line, "a fax on %d ports is not carried", s.ports)
	}
	a := &Audio{Index: index, Proto: protoUDPTL, Direction: SendRecv, Fax: &Fax{}}
	if err := d.readAddresses(s, a); err != nil {
		return nil, err
	}
	a.RTCP = netip.AddrPort{} // there is none
	for _, at := range s.attributes {
		i := slices.IndexFunc(faxAttributes, func(name string) bool { return strings.EqualFold(name, at.name) })
		if i >= 0 && (at.value == "" || isParameters(at.value)) {
			a.Fax.Attributes = append(a.Fax.Attributes, FaxAttribute{faxAttributes[i], at.value})
		}
	}
	return a, nil
}

// faxStream is a fax as we describe it.
type faxStream struct {
	port uint16
	fax  *Fax
}

func (f faxStream) write(b *strings.Builder) {
	fmt.Fprintf(b, "m=image %d %s t38\r\n", f.port, protoUDPTL)
	for _, a := range f.fax.Attributes {
		b.WriteString("a=" + a.Name)
		if a.Value != "" {
			b.WriteString(":" + a.Value)
		}
		b.WriteString("\r\n")
	}
}
