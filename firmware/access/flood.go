package access

import (
	"net/netip"
	"sync"
	"time"
)

// pace is how many requests one sender may make: burst at once, and one more each interval.
type pace struct {
	burst    int
	interval time.Duration
}

// perPlace is what phones at one address may ask for outside a dialog. All phones of a branch may be behind one, and after
// a power cut they register at once, each twice because of the challenge, and some repeat themselves over UDP.
func perPlace(phones int) pace {
	return pace{burst: 4*phones + 100, interval: 20 * time.Millisecond}
}

// perUser is how often one user at one address may register: one phone, or the few that share a number.
func perUser() pace { return pace{burst: 30, interval: time.Second} }

// maxBuckets bounds what is remembered. A bucket that has filled up again is forgotten first.
const maxBuckets = 8192

// sender is one bucket's owner: a network, and a user there ("" for the network as a whole).
type sender struct {
	network netip.Addr // an address, or the /64 around an IPv6 address: what one host controls
	user    string
}

// flood counts requests in token buckets. The zero value is ready.
type flood struct {
	mu      sync.Mutex           // guards everything below
	buckets map[sender]time.Time // when the bucket is full again; one that is not here is full
}

// allow takes one request out of a bucket; false when it is empty. A bucket is kept as the moment at which it will be
// full again: each request moves that by one interval, and burst intervals ahead of now it is empty.
func (f *flood) allow(now time.Time, s sender, p pace) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	full, known := f.buckets[s]
	if !known || full.Before(now) {
		full = now
	}
	if full.Add(p.interval).Sub(now) > time.Duration(p.burst)*p.interval {
		return false
	}
	if !known && len(f.buckets) >= maxBuckets && !f.sweep(now) {
		return false // only a flood of many names or addresses comes here
	}
	if f.buckets == nil {
		f.buckets = map[sender]time.Time{}
	}
	f.buckets[s] = full.Add(p.interval)
	return true
}

// sweep forgets the buckets that are full; it tells whether there is room now.
func (f *flood) sweep(now time.Time) bool {
	for s, full := range f.buckets {
		if full.Before(now) {
			delete(f.buckets, s)
		}
	}
	return len(f.buckets) < maxBuckets
}

// networkOf is what one host controls.
func networkOf(a netip.Addr) netip.Addr {
	a = plain(a)
	if !a.Is6() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}
