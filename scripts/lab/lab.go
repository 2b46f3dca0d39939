// Package lab lays out a small world of network namespaces joined by veth: an office, the box and a carrier.
//
//	host ──┐
//	phones ┤                                                       ┌─ subscribers
//	  pbx ─┴─ office bridge ── inside [ box ] outside ── carrier bridge ─┴─ carrier's proxy
//
// With OnePort the box has the office link only, and a gateway that translates addresses stands between the bridges. With
// BehindRouter the box's outside is plugged into a router that does, and that can be made to behave badly.
// Every machine (Host) has a namespace and an address of its own, because telephones send no media over loopback and
// take the first address of an interface. Up to 16 labs run side by side: each claims a slot, which names its namespaces
// and its piece of an example network, and removes what a dead run left in that slot. Close removes everything.
//
// It leaves to others what runs on the machines: peer has telephones and servers, branch puts the whole together.
package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Layout says how the box is connected.
type Layout string

// The layouts.
const (
	TwoPorts     Layout = "two ports"
	OnePort      Layout = "one port"
	BehindRouter Layout = "behind a router"
)

// Interface names inside the box. With OnePort both sides are on BoxInside.
const (
	BoxInside  = "inside"
	BoxOutside = "outside"
)

// Lab is one laid-out world.
type Lab struct {
	Layout Layout
	Dir    string // temporary folder for configurations, logs and recordings; removed by Close
	Net    Addresses

	Box         *Host
	PBX         *Host // in the office's own namespace, beside the bridge
	Phones      []*Host
	Carrier     *Host // the carrier's proxy, in the carrier's own namespace
	Subscribers []*Host
	Gateway     *Host   // OnePort only
	Router      *Router // BehindRouter only

	slot      int
	claim     net.Listener
	processes []*Process
}

// Open lays the world out. It needs root and the programs ip and, for OnePort and BehindRouter, nft.
func Open(layout Layout) (*Lab, error) {
	slot, claim, err := claimSlot()
	if err != nil {
		return nil, err
	}
	l := &Lab{Layout: layout, slot: slot, claim: claim}
	if err := l.open(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) open() error {
	if err := l.sweep(); err != nil {
		return fmt.Errorf("remove what an earlier run left: %w", err)
	}
	office, err := freeNetwork()
	if err != nil {
		return err
	}
	l.Net = addressesOf(office, l.slot)
	if l.Dir, err = os.MkdirTemp("", l.tempPrefix()); err != nil {
		return fmt.Errorf("make the lab's folder: %w", err)
	}
	if err := l.lay(); err != nil {
		return fmt.Errorf("lay out the lab: %w", err)
	}
	return nil
}

// Close ends every process of the lab, by its id, and removes namespaces, links, host files and the folder. It may be
// called twice.
func (l *Lab) Close() error {
	for i := len(l.processes) - 1; i >= 0; i-- {
		l.processes[i].Stop(2 * time.Second)
	}
	l.processes = nil
	err := l.sweep()
	if l.claim != nil {
		l.claim.Close()
		l.claim = nil
	}
	return err
}

// slots is how many labs fit side by side: /28 networks in a /24.
const slots = 16

// claimSlot takes the first free slot. The claim is an abstract unix socket: it leaves no file and ends with the process.
func claimSlot() (int, net.Listener, error) {
	for slot := range slots {
		if claim, err := net.Listen("unix", fmt.Sprintf("@tollgate-lab-%d", slot)); err == nil {
			return slot, claim, nil
		}
	}
	return 0, nil, fmt.Errorf("all %d places for a lab are taken by running ones: end one of them", slots)
}

func (l *Lab) tempPrefix() string { return fmt.Sprintf("tollgate-lab-%d-", l.slot) }

func (l *Lab) namespace(host string) string { return fmt.Sprintf("tollgate%d-%s", l.slot, host) }

// hostLink is the name of the host's end of the link into the office.
func (l *Lab) hostLink() string { return fmt.Sprintf("tollgate%d", l.slot) }

// namespaceFiles is where ip-netns(8) takes files from that shadow those of /etc.
const namespaceFiles = "/etc/netns"

// sweep removes everything that belongs to the slot, whoever made it.
func (l *Lab) sweep() error {
	var faults []error
	// The link first: it would go with the office's namespace by itself, but some time later.
	if _, err := net.InterfaceByName(l.hostLink()); err == nil {
		faults = append(faults, run("ip", "link", "del", l.hostLink()))
	}
	names, err := namespaces(l.namespace(""))
	faults = append(faults, err)
	for _, name := range names {
		faults = append(faults, removeNamespace(name), os.RemoveAll(filepath.Join(namespaceFiles, name)))
	}
	os.Remove(namespaceFiles) // fails, rightly, when somebody else's files are there
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), l.tempPrefix()+"*"))
	faults = append(faults, err)
	for _, folder := range folders {
		faults = append(faults, os.RemoveAll(folder))
	}
	return errors.Join(faults...)
}

