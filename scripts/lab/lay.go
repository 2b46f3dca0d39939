package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// Host is one machine: a namespace with an address.
type Host struct {
	Name      string // short: "box", "phone1"
	Namespace string
	Address   netip.Addr
	Link      string // the host's interface

	lab *Lab
}

// Namespaces that are switches as well; the bridge is named like the network.
const (
	officeNet  = "office"
	carrierNet = "carrier"
)

// lay makes every namespace and link of the lab.
func (l *Lab) lay() error {
	n := l.Net
	var err error
	if l.PBX, err = l.addSwitch(officeNet, netip.PrefixFrom(n.PBX, n.Office.Bits()), n.BoxInside); err != nil {
		return err
	}
	if l.Carrier, err = l.addSwitch(carrierNet, netip.PrefixFrom(n.Carrier, n.CarrierNet.Bits()), n.CarrierGateway); err != nil {
		return err
	}
	for i, address := range n.Phones {
		phone, err := l.AddOffice(fmt.Sprintf("phone%d", i+1), address)
		if err != nil {
			return err
		}
		l.Phones = append(l.Phones, phone)
	}
	for i, address := range n.Subscribers {
		subscriber, err := l.AddCarrier(fmt.Sprintf("subscriber%d", i+1), address)
		if err != nil {
			return err
		}
		l.Subscribers = append(l.Subscribers, subscriber)
	}
	if err := l.addBox(); err != nil {
		return err
	}
	return l.plugHost()
}

// bridgeAddress is the Ethernet address of every bridge. Left to itself a bridge takes the lowest one of its ports, which
// changes when a machine is plugged in later: whoever knew the old one then talks to nobody until his ARP entry ends.
const bridgeAddress = "02:00:00:00:00:01"

// addSwitch makes a namespace whose bridge joins a network and carries the address of the server that lives there.
func (l *Lab) addSwitch(network string, address netip.Prefix, gateway netip.Addr) (*Host, error) {
	h, err := l.addNamespace(network, address.Addr(), network)
	if err != nil {
		return nil, err
	}
	if err := bridgesFiltered(h.Namespace, false); err != nil {
		return nil, err
	}
	return h, l.ip(h,
		"link add name "+network+" address "+bridgeAddress+" type bridge",
		"address add "+address.String()+" dev "+network,
		"link set dev "+network+" up",
		"route add default via "+gateway.String())
}

// bridgesFiltered has what crosses the bridges of a namespace go through the packet filter, or not, where the kernel can
// do that. Without it a switch costs nobody anything, with it the kernel joins fragments and cuts what is too long for a
// port, as the far end of a line does.
func bridgesFiltered(namespace string, yes bool) error {
	value := []byte("0")
	if yes {
		value = []byte("1")
	}
	return Inside(namespace, func() error {
		for _, family := range []string{"ip", "ip6", "arp"} {
			err := os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-"+family+"tables", value, 0o644)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("set the packet filter of a bridge: %w", err)
			}
		}
		return nil
	})
}

func (l *Lab) addNamespace(name string, address netip.Addr, link string) (*Host, error) {
	h := &Host{Name: name, Namespace: l.namespace(name), Address: address, Link: link, lab: l}
	if err := run("ip", "netns", "add", h.Namespace); err != nil {
		return nil, err
	}
	if err := h.Names(nil); err != nil {
		return nil, err
	}
	return h, l.ip(h, "link set lo up")
}

// AddOffice plugs one more machine into the office.
func (l *Lab) AddOffice(name string, address netip.Addr) (*Host, error) {
	return l.addMachine(name, officeNet, netip.PrefixFrom(address, l.Net.Office.Bits()), l.Net.BoxInside)
}

// AddCarrier plugs one more machine into the carrier's network.
func (l *Lab) AddCarrier(name string, address netip.Addr) (*Host, error) {
	return l.addMachine(name, carrierNet, netip.PrefixFrom(address, l.Net.CarrierNet.Bits()), l.Net.CarrierGateway)
}

func (l *Lab) addMachine(name, network string, address netip.Prefix, gateway netip.Addr) (*Host, error) {
	h, err := l.addNamespace(name, address.Addr(), "eth0")
	if err != nil {
		return nil, err
	}
	if err := l.plug(h, "eth0", network, address); err != nil {
		return nil, err
	}
	return h, l.ip(h, "route add default via "+gateway.String())
}

// plug joins an interface of h with a network's bridge. The bridge's end is named after the host.
func (l *Lab) plug(h *Host, link, network string, address netip.Prefix) error {
	far := l.namespace(network)
	if err := run("ip", strings.Fields(fmt.Sprintf("-n %s link add name %s type veth peer name %s netns %s", far, h.Name, link, h.Namespace))...); err != nil {
		return err
	}
	if err := run("ip", strings.Fields(fmt.Sprintf("-n %s link set dev %s master %s up", far, h.Name, network))...); err != nil {
		return err
	}
	return l.ip(h, "address add "+address.String()+" dev "+link, "link set dev "+link+" up")
}

