package media

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"
)

// A router in front of the box lets the peer's packets in only after one of ours has gone out, and forgets that after half
// a minute. So on a side that is kept open the box sends first, as soon as it knows where to, early media included, and
// again when nothing has left for a while, during a hold too (RFC 6263 §4). RTCP follows within seconds, before the first
// reports are due (RFC 3550 §6.2). What it sends is for routers and for those that answer to where packets come from; the
// peer passes over it:
//
//	RTP    an empty packet of a source of its own, with a payload type that nobody has negotiated (RFC 6263 §4.6)
//	RTCP   a receiver report about nothing, with the source description that has to follow it (RFC 3550 §6.1)
//
// An encrypted leg sends them encrypted, so that they are the peer's to check like all others.

const (
	// openType is a payload type that RFC 3551 §6 leaves unassigned and that no description may give to a codec.
	openType = 20
	// keepEvery is how often a way on which nothing goes is kept open; looks are how often it is seen whether it is due.
	keepEvery = 15 * time.Second
	looks     = 5 * time.Second
	// shares is in how many parts a worker looks at its legs, so that what the box says itself delays no audio. It is odd,
	// because a leg's flows of RTP lie two places apart.
	shares = 49
)

// opening is what a leg needs to keep its ways open. Its worker's lock guards it.
type opening struct {
	wanted bool // the leg's side is kept open
	owing  bool // RTP's way was opened, and RTCP's was not yet
	ssrc   uint32
	seq    uint16
	last   time.Time // when packets were last seen to leave, or one of our own left
	out    uint64    // how many had left then
}

func newOpening(wanted bool) opening {
	return opening{wanted: wanted, ssrc: rand.Uint32(), seq: uint16(rand.Uint32())}
}

// keepWaysOpen has every worker look at its legs until the relay is closed.
func (r *Relay) keepWaysOpen() {
	t := time.NewTicker(looks / shares)
	defer t.Stop()
	for share := 0; ; share = (share + 1) % shares {
		select {
		case <-r.ended:
			return
		case now := <-t.C:
			for _, w := range r.workers {
				w.do(func() { w.keepWays(now, share) })
			}
		}
	}
}

// keepWays sends on the ways of a share of the worker's legs on which nothing has left for a while, and on those of RTCP
// that were not opened yet.
func (w *worker) keepWays(now time.Time, share int) {
	for i := share; i < len(w.flows); i += shares {
		f := w.flows[i]
		if f == nil || f.control {
			continue
		}
		h := f.half
		if h.opening.due(h.counters, now) {
			w.greet(h, now)
		}
		if h.opening.owing {
			h.opening.owing = false
			w.emit(h, h.opening.report(), true)
		}
		w.report(h, now)
	}
}

// due tells whether nothing has left for a while.
func (o *opening) due(c *counters, now time.Time) bool {
	if !o.wanted {
		return false
	}
	if out := c.packetsOut.Load(); out != o.out {
		o.out, o.last = out, now
	}
	return now.Sub(o.last) >= keepEvery
}

// greet sends a packet of our own to the leg's peer, when it is known where. A report follows at the next look.
func (w *worker) greet(h *half, now time.Time) {
	o := &h.opening
	if !o.wanted || h.fax {
		return
	}
	o.last, o.owing = now, !h.mux
	w.emit(h, o.packet(now), false)
}

// emit is send for what the box says itself: it is not counted, and a hold does not keep it back.
func (w *worker) emit(h *half, packet []byte, control bool) {
	f := h.rtp
	if control && !h.mux {
		f = h.rtcp
	}
	if !f.to.IsValid() || f.pending || h.noRTCP && control {
		return
	}
	if packet, v := w.seal(f, packet, control); v == passed {
		f.socket.Send(packet, &f.to) // what is lost is sent again
	}
}

// packet is an RTP packet without payload (RFC 3550 §5.1). Its clock is the usual one of audio; nobody reads it.
func (o *opening) packet(now time.Time) []byte {
	b := make([]byte, 12)
	b[0], b[1] = 2<<6, openType
	o.seq++
	binary.BigEndian.PutUint16(b[2:], o.seq)
	binary.BigEndian.PutUint32(b[4:], uint32(now.UnixMilli()*8))
	binary.BigEndian.PutUint32(b[8:], o.ssrc)
	return b
}

// report is a receiver report without blocks, and a source description (RFC 3550 §6.4.2).
func (o *opening) report() []byte {
	b := make([]byte, 8, 28)
	b[0], b[1], b[3] = 2<<6, 201, 1
	binary.BigEndian.PutUint32(b[4:], o.ssrc)
	return o.describe(b, o.ssrc)
}

// describe adds the description of a source, with a name that says nothing (RFC 3550 §6.5, RFC 7022 §4.2).
func (o *opening) describe(b []byte, source uint32) []byte {
	b = append(b, 2<<6|1, 202, 0, 4)
	b = binary.BigEndian.AppendUint32(b, source)
	b = append(b, 1, 8) // CNAME
	b = fmt.Appendf(b, "%08x", o.ssrc)
	return append(b, 0, 0) // the end of the list, padded
}
