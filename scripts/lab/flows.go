package lab

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ForgetFlows has a router forget the flows that it translates, as one does that is started anew.
func (h *Host) ForgetFlows() error {
	return h.inside(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) })
}

// Flow is a UDP flow that the router knows.
type Flow struct {
	Source, Destination netip.AddrPort
	Outside             netip.AddrPort // the source as it leaves the router
}

// Flows lists the UDP flows that a router translates now.
func (h *Host) Flows() (list []Flow, err error) {
	var found []*netlink.ConntrackFlow
	err = h.inside(func() (err error) {
		found, err = netlink.ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the router's flows: %w", err)
	}
	for _, f := range found {
		if f.Forward.Protocol != unix.IPPROTO_UDP {
			continue
		}
		source, _ := netip.AddrFromSlice(f.Forward.SrcIP.To4())
		destination, _ := netip.AddrFromSlice(f.Forward.DstIP.To4())
		outside, _ := netip.AddrFromSlice(f.Reverse.DstIP.To4())
		list = append(list, Flow{
			Source: netip.AddrPortFrom(source, f.Forward.SrcPort), Destination: netip.AddrPortFrom(destination, f.Forward.DstPort),
			Outside: netip.AddrPortFrom(outside, f.Reverse.DstPort),
		})
	}
	return list, nil
}