func (l *Lab) addBox() error {
	h, err := l.addNamespace("box", l.Net.BoxInside, BoxInside)
	if err != nil {
		return err
	}
	l.Box = h
	if err := l.plug(h, BoxInside, officeNet, l.BoxInsidePrefix()); err != nil {
		return err
	}
	if l.Layout == OnePort {
		if err := l.ip(h, "route add default via "+l.Net.OfficeGateway.String()); err != nil {
			return err
		}
		return l.addGateway()
	}
	if l.Layout == BehindRouter {
		return l.addRouter()
	}
	if err := l.plug(h, BoxOutside, carrierNet, l.BoxOutsidePrefix()); err != nil {
		return err
	}
	return l.ip(h, "route add default via "+l.Net.CarrierGateway.String())
}

// GatewayPorts are what the one-port layout's gateway passes on to the box: SIP and the box's media.
const GatewayPorts = "5060-5061, 20000-20999"

// addGateway makes the office's router: it hides the office behind its outside address and passes the box's ports on.
func (l *Lab) addGateway() error {
	n := l.Net
	h, err := l.addNamespace("gateway", n.OfficeGateway, BoxInside)
	if err != nil {
		return err
	}
	l.Gateway = h
	if err := l.plug(h, BoxInside, officeNet, netip.PrefixFrom(n.OfficeGateway, n.Office.Bits())); err != nil {
		return err
	}
	if err := l.plug(h, BoxOutside, carrierNet, netip.PrefixFrom(n.CarrierGateway, n.CarrierNet.Bits())); err != nil {
		return err
	}
	rules := fmt.Sprintf(`table ip router {
		chain in { type nat hook prerouting priority dstnat;
			iifname %[1]q udp dport { %[2]s } dnat to %[3]s
			iifname %[1]q tcp dport 5060-5061 dnat to %[3]s
		}
		chain out { type nat hook postrouting priority srcnat; oifname %[1]q masquerade; }
	}`, BoxOutside, GatewayPorts, n.BoxInside)
	file := l.Path("gateway.nft")
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		return fmt.Errorf("write the gateway's rules: %w", err)
	}
	if err := run("ip", "netns", "exec", h.Namespace, "nft", "-f", file); err != nil {
		return err
	}
	return run("ip", "netns", "exec", h.Namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
}

// plugHost gives the machine the lab runs on an address in the office, so that its browser reaches the page.
func (l *Lab) plugHost() error {
	address := netip.PrefixFrom(l.Net.Host, l.Net.Office.Bits())
	far := l.namespace(officeNet)
	for _, command := range []string{
		fmt.Sprintf("link add name %s type veth peer name host netns %s", l.hostLink(), far),
		fmt.Sprintf("-n %s link set dev host master %s up", far, officeNet),
		fmt.Sprintf("address add %s dev %s", address, l.hostLink()),
		fmt.Sprintf("link set %s up", l.hostLink()),
	} {
		if err := run("ip", strings.Fields(command)...); err != nil {
			return err
		}
	}
	return nil
}

// Names makes host names known to the programs of a machine: its own /etc/hosts, and a name server that refuses at once
// instead of the one of the machine around, which nobody in the lab can reach.
func (h *Host) Names(names map[string]netip.Addr) error {
	folder := filepath.Join(namespaceFiles, h.Namespace)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make names known: %w", err)
	}
	var hosts strings.Builder
	hosts.WriteString("127.0.0.1 localhost\n")
	for name, address := range names {
		fmt.Fprintf(&hosts, "%s %s\n", address, name)
	}
	for file, content := range map[string]string{"hosts": hosts.String(), "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(content), 0o644); err != nil {
			return fmt.Errorf("make names known: %w", err)
		}
	}
	return nil
}

// Path returns the name of a file or folder of the host's lab.
func (h *Host) Path(elements ...string) string { return h.lab.Path(elements...) }

// earlyDemux has the kernel look for a connected socket before it routes a datagram. Nobody in the lab has one, and what is looked
// for in vain is paid by the sender.
const earlyDemux = "/proc/sys/net/ipv4/udp_early_demux"

// Cable takes the switches out: the box's two ports lead straight to the servers of office and carrier, which keep their
// addresses. The other machines of both networks are cut off. A switch is a tenth of what a packet costs its sender. The carrier's end of
// the cable is the box's gateway as well, and the way to the carrier: a PBX is on the office's own network, a carrier never is.
func (l *Lab) Cable() error {
	n, port := l.Net, l.Box.Name
	for _, c := range []struct {
		server  *Host
		address netip.Prefix
		gateway netip.Addr
	}{{l.PBX, netip.PrefixFrom(n.PBX, n.Office.Bits()), n.BoxInside}, {l.Carrier, netip.PrefixFrom(n.Carrier, n.CarrierNet.Bits()), n.BoxOutside}} {
		if err := l.ip(c.server,
			"link set dev "+port+" nomaster",
			"address del "+c.address.String()+" dev "+c.server.Link,
			"address add "+c.address.String()+" dev "+port,
			"route add default via "+c.gateway.String()); err != nil {
			return err
		}
	}
	if err := l.ip(l.Carrier, "address add "+n.CarrierGateway.String()+"/32 dev "+port); err != nil {
		return err
	}
	if err := l.ip(l.Box, fmt.Sprintf("route add %s via %s", n.Carrier, n.CarrierGateway)); err != nil {
		return err
	}
	for _, h := range []*Host{l.PBX, l.Box, l.Carrier} {
		if err := h.inside(func() error { return os.WriteFile(earlyDemux, []byte("0"), 0) }); err != nil {
			return fmt.Errorf("have the kernel look once for whom a packet is: %w", err)
		}
	}
	return nil
}
