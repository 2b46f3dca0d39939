package capture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
)

// Signalling is what JudgeSignalling found.
type Signalling struct {
	Streams   int      // TCP directions that carried data
	Versions  []string // of TLS, as the servers chose them, each once
	ClearText []string // what was not TLS: SIP that can be read, bytes of TCP that are no TLS records or not known; empty is good
}

// JudgeSignalling looks at every TCP stream and at every packet. A stream counts as TLS when all its bytes are TLS
// records (RFC 8446 §5.1).
func JudgeSignalling(packets []Packet) Signalling {
	var s Signalling
	for _, p := range packets {
		if looksLikeSIP(p.Payload) {
			s.ClearText = append(s.ClearText, fmt.Sprintf("readable SIP over %s from %v to %v", p.Protocol, p.Source, p.Destination))
		}
	}
	for _, flow := range flows(packets) {
		s.Streams++
		b, gap := flow.bytes()
		version, err := walkTLS(b)
		if err := cmp.Or(gap, err); err != nil {
			s.ClearText = append(s.ClearText, fmt.Sprintf("%v to %v: %v", flow.source, flow.destination, err))
		}
		if version != "" && !slices.Contains(s.Versions, version) {
			s.Versions = append(s.Versions, version)
		}
	}
	slices.Sort(s.Versions)
	return s
}

// looksLikeSIP tells whether a payload holds the version every SIP message has in its first line (RFC 3261 §7).
func looksLikeSIP(b []byte) bool { return bytes.Contains(b, []byte("SIP/2.0")) }

// flow is one direction of a TCP connection.
type flow struct {
	source, destination netip.AddrPort
	first               uint32 // sequence number of the first byte, or of any byte when the start was not seen
	known, start        bool
	segments            []segment
}

type segment struct {
	offset int // from first
	data   []byte
}

// flows returns the directions that carried data, in order of appearance.
func flows(packets []Packet) []*flow {
	type key struct{ source, destination netip.AddrPort }
	var all []*flow
	current := map[key]*flow{}
	for _, p := range packets {
		if p.Protocol != TCP {
			continue
		}
		k := key{p.Source, p.Destination}
		f := current[k]
		if f == nil || p.Syn && f.known && f.first != p.Sequence+1 {
			f = &flow{source: p.Source, destination: p.Destination}
			current[k] = f
			all = append(all, f)
		}
		f.add(p)
	}
	return slices.DeleteFunc(all, func(f *flow) bool { return len(f.segments) == 0 })
}

func (f *flow) add(p Packet) {
	if !f.known {
		f.known, f.first = true, p.Sequence
		if p.Syn {
			f.start = true
			f.first++
		}
	}
	if len(p.Payload) > 0 {
		f.segments = append(f.segments, segment{int(int32(p.Sequence - f.first)), p.Payload})
	}
}

// bytes puts the segments together; repeated parts are taken once. It fails at a gap: what was not captured was not
// judged.
func (f *flow) bytes() ([]byte, error) {
	slices.SortStableFunc(f.segments, func(a, b segment) int { return cmp.Compare(a.offset, b.offset) })
	at := 0
	if !f.start {
		at = f.segments[0].offset
	}
	var out []byte
	for _, s := range f.segments {
		skip := at - s.offset
		if skip < 0 {
			return out, fmt.Errorf("%d bytes are missing in the capture after the first %d", -skip, len(out))
		}
		if skip < len(s.data) {
			out = append(out, s.data[skip:]...)
			at += len(s.data) - skip
		}
	}
	return out, nil
}

const (
	recordAlert     = 21
	recordHandshake = 22
	recordLowest    = 20
	recordHighest   = 23
	recordMax       = 1<<14 + 256 // RFC 8446 §5.2; 2048 more in TLS 1.2
	serverHello     = 2
	extVersions     = 43 // supported_versions
)

// walkTLS steps over TLS records and returns the version that a server's hello among them chose.
func walkTLS(b []byte) (version string, err error) {
	for at := 0; at+5 <= len(b); {
		kind, wire, length := b[at], binary.BigEndian.Uint16(b[at+1:]), int(binary.BigEndian.Uint16(b[at+3:]))
		if kind < recordLowest || kind > recordHighest || wire>>8 != 3 || length > recordMax+2048 {
			return version, fmt.Errorf("no TLS record at byte %d: % x", at, b[at:min(at+5, len(b))])
		}
		body := b[at+5 : min(at+5+length, len(b))]
		if kind == recordHandshake && version == "" {
			version = chosenVersion(body)
		}
		at += 5 + length
	}
	return version, nil
}

// chosenVersion reads a ServerHello (RFC 8446 §4.1.3); anything else gives "".
func chosenVersion(b []byte) string {
	if len(b) < 4+2+32+1 || b[0] != serverHello {
		return ""
	}
	version := binary.BigEndian.Uint16(b[4:])
	rest := b[38:]
	session := int(rest[0])
	if len(rest) < 1+session+2+1+2 {
		return versionName(version)
	}
	for ext := rest[1+session+5:]; len(ext) >= 4; {
		kind, size := binary.BigEndian.Uint16(ext), int(binary.BigEndian.Uint16(ext[2:]))
		if size > len(ext)-4 {
			break
		}
		if kind == extVersions && size == 2 {
			version = binary.BigEndian.Uint16(ext[4:])
		}
		ext = ext[4+size:]
	}
	return versionName(version)
}

func versionName(v uint16) string {
	return fmt.Sprintf("TLS %d.%d", v>>8-2, int(v&0xff)-1)
}
