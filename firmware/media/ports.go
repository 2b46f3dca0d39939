package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// rest is how long a pair of ports is left alone after its call, while there are others: so long may packets of the old
// call still arrive, and they come from an address that the new call may expect too.
const rest = 3 * time.Second

// ports hands out the pairs of one address. The start is random, so that an attacker cannot tell the next one.
type ports struct {
	rng PortRange

	mu      sync.Mutex  // guards everything below
	busy    []bool      // by pair: a call has it, or it is parked
	freed   []time.Time // by pair, zero when never used
	parked  []parked    // those that have rested come first, in any order, then the others by their age
	retired bool        // nothing is parked any more
}

// ErrExhausted says that every port is in use.
var ErrExhausted = errors.New("no media ports are left")

// errBusy tells take that another program has the ports.
var errBusy = errors.New("ports in use")

func newPorts(r PortRange) *ports {
	return &ports{rng: r, busy: make([]bool, r.pairs()), freed: make([]time.Time, r.pairs())}
}

// take reserves a pair and returns its even port with its sockets: those of an earlier call, or what bind opens. bind returns
// errBusy to be tried with the next one.
func (p *ports) take(now time.Time, bind func(even uint16) (pair, error)) (uint16, pair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := rand.IntN(len(p.busy))
	for _, rested := range []bool{true, false} {
		if one, ok := p.unpark(now, !rested); ok {
			return one.even, one.pair, nil
		}
		for i := range p.busy {
			n := (start + i) % len(p.busy)
			if p.busy[n] || rested != (now.Sub(p.freed[n]) >= rest) {
				continue
			}
			port := uint16(p.rng.first() + 2*n)
			if sockets, err := bind(port); err == nil {
				p.busy[n] = true
				return port, sockets, nil
			} else if !errors.Is(err, errBusy) {
				return 0, pair{}, err
			}
		}
	}
	return 0, pair{}, fmt.Errorf("%w: all %d port pairs from %d to %d are in use", ErrExhausted, len(p.busy), p.rng.Low, p.rng.High)
}

// give takes a pair back.
func (p *ports) give(even uint16, sockets pair, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := parked{sockets, even, now}
	if p.retired || len(p.parked) == mostParked {
		return p.free(one)
	}
	p.parked = append(p.parked, one)
	return nil
}

// busyOr makes errBusy of the error of a bind that another socket is in the way of.
func busyOr(err error) error {
	if errors.Is(err, unix.EADDRINUSE) {
		return errBusy
	}
	return err
}
