package policy

// Passage says whether the office reaches the networks outside through the box. SIP never passes; it is for the box itself.
type Passage string

// What passes: nothing; connections from inside with their own addresses, to which a router outside must know the way; or
// the same with the box's outside address.
const (
	PassageNone       Passage = "none"
	PassageForward    Passage = "forward"
	PassageMasquerade Passage = "masquerade"
)

// passage checks that there are two networks for something to pass between.
func (c *checker) passage(n Network) {
	const path = "network.passage"
	if !one(c, path, n.Passage, PassageNone, PassageForward, PassageMasquerade) || n.Passage == PassageNone {
		return
	}
	in, out := n.Inside.Address, n.Outside.Address
	switch {
	case n.OnePort():
		c.fault(path, "write none; the office's router is beside the box there", "has no effect where one port serves both sides")
	case in.IsValid() && out.IsValid() && in.Addr().Is4() != out.Addr().Is4():
		c.fault(path, "write none, or both addresses as IPv4 or both as IPv6", "has no effect where inside and outside are not of one kind")
	}
}
