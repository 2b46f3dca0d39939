package link

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Watch tells changed the name of a port whenever it is plugged in or out, its cable leads somewhere again, or one of its addresses
// that other networks can reach comes or goes. It returns when ctx ends, with nil, or when the kernel tells nothing more.
func Watch(ctx context.Context, changed func(iface string)) error {
	ended := make(chan struct{})
	defer close(ended)
	failed := make(chan error, 8)
	fail := func(err error) {
		select {
		case failed <- err:
		default: // the first one is enough
		}
	}
	links := make(chan netlink.LinkUpdate, 64)
	if err := netlink.LinkSubscribeWithOptions(links, ended, netlink.LinkSubscribeOptions{ErrorCallback: fail}); err != nil {
		return fmt.Errorf("watch the network ports: %w", err)
	}
	addrs := make(chan netlink.AddrUpdate, 64)
	if err := netlink.AddrSubscribeWithOptions(addrs, ended, netlink.AddrSubscribeOptions{ErrorCallback: fail}); err != nil {
		return fmt.Errorf("watch the network addresses: %w", err)
	}
	known, err := look()
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watch the network ports: %w", err)
		case u, more := <-links:
			if !more {
				links = nil // failed says why
				continue
			}
			if known.port(u) {
				changed(u.Link.Attrs().Name)
			}
		case u, more := <-addrs:
			if !more {
				addrs = nil
				continue
			}
			if !known.has(u.LinkIndex, u.LinkAddress, u.NewAddr) {
				continue
			}
			if i, err := net.InterfaceByIndex(u.LinkIndex); err == nil { // else it is gone by now
				changed(i.Name)
			}
		}
	}
}

// seen is how the ports were when the kernel told of them last. It tells much that is no change: that somebody listens to
// a port, or that an address lives on.
type seen struct {
	up        map[int]bool
	addresses map[address]bool
}

type address struct {
	port int
	addr netip.Addr
}

func look() (seen, error) {
	s := seen{map[int]bool{}, map[address]bool{}}
	ports, err := netlink.LinkList()
	if err != nil {
		return s, fmt.Errorf("list the network ports: %w", err)
	}
	for _, p := range ports {
		s.carries(p.Attrs().Index, p.Attrs().RawFlags&unix.IFF_LOWER_UP != 0)
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return s, fmt.Errorf("list the network addresses: %w", err)
	}
	for _, a := range addrs {
		s.has(a.LinkIndex, *a.IPNet, true)
	}
	return s, nil
}

// port notes what the kernel says of a port, and tells whether it has just been plugged in or out or its cable leads somewhere again.
func (s seen) port(u netlink.LinkUpdate) bool {
	index := int(u.Index)
	if u.Header.Type == unix.RTM_DELLINK {
		_, known := s.up[index]
		delete(s.up, index)
		return known
	}
	_, known := s.up[index]
	return s.carries(index, u.IfInfomsg.Flags&unix.IFF_LOWER_UP != 0) || !known
}

// carries notes whether a port's cable leads somewhere, and tells whether it does again.
func (s seen) carries(port int, now bool) bool {
	before := s.up[port]
	s.up[port] = now
	return now && !before
}

// has notes whether a port has an address, and tells whether that is news. Link-local addresses reach no other network.
func (s seen) has(port int, ip net.IPNet, now bool) bool {
	a, ok := netip.AddrFromSlice(ip.IP)
	key := address{port, a.Unmap()}
	if !ok || a.IsLinkLocalUnicast() || s.addresses[key] == now {
		return false
	}
	if now {
		s.addresses[key] = true
	} else {
		delete(s.addresses, key)
	}
	return true
}
