// Package link knows the network ports of the machine and their addresses.
//
// This release verifies that what the operator wants is there; setting it is left to the operating system. It reads the
// kernel's own tables through netlink.
//
// It leaves to others what an address is for (apply), and packets (netfilter).
package link

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
)

// Want is an address that must be there.
type Want struct {
	Role      string // for messages: inside, outside
	Interface string
	Address   netip.Prefix // the box's own address with its prefix length
}

// Interface is one network port.
type Interface struct {
	Name      string
	Up        bool
	Addresses []netip.Prefix
}

// Verify compares what is wanted with what is there. The error joins every fault, each with its remedy.
func Verify(want []Want) error {
	all, err := Interfaces()
	if err != nil {
		return err
	}
	var faults []error
	for _, w := range want {
		faults = append(faults, w.verify(all))
	}
	return errors.Join(faults...)
}

func (w Want) verify(all []Interface) error {
	var names []string
	for _, i := range all {
		if i.Name != w.Interface {
			names = append(names, i.Name)
			continue
		}
		for _, a := range i.Addresses {
			if a == w.Address {
				return w.up(i)
			}
		}
		return fmt.Errorf("network.%s.address: %s is not an address of %s, which has %s (give it to the port, or correct the policy)",
			w.Role, w.Address, w.Interface, listed(i.Addresses))
	}
	return fmt.Errorf("network.%s.interface: there is no port %s (the machine has %s)", w.Role, w.Interface, strings.Join(names, ", "))
}

func (w Want) up(i Interface) error {
	if i.Up {
		return nil
	}
	return fmt.Errorf("network.%s.interface: %s is down (plug the cable in, or bring the port up)", w.Role, i.Name)
}

func listed(addrs []netip.Prefix) string {
	if len(addrs) == 0 {
		return "none"
	}
	var s []string
	for _, a := range addrs {
		s = append(s, a.String())
	}
	return strings.Join(s, ", ")
}

// Addresses returns the addresses of one port.
func Addresses(iface string) ([]netip.Prefix, error) {
	all, err := Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		if i.Name == iface {
			return i.Addresses, nil
		}
	}
	return nil, fmt.Errorf("there is no network port %s", iface)
}

// Interfaces lists the network ports but loopback. Link-local IPv6 addresses are left out: they lie on every port.
func Interfaces() ([]Interface, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list network ports: %w", err)
	}
	var all []Interface
	for _, l := range links {
		if l.Attrs().Name == "lo" {
			continue
		}
		addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			return nil, fmt.Errorf("list the addresses of %s: %w", l.Attrs().Name, err)
		}
		i := Interface{Name: l.Attrs().Name, Up: l.Attrs().OperState == netlink.OperUp}
		for _, a := range addrs {
			ip, ok := netip.AddrFromSlice(a.IP)
			if !ok || ip.Is6() && ip.IsLinkLocalUnicast() {
				continue
			}
			bits, _ := a.Mask.Size()
			i.Addresses = append(i.Addresses, netip.PrefixFrom(ip.Unmap(), bits))
		}
		all = append(all, i)
	}
	return all, nil
}
