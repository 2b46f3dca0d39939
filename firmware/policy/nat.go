package policy

// NAT says how the box knows the address under which carriers see it, when it stands behind a router.
type NAT string

// The ways: by network.public_address alone, or from what carriers and STUN servers say they see, where
// network.public_address is what is believed until they have said it.
const (
	NATNone  NAT = "none"
	NATLearn NAT = "learn"
)

// maxSTUNServers is more than are asked in turn.
const maxSTUNServers = 4

// nat checks how the address outside is found out.
func (c *checker) nat(n Network) {
	if !one(c, "network.nat", n.NAT, NATNone, NATLearn) {
		return
	}
	const path = "network.stun_servers"
	if n.NAT != NATLearn && len(n.STUNServers) > 0 {
		c.fault(path, "write nat: learn, or remove it", "has no effect with nat: %s", n.NAT)
		return
	}
	c.servers(path, n.STUNServers, maxSTUNServers, "a STUN server")
	for i, s := range n.STUNServers {
		if out := n.Outside.Address; s.Addr().IsValid() && out.IsValid() && out.Addr().Is4() != s.Addr().Is4() {
			c.fault(index(path, i), "write both as IPv4 or both as IPv6", "%s and the outside address are not of one kind", s.Addr())
		}
	}
}
