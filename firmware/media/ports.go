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

	mu    sync.Mutex  // guards everything below
	busy  []bool      // by pair
	freed []time.Time // by pair, zero when never used
}

// ErrExhausted says that every port is in use.
var ErrExhausted = errors.New("no media ports are left")

// errBusy tells take that another program has the ports.
var errBusy = errors.New("ports in use")

func newPorts(r PortRange) *ports {
	return &ports{rng: r, busy: make([]bool, r.pairs()), freed: make([]time.Time, r.pairs())}
}

// take reserves a pair that use can bind and returns its even port. use returns errBusy to be tried with the next one.
func (p *ports) take(now time.Time, use func(even uint16) error) (uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := rand.IntN(len(p.busy))
	for _, rested := range []bool{true, false} {
		for i := range p.busy {
			pair := (start + i) % len(p.busy)
			if p.busy[pair] || rested != (now.Sub(p.freed[pair]) >= rest) {
				continue
			}
			port := uint16(p.rng.first() + 2*pair)
			if err := use(port); err == nil {
				p.busy[pair] = true
				return port, nil
			} else if !errors.Is(err, errBusy) {
				return 0, err
			}
		}
	}
	return 0, fmt.Errorf("%w: all %d port pairs from %d to %d are in use", ErrExhausted, len(p.busy), p.rng.Low, p.rng.High)
}

// give takes a pair back.
func (p *ports) give(even uint16, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pair := (int(even) - p.rng.first()) / 2
	p.busy[pair], p.freed[pair] = false, now
}

// busyOr makes errBusy of the error of a bind that another socket is in the way of.
func busyOr(err error) error {
	if errors.Is(err, unix.EADDRINUSE) {
		return errBusy
	}
	return err
}
