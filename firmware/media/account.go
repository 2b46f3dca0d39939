package media

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"tollgate/firmware/quality"
)

const (
	// accountEvery is how often what the workers have counted is shown to others.
	accountEvery = time.Second
	// accountShares is in how many parts, like shares.
	accountShares = 11
)

// Crossing is how audio comes across one leg, no older than a second while the session is open.
type Crossing struct {
	In  quality.Stream // what the peer sent, as it arrived at the box
	Out quality.Stream // what the peer was sent, as its reports say it arrived (RTCP)
	// Reports tells that the peer has reported at all.
	Reports   bool
	RoundTrip time.Duration // between box and peer, by its last report; 0: not known
	// PayloadType is that of the peer's last packet, before it was mapped; -1: none came.
	PayloadType int
	Stranger    netip.AddrPort // who sent the last packet that was not let in; zero: nobody
	// Unreachable counts the messages that what was sent did not arrive (ICMP), UnreachableBy is who said so last.
	Unreachable   uint64
	UnreachableBy netip.Addr
	Prohibited    bool // it said that a firewall does not let it through
}

// account is how a leg's worker counts what Crossing shows. The worker alone touches it, but for what mu guards.
type account struct {
	received  quality.Reception // and what follows of each packet: together (warm)
	heard     bool              // a packet came
	kind      uint8             // its payload type
	reported  quality.Reported
	senders   quality.Senders
	roundTrip time.Duration
	sender    uint32 // the peer's last sender report, by the middle of its NTP time; 0: none came
	senderAt  time.Time
	stranger  netip.AddrPort
	refused   unreachable
	refusals  uint64

	mu    sync.Mutex // guards everything below
	shown Crossing
}

// audio takes an RTP packet of the peer.
func (a *account) audio(packet []byte, c quality.Clock, now time.Time) {
	a.heard, a.kind = true, packet[1]&0x7f
	a.received.Take(binary.BigEndian.Uint32(packet[8:]), binary.BigEndian.Uint16(packet[2:]), binary.BigEndian.Uint32(packet[4:]), c, now.UnixNano())
}

// control takes RTCP of the peer. It tells of the audio that the peer gets from the other leg, by the clock of its own.
func (a *account) control(packet []byte, far *account, c quality.Clock, now time.Time) {
	source, heard := far.received.SSRC()
	quality.ReadReports(packet, func(middle uint32) { a.sender, a.senderAt = middle, now }, func(b quality.Report) {
		if heard && b.SSRC == source {
			a.reported.Take(b, c)
		}
		if d, ok := a.senders.RoundTrip(b, now.UnixNano()); ok {
			a.roundTrip = d
		}
	})
}

// sends takes RTCP that leaves for the peer.
func (a *account) sends(packet []byte, now time.Time) {
	quality.ReadReports(packet, func(middle uint32) { a.senders.Sent(middle, now.UnixNano()) }, func(quality.Report) {})
}

// show makes what was counted visible to others.
func (a *account) show() {
	c := Crossing{
		In: a.received.Stream(), RoundTrip: a.roundTrip, PayloadType: -1, Stranger: a.stranger,
		Unreachable: a.refusals, UnreachableBy: a.refused.by, Prohibited: a.refused.prohibited,
	}
	c.Out, c.Reports = a.reported.Stream()
	if a.heard {
		c.PayloadType = int(a.kind)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shown = c
}

// crossing returns what was shown last.
func (a *account) crossing() Crossing {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.shown
}

// keepAccounts has every worker show what it has counted until the relay is closed.
func (r *Relay) keepAccounts() {
	t := time.NewTicker(accountEvery / accountShares)
	defer t.Stop()
	for share := 0; ; share = (share + 1) % accountShares {
		select {
		case <-r.ended:
			return
		case <-t.C:
			for _, w := range r.workers {
				w.do(func() { w.showAccounts(share) })
			}
		}
	}
}

func (w *worker) showAccounts(share int) {
	for i := share; i < len(w.flows); i += accountShares {
		if f := w.flows[i]; f != nil && !f.control {
			f.half.account.show()
		}
	}
}
