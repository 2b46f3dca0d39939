package notice

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// How many requests of a method one peer may send outside calls: a second, and in one go.
const (
	perSecond = 20
	burst     = 100
)

// rated is what is counted by itself.
type rated struct {
	peer   policy.Peer
	method sip.RequestMethod
}

// bucket holds what a peer may send at once, and fills again with time.
type bucket struct {
	left float64
	at   time.Time
}

func (b *bucket) take(now time.Time) bool {
	b.left = min(burst, b.left+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// tooMany refuses what comes faster than a peer may send.
func (d *Desk) tooMany(e *errand) *refusal {
	now := time.Now()
	key := rated{e.in.Peer, e.in.Method}
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.rates[key]
	if b == nil {
		b = &bucket{left: burst, at: now}
		d.rates[key] = b
	}
	if b.take(now) {
		return nil
	}
	return &refusal{status: 503, rule: "rate", reason: e.in.Peer.Name + " sends more than 20 a second", headers: []sip.Header{sip.NewHeader("Retry-After", "2")}}
}
