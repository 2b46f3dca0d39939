package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Config is how the ports of a machine are to be that belongs to the box alone.
type Config struct {
	Ports   []Port
	Gateway netip.Addr // the router for everything that is on no port; zero: none
	Asked   *Inquiry   `json:"-"` // what was asked before Set; nil: nothing
}

// Port is one port that is used.
type Port struct {
	// Role is what it is for, as messages tell it.
	Role string
	// Interface is its name; NAME.NUMBER is a VLAN (IEEE 802.1Q) on the port NAME, and is made.
	Interface string
	Addresses []netip.Prefix
	// Routers that announce themselves are believed on this port (RFC 4861 section 6.3.4).
	Routers bool
}

// dadTime is how long duplicate address detection of the kernel may take (RFC 4862: a second, and a random delay).
const dadTime = 4 * time.Second

// Set brings the ports to where Config wants them: switched on, with these addresses and no others that were set by hand, and
// with this default route. Setting twice changes nothing. New addresses are asked for on the link first (RFC 5227 for IPv4, the
// kernel's own detection for IPv6). The error is Faults when a port or an address cannot be had; then the ports are as
// they were, but for those that were switched on.
func Set(ctx context.Context, c Config) error {
	before, err := read()
	if err != nil {
		return err
	}
	if err := c.bringUp(before); err != nil {
		return err
	}
	// Without it the kernel takes every address of a network away together with the first one.
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/all/promote_secondaries", []byte("1"), 0); err != nil {
		return fmt.Errorf("let addresses stay while others go: %w", err)
	}
	added, err := c.add(ctx, before)
	if err == nil {
		err = c.settled(ctx)
	}
	if err == nil {
		err = c.route()
	}
	if err != nil {
		return errors.Join(err, take(added))
	}
	return c.tidy()
}

// Raise switches the ports of c on and makes what VLANs are missing, as Set does, and leaves the rest as it is: addresses can be
// borrowed then. The error is Faults when a port is not there.
func Raise(c Config) error {
	all, err := read()
	if err != nil {
		return err
	}
	return c.bringUp(all)
}

// bringUp makes what VLANs are missing and switches the ports on.
func (c Config) bringUp(all []Interface) error {
	var faults Faults
	for _, p := range c.Ports {
		parent, _, _ := p.vlan()
		if !slices.ContainsFunc(all, func(i Interface) bool { return i.Name == parent }) {
			faults = append(faults, p.fault("there is no such port", "the machine has "+names(all)))
		}
	}
	if len(faults) > 0 {
		return faults
	}
	for _, p := range c.Ports {
		if err := p.bringUp(); err != nil {
			return fmt.Errorf("switch on port %s: %w", p.Interface, err)
		}
	}
	return nil
}

// vlan splits the name of a VLAN from its port's; a port is its own parent.
func (p Port) vlan() (parent string, number int, ok bool) {
	parent, text, found := strings.Cut(p.Interface, ".")
	if !found {
		return p.Interface, 0, false
	}
	number, err := strconv.Atoi(text)
	return parent, number, err == nil && number > 0 && number < 4095
}

func (p Port) bringUp() error {
	parent, number, tagged := p.vlan()
	if err := up(parent); err != nil || !tagged {
		return err
	}
	if _, err := netlink.LinkByName(p.Interface); err == nil {
		return up(p.Interface)
	}
	under, err := netlink.LinkByName(parent)
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = p.Interface, under.Attrs().Index
	err = netlink.LinkAdd(&netlink.Vlan{LinkAttrs: attrs, VlanId: number})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("make VLAN %d: this kernel knows no VLANs (it lacks 8021q)", number)
	}
	if err != nil {
		return fmt.Errorf("make VLAN %d: %w", number, err)
	}
	return up(p.Interface)
}

