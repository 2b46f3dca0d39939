package edge

import (
	"net/netip"
	"sync"

	"tollgate/firmware/policy"
)

// maxOwners bounds what one socket remembers.
const maxOwners = 1024

// owners remembers which peer was accepted from an address or dialled there, so that responses find theirs: a response
// carries nothing that access could judge. Two trunks may share a carrier's address; then the owner is unknown.
type owners struct {
	mu    sync.Mutex // guards everything below
	names map[ownerKey]string
}

type ownerKey struct {
	side policy.Side
	addr netip.Addr
}

// learn notes that name is at this address.
func (o *owners) learn(side policy.Side, addr netip.Addr, name string) {
	key := ownerKey{side, addr}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch old, found := o.names[key]; {
	case found && old != name:
		o.names[key] = ""
	case !found && len(o.names) < maxOwners:
		if o.names == nil {
			o.names = map[ownerKey]string{}
		}
		o.names[key] = name
	}
}

// lookup returns the one peer seen at an address, or "" when there were several, and whether there was any.
func (o *owners) lookup(side policy.Side, addr netip.Addr) (name string, found bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name, found = o.names[ownerKey{side, addr}]
	return name, found
}

// forget begins anew, because the policy has changed.
func (o *owners) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names = nil
}
