package api

import (
	"net/netip"
	"sync"
	"time"
)

// After freeAttempts wrong passwords a source waits 1 s, then 2, 4 ... up to longestWait. A source that was quiet for
// forgetAfter starts anew. Open sessions and the unix socket are not concerned, so nobody can lock the owner out.
const (
	freeAttempts = 4
	longestWait  = 15 * time.Minute
	forgetAfter  = time.Hour
	maxSources   = 1024
)

// backoff slows down the guessing of passwords, source by source.
type backoff struct {
	mu       sync.Mutex // guards everything below
	bySource map[netip.Prefix]attempts
}

// attempts are the wrong passwords of one source.
type attempts struct {
	count int
	last  time.Time
}

func (a attempts) wait() time.Duration {
	if a.count < freeAttempts {
		return 0
	}
	n := a.count - freeAttempts
	if n > 9 {
		return longestWait // 2^10 s is longer
	}
	return time.Second << n
}

func newBackoff() *backoff { return &backoff{bySource: map[netip.Prefix]attempts{}} }

// begin counts an attempt of addr as wrong before it is tried, so that many at once do not slip through, and returns 0;
// or it returns how long addr has to wait, and counts nothing.
func (b *backoff) begin(addr netip.Addr) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, source := time.Now(), sourceOf(addr)
	a := b.bySource[source]
	if now.Sub(a.last) > forgetAfter {
		a = attempts{}
	}
	if rest := a.last.Add(a.wait()).Sub(now); a.count > 0 && rest > 0 {
		return rest
	}
	b.makeRoom(now)
	b.bySource[source] = attempts{count: a.count + 1, last: now}
	return 0
}

// succeed forgets the wrong attempts of addr.
func (b *backoff) succeed(addr netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.bySource, sourceOf(addr))
}

// makeRoom drops forgotten sources, then the one with the fewest attempts, of these the one quiet longest: who guesses
// most is remembered. The caller holds mu.
func (b *backoff) makeRoom(now time.Time) {
	if len(b.bySource) < maxSources {
		return
	}
	var least netip.Prefix
	for p, a := range b.bySource {
		if now.Sub(a.last) > forgetAfter {
			delete(b.bySource, p)
			continue
		}
		if l := b.bySource[least]; !least.IsValid() || a.count < l.count || a.count == l.count && a.last.Before(l.last) {
			least = p
		}
	}
	if len(b.bySource) >= maxSources {
		delete(b.bySource, least)
	}
}

// sourceOf is who counts as one: an IPv4 address, or the /64 of an IPv6 address, within which a host picks at will.
func sourceOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address at all: they share one entry
	}
	return p
}