func up(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// placed is an address on a port.
type placed struct {
	port string
	addr netip.Prefix
}

// add gives the ports the addresses they lack, and returns them.
func (c Config) add(ctx context.Context, before []Interface) ([]placed, error) {
	if faults := c.conflicts(ctx, before); len(faults) > 0 {
		return nil, faults
	}
	var added []placed
	for _, p := range c.Ports {
		if err := believeRouters(p.Interface, p.Routers); err != nil {
			return added, err
		}
		for _, a := range p.Addresses {
			if has(before, p.Interface, a) {
				continue
			}
			if err := change(netlink.AddrReplace, p.Interface, a); err != nil {
				return added, fmt.Errorf("give %v to port %s: %w", a, p.Interface, err)
			}
			added = append(added, placed{p.Interface, a})
		}
	}
	return added, nil
}

// conflicts asks on all links at once whether another machine has an IPv4 address that a port lacks: one after the other, the questions
// would be a good part of a start.
func (c Config) conflicts(ctx context.Context, before []Interface) Faults {
	var asked sync.WaitGroup
	var mu sync.Mutex // guards faults
	var faults Faults
	for _, p := range c.Ports {
		for _, a := range p.Addresses {
			if !lacks(before, p.Interface, a) {
				continue
			}
			asked.Go(func() {
				if who, taken := c.probe(ctx, p.Interface, a.Addr()); taken {
					mu.Lock()
					defer mu.Unlock()
					faults = append(faults, p.fault(fmt.Sprintf("another machine on this link has %v: %v", a.Addr(), who), "choose another address, or change that machine's"))
				}
			})
		}
	}
	asked.Wait()
	return faults
}

// lacks tells whether a port lacks an address that has to be asked for by us.
func lacks(all []Interface, port string, a netip.Prefix) bool {
	return a.Addr().Is4() && !has(all, port, a)
}

func has(all []Interface, port string, a netip.Prefix) bool {
	return slices.ContainsFunc(all, func(i Interface) bool {
		return i.Name == port && (slices.Contains(i.Addresses, a) || slices.Contains(i.Checking, a))
	})
}

// settled waits until every address can be used.
func (c Config) settled(ctx context.Context) error {
	var want []Want
	for _, p := range c.Ports {
		for _, a := range p.Addresses {
			want = append(want, Want{p.Role, p.Interface, a})
		}
	}
	for end := time.Now().Add(dadTime); ; {
		all, err := read()
		if err != nil {
			return err
		}
		checking := slices.ContainsFunc(all, func(i Interface) bool { return i.Carrier && len(i.Checking) > 0 })
		if faults := taken(want, all); len(faults) > 0 {
			return faults
		}
		if !checking || time.Now().After(end) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// taken are the addresses that the kernel found elsewhere on the link.
func taken(want []Want, all []Interface) (faults Faults) {
	for _, w := range want {
		for _, i := range all {
			if i.Name == w.Interface && slices.Contains(i.Taken, w.Address) {
				faults = append(faults, w.address(i, all)...)
			}
		}
	}
	return faults
}

// tidy takes away the addresses that nobody wants. Those that routers announced go by themselves.
func (c Config) tidy() error {
	addrs, err := whole(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	all, err := whole(netlink.LinkList)
	if err != nil {
		return fmt.Errorf("list network ports: %w", err)
	}
	var unwanted []placed
	for _, l := range all {
		for _, a := range addrs {
			p, ok := prefixOf(a)
			if a.LinkIndex != l.Attrs().Index || !ok || p.Addr().IsLoopback() || a.Flags&unix.IFA_F_PERMANENT == 0 || p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
				continue
			}
			if !c.wants(l.Attrs().Name, p) {
				unwanted = append(unwanted, placed{l.Attrs().Name, p})
			}
		}
	}
	return take(unwanted)
}

func (c Config) wants(port string, a netip.Prefix) bool {
	return slices.ContainsFunc(c.Ports, func(p Port) bool { return p.Interface == port && slices.Contains(p.Addresses, a) })
}

func take(list []placed) error {
	var errs []error
	for _, a := range list {
		if err := change(netlink.AddrDel, a.port, a.addr); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			errs = append(errs, fmt.Errorf("take %v from port %s: %w", a.addr, a.port, err))
		}
	}
	return errors.Join(errs...)
}

func change(how func(netlink.Link, *netlink.Addr) error, port string, a netip.Prefix) error {
	l, err := netlink.LinkByName(port)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(a.String())
	if err != nil {
		return err
	}
	return how(l, addr)
}

// believeRouters sets whether the kernel takes addresses and routes from routers that announce themselves. Where it passes packets
// on, it has been told so already (accept_ra 2) and is left alone. A kernel without IPv6 has nobody to believe.
func believeRouters(port string, believe bool) error {
	path := "/proc/sys/net/ipv6/conf/" + port + "/accept_ra"
	text := "0"
	if believe {
		text = "1"
	}
	now, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && (strings.TrimSpace(string(now)) == text || believe && strings.TrimSpace(string(now)) == "2") {
		return nil
	}
	if err := os.WriteFile(path, []byte(text), 0); err != nil {
		return fmt.Errorf("IPv6 on port %s: %w", port, err)
	}
	return nil
}

// route makes the default route, and takes away another one of the box's own.
func (c Config) route() error {
	routes, err := whole(func() ([]netlink.Route, error) {
		return netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: unix.RTPROT_STATIC}, netlink.RT_FILTER_PROTOCOL)
	})
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	if c.Gateway.IsValid() {
		if err := c.makeRoute(); err != nil {
			return err
		}
	}
	for _, r := range routes {
		gw, _ := netip.AddrFromSlice(r.Gw)
		if (r.Dst == nil || r.Dst.IP.IsUnspecified()) && gw.Unmap() != c.Gateway {
			if err := netlink.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("take the route by %v away: %w", gw.Unmap(), err)
			}
		}
	}
	return nil
}

func (c Config) makeRoute() error {
	i := slices.IndexFunc(c.Ports, func(p Port) bool {
		return slices.ContainsFunc(p.Addresses, func(a netip.Prefix) bool { return a.Masked().Contains(c.Gateway) })
	})
	if i < 0 {
		return fmt.Errorf("route by %v: it is in the network of no port", c.Gateway)
	}
	l, err := netlink.LinkByName(c.Ports[i].Interface)
	if err != nil {
		return fmt.Errorf("route by %v: %w", c.Gateway, err)
	}
	if err := netlink.RouteReplace(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: c.Gateway.AsSlice(), Protocol: unix.RTPROT_STATIC}); err != nil {
		return fmt.Errorf("route by %v on port %s: %w", c.Gateway, c.Ports[i].Interface, err)
	}
	return nil
}

func (p Port) fault(problem, remedy string) Fault {
	return Want{Role: p.Role, Interface: p.Interface}.fault(problem, remedy)
}
