package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tollgate/board/dhcpserver"
	"tollgate/firmware/api"
	"tollgate/firmware/policy"
)

// What the box has lent to telephones is kept under this kind, by the network's prefix.
const lentKind = "lent"

// setLending has addresses lent to telephones inside, where the policy wants that.
func (b *box) setLending(_ context.Context, p *policy.Policy) error {
	c := lending(p)
	b.lender.Set(c, func() []dhcpserver.Lease { return b.knownLent(c) })
	return nil
}

// lending is what a policy lends to telephones; the zero value: nothing.
func lending(p *policy.Policy) dhcpserver.Config {
	if p == nil || !p.Network.Inside.DHCPServer.Used() {
		return dhcpserver.Config{}
	}
	in, d := p.Network.Inside, p.Network.Inside.DHCPServer
	c := dhcpserver.Config{
		Interface: in.Interface, Own: in.Address.Prefix, First: d.Range.First, Last: d.Range.Last, Length: d.Lease(), Router: d.Router, DNS: d.DNSServers, Time: d.TimeServers,
		Domain: d.Domain, SIP: d.SIPServers, Provisioning: d.Provisioning, ProvisioningAddresses: d.ProvisioningAddresses, Reserved: map[string]netip.Addr{},
	}
	for _, r := range d.Reservations {
		c.Reserved[strings.ToLower(r.MAC)] = r.Address
	}
	return c
}

// knownLent is what an earlier process has lent.
func (b *box) knownLent(c dhcpserver.Config) (list []dhcpserver.Lease) {
	value, found, err := b.store.Get(lentKind, c.Own.Masked().String())
	if err == nil && found {
		err = json.Unmarshal(value, &list)
	}
	if err != nil {
		b.log.Warn("the addresses that were lent before are not known", "err", err)
		return nil
	}
	return list
}

// keepLentOut keeps what is lent, for the next start.
func (b *box) keepLentOut(network netip.Prefix, list []dhcpserver.Lease) {
	value, err := json.Marshal(list)
	if err == nil {
		err = b.store.Put(lentKind, network.String(), value)
	}
	if err != nil {
		b.log.Warn("the addresses that are lent are not kept", "err", err)
	}
}

// lent shows what is lent to telephones; nil when nothing is to be.
func (b *box) lent() *api.Lending {
	s := b.lender.State()
	if s.Interface == "" {
		return nil
	}
	shown := &api.Lending{
		Interface: s.Interface, Lends: s.Lends, Problem: s.Problem, Leases: []api.Lent{}, Aside: []api.Aside{},
		First: s.Pool.First.String(), Last: s.Pool.Last.String(), Size: s.Pool.Size, Free: s.Pool.Free,
	}
	if s.Other.IsValid() {
		shown.Other = s.Other.String()
	}
	for _, l := range s.Leases {
		shown.Leases = append(shown.Leases, api.Lent{
			Address: l.Address.String(), Hardware: l.Hardware, Name: l.Name, Until: l.Until.Truncate(time.Second), Reserved: l.Reserved,
		})
	}
	for _, a := range s.Aside {
		shown.Aside = append(shown.Aside, api.Aside{Address: a.Address.String(), Hardware: a.Hardware, Until: a.Until.Truncate(time.Second)})
	}
	return shown
}

// unlent tells why telephones get no address, or not one of those that the policy would lend.
func unlent(l *api.Lending) (list []api.Warning) {
	if l == nil {
		return nil
	}
	if len(l.Aside) > 0 {
		list = append(list, strangers(l.Aside))
	}
	w := api.Warning{Peer: "network", Path: "network.inside.dhcp_server"}
	switch {
	case l.Other != "":
		w.Text = fmt.Sprintf("Another DHCP server, %s, answers on %s: the box lends no addresses there. Switch one of the two off.", l.Other, l.Interface)
	case l.Problem != "":
		w.Text = fmt.Sprintf("The box lends no addresses on %s: %s. See whether the cable is plugged in.", l.Interface, l.Problem)
	case l.Lends && l.Free == 0:
		w.Text = fmt.Sprintf("All %d addresses from %s to %s are lent: another telephone gets none. Widen the range, or shorten lease_minutes.", l.Size, l.First, l.Last)
	default:
		return list
	}
	return append(list, w)
}

// mostStrangers is how many addresses of others a warning names.
const mostStrangers = 4

// strangers tells who has addresses without having been lent them.
func strangers(list []api.Aside) api.Warning {
	var named []string
	for i, a := range list {
		if i == mostStrangers {
			named = append(named, fmt.Sprintf("%d more", len(list)-i))
			break
		}
		if a.Hardware != "" {
			a.Address += " (" + a.Hardware + ")"
		}
		named = append(named, a.Address)
	}
	return api.Warning{Peer: "network", Path: "network.inside.dhcp_server", Text: fmt.Sprintf(
		"Other machines have addresses that the box lends: %s. They are lent to nobody for an hour. Give those machines other addresses, or leave theirs out of the range.",
		strings.Join(named, ", "))}
}
