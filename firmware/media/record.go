package media

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"tollgate/firmware/policy"
)

// A SessionRecord is what a session needs to go on in another process: plain data, with the keys. It is for a place that
// forgets with the power. What signalling has agreed on is not in it: the legs are Set again.
type SessionRecord struct {
	Call string
	Legs [2]LegRecord // by Role
}

// LegRecord is one leg of a SessionRecord.
type LegRecord struct {
	Side    policy.Side
	Local   netip.AddrPort // bound, for RTP
	Openers []OpenerRecord `json:",omitempty"` // of keys by signalling
	Sealers []SealerRecord `json:",omitempty"`
	Flows   [2]FlowRecord  // RTP and RTCP
	ICE     *ICE           `json:",omitempty"`
	Own     uint32         // the SSRC of the box's own packets
	Counted Counted
}

// FlowRecord is one port of a LegRecord.
type FlowRecord struct {
	Signalled, Learned, Nominated netip.AddrPort   `json:",omitzero"`
	Handshake                     *HandshakeRecord `json:",omitempty"` // nil: there was none, or it was not over
}

// HandshakeRecord is what has come of a DTLS handshake.
type HandshakeRecord struct {
	Active       bool
	Fingerprints []Fingerprint
	Remote, Peer netip.AddrPort // as signalled, and where its packets came from
	Open         OpenerRecord
	Seal         SealerRecord
}

// OpenerRecord is a key of the peer's and what has come under it.
type OpenerRecord struct {
	Keys     Keys
	RTP, CTL []Received `json:",omitempty"`
}

// Received is what has come of one source: every index below Next counts as replayed.
type Received struct {
	SSRC uint32
	Next uint64
}

// SealerRecord is a key of ours and what may have left under it, in this process, which is number Lives.
type SealerRecord struct {
	Keys     Keys
	Lives    uint64
	RTP, CTL []Reserved `json:",omitempty"`
}

// Reserved says that the numbers of a source up to Limit may have been used. Last is the number of its last packet as it
// came to us.
type Reserved struct {
	SSRC  uint32
	Limit uint64
	Last  uint16
}

// Counted are the counters that go on.
type Counted struct {
	PacketsIn, PacketsOut, BytesIn, BytesOut, ControlIn, ControlOut      uint64 `json:",omitzero"`
	AuthFailures, Early, Strangers, Replays, Malformed, Withheld, LastIn uint64 `json:",omitzero"`
}

// KeepRecords has what leaves under a key bounded by what Records has reserved and Kept has confirmed, for as long as on
// is true. It comes before the first Open; false lifts the bound for good.
func (r *Relay) KeepRecords(on bool) { r.keeps.Store(on) }

const (
	// atOnce is how many sessions are described while their worker waits, and breath is how long it has for packets before
	// the next ones.
	atOnce = 16
	breath = time.Millisecond
)

// Records describes every open session, one after the other, and reserves the numbers of packets to come. Once the records
// are written, Kept has to be called: packets leave up to what is reserved, and no further. One caller at a time. It takes
// its time, so that no packet waits for it; meanwhile no legs are exchanged, so that each is in one record.
func (r *Relay) Records() iter.Seq[SessionRecord] {
	return func(yield func(SessionRecord) bool) {
		r.exchange.Lock() // sessions that exchange legs are each locked by whom the other may wait for
		defer r.exchange.Unlock()
		r.renewed = r.renewed[:0]
		var records []SessionRecord
		for w, sessions := range r.byWorker() {
			for few := range slices.Chunk(sessions, atOnce) {
				records = r.describe(w, few, records[:0])
				for _, rec := range records {
					if !yield(rec) {
						return
					}
				}
				time.Sleep(breath)
			}
		}
	}
}

// describe appends the records of a few sessions of a worker.
func (r *Relay) describe(w *worker, few []*Session, records []SessionRecord) []SessionRecord {
	for _, s := range few {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	w.do(func() {
		for _, s := range few {
			if s.closed {
				continue
			}
			rec, news := s.record()
			records = append(records, rec)
			if news {
				r.renewed = append(r.renewed, s)
			}
		}
	})
	return records
}

func (r *Relay) byWorker() map[*worker][]*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	by := map[*worker][]*Session{}
	for s := range r.sessions {
		by[s.worker] = append(by[s.worker], s)
	}
	return by
}

// Kept says that what Records has returned last is written down.
func (r *Relay) Kept() {
	for _, s := range r.renewed {
		s.mu.Lock()
		s.worker.do(func() {
			for _, l := range s.legs {
				for _, sealer := range l.allSealers() {
					sealer.fulfil()
				}
			}
		})
		s.mu.Unlock()
	}
}

// allSealers are those of keys by signalling and of handshakes. On the worker.
func (l *Leg) allSealers() []*sealer {
	list := slices.Clone(l.sealers)
	for _, f := range []*flow{l.half.rtp, l.half.rtcp} {
		if f.association != nil && f.seal != nil {
			list = append(list, f.seal)
		}
	}
	return list
}

// record describes the session; news tells that it reserves more than the last one. On the worker, with mu held.
func (s *Session) record() (rec SessionRecord, news bool) {
	rec.Call = s.call
	for i, l := range s.legs {
		for _, sealer := range l.allSealers() {
			news = sealer.promise() || news
		}
		rec.Legs[i] = l.record()
	}
	return rec, news
}

func (l *Leg) record() LegRecord {
	h := l.half
	rec := LegRecord{
		Side: h.side, Local: netip.AddrPortFrom(l.own.Address, l.port), ICE: h.ice, Own: h.opening.ssrc, Counted: h.counters.record(),
		Flows: [2]FlowRecord{h.rtp.record(), h.rtcp.record()},
	}
	for _, o := range l.openers {
		rec.Openers = append(rec.Openers, o.record())
	}
	for _, s := range l.sealers {
		rec.Sealers = append(rec.Sealers, s.record())
	}
	return rec
}

func (f *flow) record() FlowRecord {
	rec := FlowRecord{Signalled: f.signalled, Learned: f.learned, Nominated: f.nominated}
	if a := f.association; a != nil && f.open != nil {
		rec.Handshake = &HandshakeRecord{
			Active: a.terms.Active, Fingerprints: a.terms.Fingerprints, Remote: a.remote, Peer: a.peer.AddrPort(),
			Open: f.open.record(), Seal: f.seal.record(),
		}
	}
	return rec
}

func (o *opener) record() OpenerRecord {
	return OpenerRecord{Keys: o.keys, RTP: o.rtpFrom.record(), CTL: o.ctlFrom.record()}
}

func (s sources) record() (list []Received) {
	for _, known := range s {
		list = append(list, Received{known.ssrc, known.next})
	}
	return list
}

func (s *sealer) record() SealerRecord {
	rec := SealerRecord{Keys: s.keys, Lives: s.lives}
	for _, st := range s.streams {
		rec.RTP = append(rec.RTP, Reserved{st.ssrc, st.promised, st.last})
	}
	for _, r := range s.reports {
		rec.CTL = append(rec.CTL, Reserved{SSRC: r.ssrc, Limit: r.promised})
	}
	return rec
}

func (c *counters) record() Counted {
	return Counted{
		PacketsIn: c.packetsIn.Load(), PacketsOut: c.packetsOut.Load(), BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		ControlIn: c.controlIn.Load(), ControlOut: c.controlOut.Load(), AuthFailures: c.authFailures.Load(), Early: c.early.Load(),
		Strangers: c.strangers.Load(), Replays: c.replays.Load(), Malformed: c.malformed.Load(), Withheld: c.withheld.Load(), LastIn: c.lastIn.Load(),
	}
}
