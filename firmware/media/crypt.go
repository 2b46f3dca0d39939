package media

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// maxSources bounds how many sources (SSRC) may appear under one key. Each costs memory for the rest of the call,
// because forgetting one would mean using its key stream again.
const maxSources = 32

// replayWindow is how many packets may overtake one another (RFC 3711 §3.3.2: at least 64).
const replayWindow = 128

// opener authenticates and decrypts what a peer sends under one key.
type opener struct {
	keys    Keys
	context *srtp.Context
	tag     int // what SRTP adds to RTP
	ctlTag  int // and to RTCP, the index left out
	header  rtp.Header
	rtpFrom sources
	ctlFrom sources
	from    uint64   // where the next window begins
	made    *replays // the last
}

// sealer encrypts what is sent to a peer under one key.
type sealer struct {
	keys    Keys
	context *srtp.Context
	header  rtp.Header
	streams []stream
	reports []reports
	reserve
}

// source is an SSRC that has been authenticated.
type source struct {
	ssrc    uint32
	window  *replays
	resumed bool // taken over from another process, and not heard since
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

// admits tells whether a packet from ssrc may be looked at: it is known, or there is room for one more.
func (s sources) admits(ssrc uint32) bool { return len(s) < maxSources || s.find(ssrc) != nil }

// add notes a source that was authenticated; w is the window that was made for it, if it is new.
func (s *sources) add(ssrc uint32, w *replays) {
	if known := s.find(ssrc); known != nil {
		known.resumed = false
		return
	}
	*s = append(*s, source{ssrc: ssrc, window: w})
}

func newOpener(k Keys) (*opener, error) {
	o := &opener{keys: k}
	c, err := k.context(srtp.SRTPReplayDetectorFactory(o.rtpWindow), srtp.SRTCPReplayDetectorFactory(o.ctlWindow))
	if err != nil {
		return nil, fmt.Errorf("the key to receive with: %w", err)
	}
	o.context = c
	o.tag, o.ctlTag = k.tagLengths()
	return o, nil
}

func newSealer(k Keys) (*sealer, error) {
	c, err := k.context(srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, fmt.Errorf("the key to send with: %w", err)
	}
	return &sealer{keys: k, context: c}, nil
}

// unseal authenticates and decrypts a packet into dst.
func (o *opener) unseal(dst, packet []byte, control bool) ([]byte, verdict) {
	if control {
		return o.rtcp(dst, packet)
	}
	return o.rtp(dst, packet)
}

// rtp authenticates and decrypts an SRTP packet into dst.
func (o *opener) rtp(dst, packet []byte) ([]byte, verdict) {
	n := headerSize(packet)
	if n == 0 || len(packet) < n+o.tag {
		return nil, malformed
	}
	if _, err := o.header.Unmarshal(packet); err != nil {
		return nil, malformed
	}
	if !o.rtpFrom.admits(o.header.SSRC) {
		return nil, crowded
	}
	if s := o.rtpFrom.find(o.header.SSRC); s != nil && s.resumed {
		o.context.SetROC(s.ssrc, rollOver(s.window.next, o.header.SequenceNumber))
	}
	clear, err := o.context.DecryptRTP(dst, packet, &o.header)
	if err != nil {
		return nil, judge(err)
	}
	o.rtpFrom.add(o.header.SSRC, o.made)
	return clear, passed
}

// rtcp authenticates and decrypts an SRTCP packet into dst.
func (o *opener) rtcp(dst, packet []byte) ([]byte, verdict) {
	if len(packet) < 8+4+o.ctlTag { // header, index, tag
		return nil, malformed
	}
	ssrc := binary.BigEndian.Uint32(packet[4:])
	if !o.ctlFrom.admits(ssrc) {
		return nil, crowded
	}
	clear, err := o.context.DecryptRTCP(dst, packet, nil)
	if err != nil {
		return nil, judge(err)
	}
	o.ctlFrom.add(ssrc, o.made)
	return clear, passed
}

// judge tells a wrong key or an altered packet from a repeated one, the only other thing that can be wrong by now.
func judge(err error) verdict {
	if errors.Is(err, srtp.ErrFailedToVerifyAuthTag) || errors.Is(err, srtp.ErrMKINotFound) {
		return forged
	}
	return replayed
}

// rtp numbers and encrypts a plain packet into dst. The packet's own number is changed in place.
func (s *sealer) rtp(dst, packet []byte) ([]byte, verdict) {
	seq, v := s.number(binary.BigEndian.Uint32(packet[8:]), binary.BigEndian.Uint16(packet[2:]))
	if v != passed {
		return nil, v
	}
	binary.BigEndian.PutUint16(packet[2:], seq)
	sealed, err := s.context.EncryptRTP(dst, packet, &s.header)
	if err != nil {
		return nil, malformed
	}
	return sealed, passed
}

// number finds the sequence number to leave with.
func (s *sealer) number(ssrc uint32, seq uint16) (uint16, verdict) {
	for i := range s.streams {
		if st := &s.streams[i]; st.ssrc == ssrc {
			out, ok := st.next(seq)
			if !ok && s.lifts(&st.limit) {
				out, ok = st.next(seq)
			}
			if !ok {
				return 0, replayed
			}
			return out, passed
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
func (s *sealer) rtcp(dst, packet []byte) ([]byte, verdict) {
	r, v := s.reportsOf(binary.BigEndian.Uint32(packet[4:]))
	if v != passed {
		return nil, v
	}
	sealed, err := s.context.EncryptRTCP(dst, packet, nil)
	if err != nil {
		return nil, malformed
	}
	r.index++ // as the context has
	return sealed, passed
}
