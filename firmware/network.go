package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"tollgate/board/link"
	"tollgate/firmware/policy"
)

// network is what the box knows of the ports that it sets itself, and of where it stands.
type network struct {
	plugged chan struct{}      // full when a port has changed while no policy is in force; nil: nobody wants to know
	asked   chan *link.Inquiry // what was asked on the links before the policy is put into force, once; nil: nothing
	looking sync.Mutex         // held while it is seen to that the ports are as the policy wants them

	mu    sync.Mutex // guards everything below
	port  string     // of set-up mode; empty outside it
	lease link.Lease
	stop  context.CancelFunc // ends the search for a lease

	lent     map[string]*borrower // under a policy, by port
	arrived  chan struct{}        // closed when a lease is news to who waits for one; nil: nobody does
	placings []placement          // of the policy in force, and the one before
	problem  string               // why the ports are not as the policy wants them; empty: they are
}

// enterSetUp has a lease sought on a port, unless it is already, and returns the one there is.
func (n *network) enterSetUp(port string, seek func(ctx context.Context, port string)) link.Lease {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.port == port {
		return n.lease
	}
	if n.stop != nil {
		n.stop()
	}
	ctx, stop := context.WithCancel(context.Background())
	n.port, n.lease, n.stop = port, link.Lease{}, stop
	go seek(ctx, port)
	return n.lease
}

// take notes a lease, unless ctx, that of the search, is over.
func (n *network) take(ctx context.Context, l link.Lease) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	n.lease = l
	return true
}

func (n *network) leaveSetUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stop != nil {
		n.stop()
	}
	n.port, n.stop = "", nil
}

func (n *network) setUpPort() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.port
}

func (n *network) current() link.Lease {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lease
}

// borrowTime is how long the first lease on a port is waited for: longer than until the one that is known is used.
const borrowTime = 13 * time.Second

// lend has addresses lent on these ports and on no others, and returns those on which that has begun. before gives the lease
// that holds until a server has answered.
func (n *network) lend(ports []string, keep func(ctx context.Context, port string, linked <-chan struct{}), before func(port string) link.Lease) (begun []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for port, c := range n.lent {
		if !slices.Contains(ports, port) {
			c.stop()
			delete(n.lent, port)
		}
	}
	for _, port := range ports {
		if n.lent[port] != nil {
			continue
		}
		if n.lent == nil {
			n.lent = map[string]*borrower{}
		}
		ctx, stop := context.WithCancel(context.Background())
		linked := make(chan struct{}, 1)
		n.lent[port] = &borrower{stop: stop, linked: linked, lease: before(port)}
		begun = append(begun, port)
		go keep(ctx, port, linked)
	}
	return begun
}

// await waits until every port has a lease, for a while.
func (n *network) await(ctx context.Context, ports []string) {
	late := time.NewTimer(borrowTime)
	defer late.Stop()
	for {
		arrived, all := n.awaited(ports)
		if all {
			return
		}
		select {
		case <-arrived:
		case <-late.C:
			n.mu.Lock()
			n.arrived = nil
			n.mu.Unlock()
			return
		case <-ctx.Done():
			return
		}
	}
}

// awaited tells whether every port has a lease, and if not, what is closed when another one has come.
func (n *network) awaited(ports []string) (arrived <-chan struct{}, all bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.arrived = nil
	if !slices.ContainsFunc(ports, func(port string) bool { return n.lent[port] == nil || !n.lent[port].lease.Address.IsValid() }) {
		return nil, true
	}
	n.arrived = make(chan struct{})
	return n.arrived, false
}

// lentNow notes the lease of a port, unless ctx, that of its borrower, is over. It tells whether the box has to follow: nobody
// has waited for the lease.
func (n *network) lentNow(ctx context.Context, port string, l link.Lease, lent bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.lent[port]
	if ctx.Err() != nil || c == nil {
		return false
	}
	c.lease, c.lent, c.since = l, lent, time.Now()
	if n.arrived == nil {
		return true
	}
	close(n.arrived)
	n.arrived = nil
	return false
}

// renewed notes that a server has prolonged the lease of a port, unless ctx, that of its borrower, is over.
func (n *network) renewed(ctx context.Context, port string, l link.Lease) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.lent[port]; ctx.Err() == nil && c != nil {
		c.lease, c.lent, c.since = l, true, time.Now()
	}
}

// linked has the lease of a port asked for again: its cable may lead elsewhere now.
func (n *network) linked(port string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.lent[port]; c != nil {
		select {
		case c.linked <- struct{}{}:
		default: // it is told already
		}
	}
}

// leaseOf is the lease in use on a port; the zero value: none.
func (n *network) leaseOf(port string) link.Lease {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.lent[port]; c != nil {
		return c.lease
	}
	return link.Lease{}
}

// confirmed is the lease of a port that a server has confirmed, and since when it runs; the zero value: none.
func (n *network) confirmed(port string) (l link.Lease, since time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.lent[port]; c != nil && c.lent {
		return c.lease, c.since
	}
	return link.Lease{}, time.Time{}
}

// remember keeps where a policy has put the box, and where the one before had.
func (n *network) remember(written, placed *policy.Policy) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.placings = slices.DeleteFunc(n.placings, func(p placement) bool { return p.written == written })
	n.placings = append(n.placings, placement{written, placed})
	n.placings = n.placings[max(0, len(n.placings)-2):]
}

// remembered is where a policy has put the box; nil when that is not known.
func (n *network) remembered(written *policy.Policy) *policy.Policy {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.placings {
		if p.written == written {
			return p.placed
		}
	}
	return nil
}

// fault notes why the ports are not as the policy wants them; nil: they are.
func (n *network) fault(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.problem = ""; err != nil {
		n.problem = err.Error()
	}
}

func (n *network) faulty() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.problem
}

// tellPlugged has a policy that could not be put into force tried again.
func (n *network) tellPlugged() {
	select {
	case n.plugged <- struct{}{}:
	default: // it is being tried, or nobody wants to
	}
}
