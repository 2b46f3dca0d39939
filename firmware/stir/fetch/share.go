package fetch

import (
	"context"
	"errors"
	"time"
)

// Who calls chooses the server, so a few slow ones must not keep the certificates of everybody else away. What is fetched at
// once is divided: a host has its share, and when all places are taken, whoever has had its time gives way, first of the
// source that has most of them. A host that was too slow by itself is left alone for a while, longer each time.
const (
	maxOfHost = 2                      // at once
	patience  = 300 * time.Millisecond // that a fetch has for sure
	retry     = 50 * time.Millisecond  // of who finds no place
	gaveWay   = 2 * time.Second        // what had to give way is not tried again
	mostAside = 10 * time.Minute
	maxAside  = maxKept // hosts
)

// errGaveWay says that a fetch has lost its place.
var errGaveWay = errors.New("the server is too slow, and others wait")

// flight is a fetch under way.
type flight struct {
	source string // whose call wants it
	host   string
	began  time.Time
	cancel context.CancelCauseFunc
}

// aside is a host that was too slow.
type aside struct {
	wait  time.Duration
	until time.Time // from then on it is tried once more
}

// board takes a flight for a fetch, or tells why there is no place for it. c.mu is held.
func (c *Certificates) board(source, host string) (*flight, context.Context, error) {
	if a, ok := c.slow[host]; ok && c.o.Now().Before(a.until) {
		return nil, nil, errSlowHost
	}
	of := 0
	for _, f := range c.flights {
		if f.host == host {
			of++
		}
	}
	if of >= maxOfHost || len(c.flights) >= maxAtOnce && !c.makePlace() {
		return nil, nil, errBusy
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	f := &flight{source: source, host: host, began: time.Now(), cancel: cancel}
	c.flights = append(c.flights, f)
	return f, ctx, nil
}

// makePlace ends the oldest fetch that has had its time, of the source that has most under way. c.mu is held.
func (c *Certificates) makePlace() bool {
	of := map[string]int{}
	for _, f := range c.flights {
		of[f.source]++
	}
	var victim *flight
	for _, f := range c.flights { // the oldest first
		if time.Since(f.began) >= c.o.patience && (victim == nil || of[f.source] > of[victim.source]) {
			victim = f
		}
	}
	if victim == nil {
		return false
	}
	victim.cancel(errGaveWay)
	c.land(victim)
	return true
}

// land gives the place of a fetch back. c.mu is held.
func (c *Certificates) land(f *flight) {
	for i, g := range c.flights {
		if g == f {
			c.flights = append(c.flights[:i:i], c.flights[i+1:]...)
			return
		}
	}
}

// remember notes whether a host was too slow. c.mu is held.
func (c *Certificates) remember(host string, tooSlow bool) {
	if !tooSlow {
		delete(c.slow, host)
		return
	}
	wait := failedFor
	if a, ok := c.slow[host]; ok {
		wait = min(2*a.wait, mostAside)
	}
	c.slow[host] = aside{wait, c.o.Now().Add(wait)}
	if len(c.slow) > maxAside {
		c.forgetAside()
	}
}

// forgetAside drops the host whose time is over first. c.mu is held.
func (c *Certificates) forgetAside() {
	first := ""
	for host, a := range c.slow {
		if first == "" || a.until.Before(c.slow[first].until) {
			first = host
		}
	}
	delete(c.slow, first)
}
