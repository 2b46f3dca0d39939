package netfilter

import (
	"net"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// wantClass has a socket tell the class of service of what it receives.
func wantClass(t *testing.T, raw syscall.RawConn) {
	t.Helper()
	if err := raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTOS, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, 1)
	}); err != nil {
		t.Fatal(err)
	}
}

// gateway sends all that has no other way to these routers.
func (s *space) gateway(routers ...string) {
	s.t.Helper()
	for _, r := range routers {
		if err := s.links.RouteAdd(&netlink.Route{Gw: net.ParseIP(r)}); err != nil {
			s.t.Fatal(err)
		}
	}
}
