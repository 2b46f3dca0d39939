package lab

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// The network behind a router of the office's (RFC 1918: nothing else in the lab is in it).
const (
	routedLink   = "inner"
	routerInside = "10.77.0.1/24"
	routedInside = "10.77.0.2/24"
)

// AddBehindRouter makes a machine of the office a router, and puts another machine behind it, whose address nobody else
// sees: whatever it sends comes from the router's address and from ports that the router chooses.
func (l *Lab) AddBehindRouter(name string, router *Host) (*Host, error) {
	address := netip.MustParsePrefix(routedInside)
	h, err := l.addNamespace(name, address.Addr(), "eth0")
	if err != nil {
		return nil, err
	}
	join := fmt.Sprintf("-n %s link add name %s type veth peer name eth0 netns %s", router.Namespace, routedLink, h.Namespace)
	if err := run("ip", strings.Fields(join)...); err != nil {
		return nil, err
	}
	if err := l.ip(router, "address add "+routerInside+" dev "+routedLink, "link set dev "+routedLink+" up"); err != nil {
		return nil, err
	}
	gateway := netip.MustParsePrefix(routerInside).Addr().String()
	if err := l.ip(h, "address add "+routedInside+" dev eth0", "link set dev eth0 up", "route add default via "+gateway); err != nil {
		return nil, err
	}
	rules := fmt.Sprintf("table ip router {\nchain out {\ntype nat hook postrouting priority srcnat\noifname %q masquerade random\n}\n}\n", router.Link)
	file := l.Path(name + ".nft")
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		return nil, fmt.Errorf("write the router's rules: %w", err)
	}
	if err := run("ip", "netns", "exec", router.Namespace, "nft", "-f", file); err != nil {
		return nil, err
	}
	return h, run("ip", "netns", "exec", router.Namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
}