// Left names what is still there of this lab after Close: nothing, if all went well.
func (l *Lab) Left() []string {
	left, _ := namespaces(l.namespace(""))
	if _, err := net.InterfaceByName(l.hostLink()); err == nil {
		left = append(left, "link "+l.hostLink())
	}
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), l.tempPrefix()+"*"))
	return append(left, folders...)
}

// Addresses are the lab's addresses. The office's network differs by slot, because the host has an address in it; the
// carrier's is the same everywhere, because nobody else sees it.
type Addresses struct {
	Office         netip.Prefix // with the network's address
	OfficeGateway  netip.Addr   // a gateway with OnePort, nobody with TwoPorts
	BoxInside      netip.Addr
	PBX            netip.Addr
	Phones         []netip.Addr
	Host           netip.Addr
	CarrierNet     netip.Prefix
	CarrierGateway netip.Addr // with OnePort the gateway's outside
	BoxOutside     netip.Addr // TwoPorts only
	Carrier        netip.Addr
	Subscribers    []netip.Addr
	Stranger       netip.Addr // free, on the carrier's network
	OfficeStranger netip.Addr // free, on the office's network
}

// exampleNetworks are the documentation networks (RFC 5737) that an office may have; 198.51.100.0/24 is the carrier's.
func exampleNetworks() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("203.0.113.0/24")}
}

// freeNetwork returns the first example network that this machine does not live in itself.
func freeNetwork() (netip.Prefix, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("list this machine's addresses: %w", err)
	}
	taken := func(network netip.Prefix) bool {
		return slices.ContainsFunc(addresses, func(a net.Addr) bool {
			own, err := netip.ParsePrefix(a.String())
			return err == nil && own.Overlaps(network) && !isLab(own)
		})
	}
	networks := exampleNetworks()
	if i := slices.IndexFunc(networks, func(n netip.Prefix) bool { return !taken(n) }); i >= 0 {
		return networks[i], nil
	}
	return netip.Prefix{}, fmt.Errorf("this machine has addresses in all of %v: the lab needs one of them free", networks)
}

// isLab tells whether an address of this machine is its end of another lab.
func isLab(own netip.Prefix) bool {
	return own.Bits() == officeBits && own.Addr().As4()[3]%16 == hostNumber
}

// officeBits is the prefix length of an office; hostNumber is the host's place in it.
const (
	officeBits = 28
	hostNumber = 14
)

func addressesOf(network netip.Prefix, slot int) Addresses {
	office := func(n byte) netip.Addr {
		a := network.Addr().As4()
		a[3] += byte(slot)*16 + n
		return netip.AddrFrom4(a)
	}
	carrier := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, n}) }
	return Addresses{
		Office: netip.PrefixFrom(office(0), officeBits), OfficeGateway: office(1), BoxInside: office(2), PBX: office(3),
		Phones: []netip.Addr{office(4), office(5)}, OfficeStranger: office(13), Host: office(hostNumber),
		CarrierNet: netip.PrefixFrom(carrier(0), 24), CarrierGateway: carrier(1), BoxOutside: carrier(2), Carrier: carrier(10),
		Subscribers: []netip.Addr{carrier(21), carrier(22)}, Stranger: carrier(66),
	}
}

// BoxPublic is the address at which the carrier sees the box.
func (l *Lab) BoxPublic() netip.Addr {
	switch l.Layout {
	case OnePort:
		return l.Net.CarrierGateway
	case BehindRouter:
		return l.Router.Outside
	}
	return l.Net.BoxOutside
}

// BoxInsidePrefix and BoxOutsidePrefix are the box's own addresses with their prefix lengths.
func (l *Lab) BoxInsidePrefix() netip.Prefix {
	return netip.PrefixFrom(l.Net.BoxInside, l.Net.Office.Bits())
}

// BoxOutsidePrefix is the inside one with OnePort.
func (l *Lab) BoxOutsidePrefix() netip.Prefix {
	switch l.Layout {
	case OnePort:
		return l.BoxInsidePrefix()
	case BehindRouter:
		return homeNet(2)
	}
	return netip.PrefixFrom(l.Net.BoxOutside, l.Net.CarrierNet.Bits())
}

// Path returns the name of a file or folder in the lab's folder.
func (l *Lab) Path(elements ...string) string {
	return filepath.Join(append([]string{l.Dir}, elements...)...)
}

// Name is the lab's name, as it appears in its namespaces.
func (l *Lab) Name() string { return strings.TrimSuffix(l.namespace(""), "-") }
