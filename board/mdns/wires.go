package mdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// wires are all that is spoken on: one for each of IPv4 and IPv6, as far as the port has an address to speak from.
type wires []*wire

// listen opens the wires of a port.
func listen(ctx context.Context, c Config) (all wires, err error) {
	at, err := net.InterfaceByName(c.Interface)
	if err != nil {
		return nil, fmt.Errorf("find port %s: %w", c.Interface, err)
	}
	defer func() {
		if err != nil {
			all.close()
		}
	}()
	if i := slices.IndexFunc(c.Own, netip.Addr.Is4); i >= 0 {
		w, err := listen4(at, c.Own[i])
		if err != nil {
			return all, err
		}
		all = append(all, w)
	}
	if own := linkLocal(ctx, at.Index); own.IsValid() {
		w, err := listen6(at, own)
		if err != nil {
			return all, err
		}
		all = append(all, w)
	}
	if len(all) == 0 {
		return nil, errors.New("the port has no address yet that multicast DNS could be spoken from")
	}
	return all, nil
}

func (all wires) close() {
	for _, w := range all {
		w.close() // whatever it says: nothing is kept that could be lost
	}
}

// checkTime is how long the kernel may take to see whether an address of its own is somebody else's too (RFC 4862 section 5.4).
const checkTime = 3 * time.Second

// linkLocal is the port's own link-local IPv6 address, from which IPv6 is spoken: no router passes it on. It waits for one that is
// being checked. The zero value: there is none that could be used.
func linkLocal(ctx context.Context, index int) netip.Addr {
	for end := time.Now().Add(checkTime); ; {
		list, err := netlink.AddrList(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: index}}, netlink.FAMILY_V6)
		if err != nil {
			return netip.Addr{}
		}
		checking := false
		for _, one := range list {
			a, ok := netip.AddrFromSlice(one.IP.To16())
			switch {
			case !ok || !a.IsLinkLocalUnicast() || one.Flags&unix.IFA_F_DADFAILED != 0:
			case one.Flags&unix.IFA_F_TENTATIVE != 0 && one.Flags&unix.IFA_F_OPTIMISTIC == 0:
				checking = true
			default:
				return a
			}
		}
		if !checking || time.Now().After(end) {
			return netip.Addr{}
		}
		select {
		case <-ctx.Done():
			return netip.Addr{}
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// heard is a message from the link, and the wire it came by.
type heard struct {
	message *dns.Msg
	from    sender
	by      *wire
}

// listenTo hands on what hosts of some networks say, until the wire is closed or over is.
func (w *wire) listenTo(asking []netip.Prefix, to chan<- heard, over <-chan struct{}) error {
	b := make([]byte, 10000)
	for {
		text, from, err := w.read(b)
		if err != nil {
			return err
		}
		a := from.addr.Addr()
		near := a.Is6() && a.IsLinkLocalUnicast() || slices.ContainsFunc(asking, func(p netip.Prefix) bool { return p.Contains(a) })
		m := &dns.Msg{}
		if !near || m.Unpack(text) != nil {
			continue
		}
		select {
		case to <- heard{m, from, w}:
		case <-over:
			return nil
		}
	}
}
