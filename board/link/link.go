// Package link knows the network ports of the machine and their addresses.
//
// It lists what is there (Interfaces, Addresses), finds the port that is meant by its kind or hardware address (Find), verifies
// that what the operator wants is there (Verify) and tells when that changes (Watch). On a machine of the box's own it sets
// addresses and routes as well (Set) and borrows an address (DHCP). Everything goes through netlink, of the network namespace
// that the process runs in. Forwarder has the kernel pass packets on between two ports.
//
// It leaves to others what an address is for, and which packets may pass (netfilter).
package link

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Interface is one network port. Loopback is none.
type Interface struct {
	Name     string
	Hardware net.HardwareAddr
	Kind     Kind
	MTU      int  // bytes
	Up       bool // switched on
	Carrier  bool // and the cable leads somewhere; false while it is not up
	// Addresses are those in use, with their prefix lengths, IPv4 first. Link-local IPv6 addresses are left out, for they
	// lie on every port.
	Addresses []netip.Prefix
	// Checking holds IPv6 addresses that wait for duplicate address detection, Taken those that it found elsewhere on the
	// link (RFC 4862 section 5.4). Neither kind can be used.
	Checking, Taken []netip.Prefix
}

// Interfaces lists the network ports in the order in which the kernel found them.
func Interfaces() ([]Interface, error) { return read() }

// Addresses returns the addresses in use on one port; see Interface.
func Addresses(iface string) ([]netip.Prefix, error) {
	all, err := read()
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		if i.Name == iface {
			return i.Addresses, nil
		}
	}
	return nil, fmt.Errorf("there is no port %s (the machine has %s)", iface, names(all))
}

func names(all []Interface) string {
	var list []string
	for _, i := range all {
		list = append(list, i.Name)
	}
	return listed(list)
}

func addresses(prefixes []netip.Prefix) string {
	var list []string
	for _, p := range prefixes {
		list = append(list, p.String())
	}
	return listed(list)
}

func listed(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
