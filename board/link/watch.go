package link

import (
	"context"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Watch tells changed the name of a port whenever its cable leads somewhere again, or an address comes or goes that is more
// than the link's own: those that IPv6 gives every port come by themselves, a second after the link. It returns when ctx ends, with nil, or when the kernel tells nothing more. One change may be told several times.
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
	up, err := carrying()
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
			now := u.IfInfomsg.Flags&unix.IFF_LOWER_UP != 0
			if now && !up[u.Index] {
				changed(u.Link.Attrs().Name)
			}
			up[u.Index] = now
		case u, more := <-addrs:
			if !more {
				addrs = nil
				continue
			}
			if u.LinkAddress.IP.IsLinkLocalUnicast() {
				continue
			}
			if i, err := net.InterfaceByIndex(u.LinkIndex); err == nil { // else it is gone by now
				changed(i.Name)
			}
		}
	}
}

// carrying are the ports, by their index, whose cable leads somewhere now.
func carrying() (map[int32]bool, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list the network ports: %w", err)
	}
	up := map[int32]bool{}
	for _, l := range links {
		up[int32(l.Attrs().Index)] = l.Attrs().RawFlags&unix.IFF_LOWER_UP != 0
	}
	return up, nil
}
