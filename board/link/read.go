package link

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// read asks the kernel for all ports and all addresses.
func read() ([]Interface, error) {
	links, err := whole(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list network ports: %w", err)
	}
	addrs, err := whole(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	slices.SortFunc(links, func(a, b netlink.Link) int { return cmp.Compare(a.Attrs().Index, b.Attrs().Index) })
	var all []Interface
	for _, l := range links {
		if l.Attrs().Flags&net.FlagLoopback == 0 {
			all = append(all, interfaceOf(l.Attrs(), addrs))
		}
	}
	return all, nil
}

// whole repeats a listing that the kernel changed underneath.
func whole[T any](list func() ([]T, error)) ([]T, error) {
	var found []T
	var err error
	for range 5 {
		if found, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return found, err
}

// interfaceOf picks the port's own addresses out of all.
func interfaceOf(l *netlink.LinkAttrs, addrs []netlink.Addr) Interface {
	i := Interface{
		Name: l.Name, Hardware: l.HardwareAddr, Kind: kindOf("/", l.Name), MTU: l.MTU,
		Up: l.Flags&net.FlagUp != 0, Carrier: l.Flags&net.FlagUp != 0 && l.RawFlags&unix.IFF_LOWER_UP != 0,
	}
	for _, a := range addrs {
		p, ok := prefixOf(a)
		switch {
		case a.LinkIndex != l.Index || !ok || p.Addr().Is6() && p.Addr().IsLinkLocalUnicast():
		case a.Flags&unix.IFA_F_DADFAILED != 0:
			i.Taken = append(i.Taken, p)
		case a.Flags&unix.IFA_F_TENTATIVE != 0 && a.Flags&unix.IFA_F_OPTIMISTIC == 0: // optimistic ones work (RFC 4429)
			i.Checking = append(i.Checking, p)
		default:
			i.Addresses = append(i.Addresses, p)
		}
	}
	slices.SortStableFunc(i.Addresses, func(a, b netip.Prefix) int { return cmp.Compare(a.Addr().BitLen(), b.Addr().BitLen()) })
	return i
}

func prefixOf(a netlink.Addr) (netip.Prefix, bool) {
	if a.IPNet == nil {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(a.IP)
	if !ok {
		return netip.Prefix{}, false
	}
	bits, _ := a.Mask.Size()
	return netip.PrefixFrom(ip.Unmap(), bits), true
}
