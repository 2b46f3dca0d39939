package capture

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
)

// Stream is the RTP of one synchronisation source on one way, encrypted or not.
type Stream struct {
	Source, Destination netip.AddrPort
	SSRC                uint32
	PayloadType         uint8
	Packets             int
	Sequence            uint16 // of the last packet
	Payload             []byte // of all packets, one after the other
}

const rtpHeader = 12

// Streams returns the RTP streams (RFC 3550 §5.1) of a capture with at least atLeast packets, the longest first. RTCP
// has payload types of its own (RFC 5761 §4) and is left out.
func Streams(packets []Packet, atLeast int) []Stream {
	type key struct {
		source, destination netip.AddrPort
		ssrc                uint32
	}
	byKey := map[key]*Stream{}
	for _, p := range packets {
		payload, payloadType, ssrc, ok := rtp(p)
		if !ok {
			continue
		}
		k := key{p.Source, p.Destination, ssrc}
		s := byKey[k]
		if s == nil {
			s = &Stream{Source: p.Source, Destination: p.Destination, SSRC: ssrc, PayloadType: payloadType}
			byKey[k] = s
		}
		s.Packets++
		s.Sequence = binary.BigEndian.Uint16(p.Payload[2:])
		s.Payload = append(s.Payload, payload...)
	}
	var streams []Stream
	for _, s := range byKey {
		if s.Packets >= atLeast {
			streams = append(streams, *s)
		}
	}
	slices.SortFunc(streams, func(a, b Stream) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), a.Source.Compare(b.Source), cmp.Compare(a.SSRC, b.SSRC))
	})
	return streams
}

func rtp(p Packet) (payload []byte, payloadType uint8, ssrc uint32, ok bool) {
	b := p.Payload
	if p.Protocol != UDP || len(b) <= rtpHeader || b[0]>>6 != 2 {
		return nil, 0, 0, false
	}
	payloadType = b[1] & 0x7f
	if payloadType >= 64 && payloadType <= 95 {
		return nil, 0, 0, false
	}
	header := rtpHeader + 4*int(b[0]&15)
	if b[0]&0x10 != 0 {
		if len(b) < header+4 {
			return nil, 0, 0, false
		}
		header += 4 + 4*int(binary.BigEndian.Uint16(b[header+2:]))
	}
	if header >= len(b) {
		return nil, 0, 0, false
	}
	return b[header:], payloadType, binary.BigEndian.Uint32(b[8:]), true
}

// Entropy is how random the payload is, in bits a byte: 8 for perfect noise, well below for speech or a tone.
func (s Stream) Entropy() float64 {
	if len(s.Payload) == 0 {
		return 0
	}
	var count [256]int
	for _, b := range s.Payload {
		count[b]++
	}
	var bits float64
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s.Payload))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// Decoded is the payload taken as each of the codecs of fixed telephony, G.711 µ-law and A-law, by name.
func (s Stream) Decoded() map[string][]int16 {
	decoded := map[string][]int16{"PCMU": make([]int16, len(s.Payload)), "PCMA": make([]int16, len(s.Payload))}
	for i, b := range s.Payload {
		decoded["PCMU"][i] = ulaw(b)
		decoded["PCMA"][i] = alaw(b)
	}
	return decoded
}

// ulaw expands ITU-T G.711 table 2a.
func ulaw(b byte) int16 {
	b = ^b
	magnitude := (int(b&15)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		return int16(-magnitude)
	}
	return int16(magnitude)
}

// alaw expands ITU-T G.711 table 1a.
func alaw(b byte) int16 {
	b ^= 0x55
	magnitude, segment := int(b&15)<<4+8, b>>4&7
	if segment > 0 {
		magnitude = (magnitude + 0x100) << (segment - 1)
	}
	if b&0x80 == 0 {
		return int16(-magnitude)
	}
	return int16(magnitude)
}
