package dhcpserver

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// mostProbes is how many addresses are asked for on the link at a time. Clients beyond them ask again.
const mostProbes = 16

// probed is what was found on the link about an address.
type probed struct {
	client  string // who is to be offered it: see key
	address netip.Addr
	user    net.HardwareAddr // who has it
	taken   bool
}

// offer sends what a client is offered, once it is known that no other machine has the address.
func (n *session) offer(ctx context.Context, m, r *dhcpv4.DHCPv4, now time.Time) error {
	client, a := key(m), address(r.YourIPAddr)
	n.mu.Lock()
	unproved := n.table.unproved(a, client, now)
	n.mu.Unlock()
	if n.Probe == nil || !unproved {
		return n.wire.send(addressed(r, n.config.Own.Addr()))
	}
	if _, asked := n.waiting[client]; !asked {
		if len(n.waiting) >= mostProbes {
			return nil
		}
		go n.probe(ctx, client, a)
	}
	n.waiting[client] = m // the latest is answered
	return nil
}

func (n *session) probe(ctx context.Context, client string, a netip.Addr) {
	user, taken := n.Probe(ctx, n.config.Interface, a)
	select {
	case n.probes <- probed{client, a, user, taken}:
	case <-ctx.Done():
	}
}

// proved answers the client for whom it was asked, with the next address where somebody has the one. The client itself may have
// it: it has been here before, or does as if.
func (n *session) proved(ctx context.Context, p probed) error {
	m := n.waiting[p.client]
	delete(n.waiting, p.client)
	now := time.Now()
	n.mu.Lock()
	if e := n.table.entries[p.address]; e != nil && e.Client == p.client {
		if p.taken && p.user.String() != e.Hardware {
			n.table.putAside(p.address, p.user.String(), now)
		} else {
			e.proved = now
		}
	}
	n.mu.Unlock()
	return n.respond(ctx, m, now)
}

// tellStrange writes down what was set aside.
func (n *session) tellStrange() {
	for _, a := range n.table.strange {
		n.Log.Warn("another machine has an address that the box lends: it is lent to nobody for a while", "port", n.config.Interface, "address", a.Address, "machine", a.Hardware, "until", a.Until)
	}
	n.table.strange = nil
}
