package media

import (
	"encoding/binary"
	"fmt"
)

// maxSources bounds how many sources (SSRC) may appear under one key. Each costs memory for the rest of the call,
// because forgetting one would mean using its key stream again.
const maxSources = 32

// opener authenticates and decrypts what a peer sends under one key.
type opener struct {
	// What each packet needs comes first (warm).
	forRTP  protection
	rtpFrom sources
	first   [1]source // the room of rtpFrom until there are more

	forRTCP protection
	ctlFrom sources
	keys    Keys
}

// sealer encrypts what is sent to a peer under one key.
type sealer struct {
	// What each packet needs comes first (warm).
	forRTP  protection
	streams []stream
	first   [1]stream // the room of streams until there are more

	reserve
	forRTCP protection
	reports []reports
	keys    Keys
}

// source is an SSRC that has been authenticated.
type source struct {
	ssrc uint32
	replays
}

type sources []source

func (s sources) find(ssrc uint32) *source {
	for i := range s {
		if s[i].ssrc == ssrc {
			return &s[i]
		}
	}
	return nil
}

// look finds the source of a packet, nil when it is new. A verdict other than passed says that there is no room for one more.
func (s sources) look(ssrc uint32) (known *source, v verdict) {
	if known = s.find(ssrc); known == nil && len(s) == maxSources {
		return nil, crowded
	}
	return known, passed
}

// accept notes a packet that was authenticated; known is nil when it is the first of its source.
func (s *sources) accept(known *source, ssrc uint32, index uint64) {
	if known == nil {
		*s = append(*s, source{ssrc: ssrc})
		known = &(*s)[len(*s)-1]
	}
	known.accept(index)
}

func newOpener(k Keys) (o *opener, err error) {
	o = &opener{keys: k}
	o.rtpFrom = o.first[:0]
	if o.forRTP, o.forRTCP, err = k.protections(); err != nil {
		return nil, fmt.Errorf("the key to receive with: %w", err)
	}
	return o, nil
}

func newSealer(k Keys) (s *sealer, err error) {
	s = &sealer{keys: k}
	s.streams = s.first[:0]
	if s.forRTP, s.forRTCP, err = k.protections(); err != nil {
		return nil, fmt.Errorf("the key to send with: %w", err)
	}
	return s, nil
}

// unseal authenticates and decrypts a packet into dst.
func (o *opener) unseal(t *tools, dst, packet []byte, control bool) ([]byte, verdict) {
	if control {
		return o.rtcp(t, dst, packet)
	}
	return o.rtp(t, dst, packet)
}

// rtp authenticates and decrypts an SRTP packet into dst. The replay check comes before authentication, because it costs
// less; only a packet that was authenticated changes anything (RFC 3711 §3.3).
func (o *opener) rtp(t *tools, dst, packet []byte) ([]byte, verdict) {
	n := headerSize(packet)
	if n == 0 || len(packet) < n+o.forRTP.added() {
		return nil, malformed
	}
	seq, ssrc := binary.BigEndian.Uint16(packet[2:]), binary.BigEndian.Uint32(packet[8:])
	known, v := o.rtpFrom.look(ssrc)
	if v != passed {
		return nil, v
	}
	index := uint64(seq)
	if known != nil {
		index |= uint64(rollOver(known.next, seq)) << 16
		if !known.fresh(index) {
			return nil, replayed
		}
	}
	clear, ok := o.forRTP.openRTP(t, dst, packet, n, index)
	if !ok {
		return nil, forged
	}
	o.rtpFrom.accept(known, ssrc, index)
	return clear, passed
}

// rtcp authenticates and decrypts an SRTCP packet into dst.
func (o *opener) rtcp(t *tools, dst, packet []byte) ([]byte, verdict) {
	if len(packet) < ctlHeader+indexWord+o.forRTCP.added() {
		return nil, malformed
	}
	ssrc := binary.BigEndian.Uint32(packet[4:])
	known, v := o.ctlFrom.look(ssrc)
	if v != passed {
		return nil, v
	}
	index, ok := o.forRTCP.ctlIndex(packet)
	if !ok {
		return nil, malformed
	}
	if known != nil && !known.fresh(uint64(index)) {
		return nil, replayed
	}
	clear, ok := o.forRTCP.openRTCP(t, dst, packet, index)
	if !ok {
		return nil, forged
	}
	o.ctlFrom.accept(known, ssrc, uint64(index))
	return clear, passed
}

// rtp numbers and encrypts a plain packet into dst. The packet's own number is changed in place.
func (s *sealer) rtp(t *tools, dst, packet []byte) ([]byte, verdict) {
	n := headerSize(packet)
	if n == 0 {
		return nil, malformed
	}
	index, v := s.number(binary.BigEndian.Uint32(packet[8:]), binary.BigEndian.Uint16(packet[2:]))
	if v != passed {
		return nil, v
	}
	binary.BigEndian.PutUint16(packet[2:], uint16(index))
	return s.forRTP.sealRTP(t, dst, packet, n, index), passed
}

// number finds the index to leave with: roll-over counter, then sequence number.
func (s *sealer) number(ssrc uint32, seq uint16) (uint64, verdict) {
	for i := range s.streams {
		if st := &s.streams[i]; st.ssrc == ssrc {
			index, ok := st.next(seq)
			if !ok && s.lifts(&st.limit) {
				index, ok = st.next(seq)
			}
			if !ok {
				return 0, replayed
			}
			return index, passed
		}
	}
	if len(s.streams) == maxSources {
		return 0, crowded
	}
	if s.waits() {
		return 0, replayed
	}
	s.streams = append(s.streams, stream{})
	return s.begin(&s.streams[len(s.streams)-1], ssrc, seq), passed
}

// rtcp encrypts a plain compound packet into dst. The index that SRTCP numbers packets with is our own, so that nothing
// can be sent twice under one.
func (s *sealer) rtcp(t *tools, dst, packet []byte) ([]byte, verdict) {
	r, v := s.reportsOf(binary.BigEndian.Uint32(packet[4:]))
	if v != passed {
		return nil, v
	}
	if r.index >= lastCtlIndex {
		return nil, replayed // the key is worn out (RFC 3711 §9.2)
	}
	r.index++
	return s.forRTCP.sealRTCP(t, dst, packet, uint32(r.index)), passed
}
