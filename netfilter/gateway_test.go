package netfilter

import (
	"net"

	"github.com/vishvananda/netlink"
)

// gateway sends all that has no other way to these routers.
func (s *space) gateway(routers ...string) {
	s.t.Helper()
	for _, r := range routers {
		if err := s.links.RouteAdd(&netlink.Route{Gw: net.ParseIP(r)}); err != nil {
			s.t.Fatal(err)
		}
	}
}
