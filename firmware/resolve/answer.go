package resolve

import (
	"net/netip"
	"slices"
	"time"
)

// Server is one host that takes the requests of a domain.
type Server struct {
	Name     string
	Addrs    []netip.Addr
	Port     uint16
	Priority uint16 // lower is tried first
	Weight   uint16 // share among equal priorities
}

// Answer is what was found.
type Answer struct {
	Servers []Server // by priority
	Expires time.Time
}

// Order lists the addresses in the order in which to try them, drawn anew each time: lower priorities first, and among
// equals at random by weight (RFC 2782). random returns a number below n.
func (a Answer) Order(random func(n uint64) uint64) []netip.AddrPort {
	servers := slices.Clone(a.Servers)
	slices.SortStableFunc(servers, func(x, y Server) int { return int(x.Priority) - int(y.Priority) })
	var list []netip.AddrPort
	for len(servers) > 0 {
		equal := 1
		for equal < len(servers) && servers[equal].Priority == servers[0].Priority {
			equal++
		}
		i := draw(servers[:equal], random)
		for _, addr := range servers[i].Addrs {
			if p := netip.AddrPortFrom(addr, servers[i].Port); !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
		servers = slices.Delete(servers, i, i+1)
	}
	return list
}

// draw picks one of the servers by weight. Those of weight 0 stand first, so that they have a small chance (RFC 2782).
func draw(servers []Server, random func(n uint64) uint64) int {
	order := make([]int, 0, len(servers))
	var sum uint64
	for _, heavy := range []bool{false, true} {
		for i, s := range servers {
			if (s.Weight > 0) == heavy {
				order = append(order, i)
				sum += uint64(s.Weight)
			}
		}
	}
	if sum == 0 {
		return order[random(uint64(len(order)))]
	}
	mark, running := random(sum+1), uint64(0)
	for _, i := range order {
		if running += uint64(servers[i].Weight); running >= mark {
			return i
		}
	}
	return order[len(order)-1]
}

// Addrs lists every address once, sorted.
func (a Answer) Addrs() []netip.Addr {
	var list []netip.Addr
	for _, s := range a.Servers {
		list = append(list, s.Addrs...)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list)
}
