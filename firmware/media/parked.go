package media

import (
	"errors"
	"math/rand/v2"
	"sort"
	"time"
)

// The sockets of a call are not closed with it: once they have rested, another call takes them. Opening, preparing, binding and
// closing four sockets was a twentieth of what a call costs, and watching and steering them another one: so they stay watched and
// steered (seat.go). The filter lets nothing in meanwhile, and what comes all the same is thrown away.

// mostParked is how many pairs of an address wait for a call; those beyond are closed. It is what 1,000 calls a second leave
// behind in the time that ports rest.
const mostParked = 3072

// pair are the sockets of RTP and RTCP.
type pair [2]port

func (p pair) close() error { return errors.Join(p[0].close(), p[1].close()) }

// quiet throws away what waits on the sockets; false when it does not end.
func (p pair) quiet() bool { return p[0].Discard() && p[1].Discard() }

// parked is a pair that no call has.
type parked struct {
	pair
	even  uint16
	freed time.Time
}

// unpark takes any of the pairs that have rested, so that nobody can tell which one; when hurried it takes one in any case.
// p.mu is held.
func (p *ports) unpark(now time.Time, hurried bool) (parked, bool) {
	for len(p.parked) > 0 {
		n := sort.Search(len(p.parked), func(i int) bool { return now.Sub(p.parked[i].freed) < rest })
		if n == 0 && !hurried {
			break
		}
		if n > 1 {
			i := rand.IntN(n)
			p.parked[0], p.parked[i] = p.parked[i], p.parked[0]
		}
		first := p.parked[0]
		p.parked = p.parked[1:]
		if first.quiet() {
			return first, true
		}
		p.free(first) // somebody keeps sending there
	}
	return parked{}, false
}

// free closes a pair, which may be bound again when it has rested. p.mu is held.
func (p *ports) free(one parked) error {
	n := (int(one.even) - p.rng.first()) / 2
	p.busy[n], p.freed[n] = false, one.freed
	return one.close()
}

// retire closes what is parked, and from now on what is given back.
func (p *ports) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retired = true
	for _, one := range p.parked {
		p.free(one)
	}
	p.parked = nil
}
