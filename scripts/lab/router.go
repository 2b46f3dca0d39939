package lab

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Router is the one that a provider gives its customers: the box's outside is in the network behind it, and what leaves
// has the router's own address. Its connection tracking forgets a UDP flow after UDPTimeout.
type Router struct {
	*Host // its address is the one of the box's side

	Outside netip.Addr // the address that the carrier sees
}

// Translation is how a router gives out addresses and ports (RFC 4787 §4.1, §5).
type Translation string

// The translations. A Symmetric router gives each flow a port of its own, drawn at random, and lets in answers alone. A
// FullCone one keeps the port, and lets in whoever sends there. The kernel has no full-cone translation: this one keeps
// ports as long as they are free (what a router with one customer does) and passes the ports of SIP and media on to the
// box, which is how it would look to the box and the carrier.
const (
	Symmetric Translation = "symmetric"
	FullCone  Translation = "full cone"
)

// The network behind the router. It is private, as behind every such router, and the same in every lab.
const (
	routerLink = "wan"
	homeLink   = "lan"
	UDPTimeout = 30 * time.Second
)

func homeNet(n byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 7, n}), 24)
}

// The rules of a router. Both sides are held to the maximum segment size that fits the way out, as such routers do.
const routerRules = `table ip router {
	chain in { type nat hook prerouting priority dstnat; %s }
	chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade %s; }
	chain mss { type filter hook forward priority mangle; tcp flags syn tcp option maxseg size set rt mtu; }
}`

// addRouter makes the router and plugs the box into it.
func (l *Lab) addRouter() error {
	h, err := l.addNamespace("router", homeNet(1).Addr(), homeLink)
	if err != nil {
		return err
	}
	l.Router = &Router{Host: h, Outside: l.Net.CarrierGateway}
	if err := run("ip", strings.Fields(fmt.Sprintf("-n %s link add name %s type veth peer name %s netns %s", h.Namespace, homeLink, BoxOutside, l.Box.Namespace))...); err != nil {
		return err
	}
	if err := l.ip(h, "address add "+homeNet(1).String()+" dev "+homeLink, "link set dev "+homeLink+" up"); err != nil {
		return err
	}
	if err := l.ip(l.Box, "address add "+l.BoxOutsidePrefix().String()+" dev "+BoxOutside, "link set dev "+BoxOutside+" up",
		"route add default via "+homeNet(1).Addr().String()); err != nil {
		return err
	}
	if err := l.plug(h, routerLink, carrierNet, netip.PrefixFrom(l.Router.Outside, l.Net.CarrierNet.Bits())); err != nil {
		return err
	}
	seconds := fmt.Sprint(int(UDPTimeout.Seconds()))
	for key, value := range map[string]string{
		"net/ipv4/ip_forward": "1", "net/netfilter/nf_conntrack_udp_timeout": seconds, "net/netfilter/nf_conntrack_udp_timeout_stream": seconds,
	} {
		// The connection tracking's settings appear with its first rule.
		if strings.Contains(key, "conntrack") {
			if err := l.Router.Translate(FullCone); err != nil {
				return err
			}
		}
		if err := run("ip", "netns", "exec", h.Namespace, "sh", "-c", "echo "+value+" > /proc/sys/"+key); err != nil {
			return err
		}
	}
	return nil
}

// Translate has the router translate in this way from now on. Flows that are there are forgotten.
func (r *Router) Translate(t Translation) error {
	in, how := "", "random,fully-random"
	if t == FullCone {
		box := homeNet(2).Addr()
		in = fmt.Sprintf("iifname %[1]q fib daddr type local udp dport { %[2]s } dnat to %[3]s; iifname %[1]q fib daddr type local tcp dport 5060-5061 dnat to %[3]s;",
			routerLink, GatewayPorts, box)
		how = "persistent"
	}
	file := r.Path("router.nft")
	rules := "table ip router\ndelete table ip router\n" + fmt.Sprintf(routerRules, in, how)
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		return fmt.Errorf("write the router's rules: %w", err)
	}
	if err := run("ip", "netns", "exec", r.Namespace, "nft", "-f", file); err != nil {
		return err
	}
	return r.ForgetFlows()
}

// ChangeSIP switches the router's SIP ALG on: the connection tracking helper of Linux, which many routers have.
func (r *Router) ChangeSIP() error {
	file := r.Path("alg.nft")
	rules := "table ip alg {\n\tct helper sip {\n\t\ttype \"sip\" protocol udp;\n\t}\n" +
		"\tchain in {\n\t\ttype filter hook prerouting priority filter;\n\t\tudp dport 5060 ct helper set \"sip\"\n\t}\n}\n"
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		return fmt.Errorf("write the router's rules: %w", err)
	}
	return run("ip", "netns", "exec", r.Namespace, "nft", "-f", file)
}

// MTU makes the way out narrower, as a DSL line with PPPoE is (1492 bytes), in both directions.
func (r *Router) MTU(bytes int) error {
	size := fmt.Sprint(bytes)
	if err := run("ip", "-n", r.Namespace, "link", "set", "dev", routerLink, "mtu", size); err != nil {
		return err
	}
	carrier := r.lab.namespace(carrierNet)
	if err := run("ip", "-n", carrier, "link", "set", "dev", r.Name, "mtu", size); err != nil {
		return err
	}
	return bridgesFiltered(carrier, true)
}

// Reconnect gives the router another address towards the carrier, as a provider does after a lost line: the old one is
// gone, and with it every flow.
func (r *Router) Reconnect(to netip.Addr) error {
	bits := r.lab.Net.CarrierNet.Bits()
	old, next := netip.PrefixFrom(r.Outside, bits), netip.PrefixFrom(to, bits)
	if err := r.lab.ip(r.Host, "address del "+old.String()+" dev "+routerLink, "address add "+next.String()+" dev "+routerLink); err != nil {
		return err
	}
	r.Outside = to
	return r.ForgetFlows()
}
