package branch

import (
	"context"
	"fmt"
	"net/netip"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/peer"
)

// CloudDomain is the SIP domain of the PBX that the phones of a Hosted branch register with.
const CloudDomain = "cloud.example"

// Hosted is a branch without a PBX: its phones register through the box with one in the carrier's network, a Kamailio that
// asks for a digest. The first phone is in the office's network, the second behind a router. A carrier of the branch's
// own, a sipp that takes every call, is there for emergencies.
type Hosted struct {
	Binary    string
	Transport string // of the phones: udp (default) or tcp
	Users     int    // further users of the PBX, from 200 on, for whom the test itself speaks

	Lab    *lab.Lab
	PBX    *peer.Carrier
	Phones []*peer.Phone
	Behind *lab.Host // the machine behind the router
	Box    *Box

	authority *peer.Authority
}

// Password is that of a user of the PBX.
func Password(user string) string { return "Copper-harbour-" + user }

// Build lays the branch out, starts everything and waits until the phones are registered.
func (h *Hosted) Build(ctx context.Context) (err error) {
	if h.Transport == "" {
		h.Transport = "udp"
	}
	if h.Lab, err = lab.Open(lab.TwoPorts); err != nil {
		return err
	}
	if h.Behind, err = h.Lab.AddBehindRouter("behind", h.Lab.Phones[1]); err != nil {
		return err
	}
	if h.authority, err = peer.NewAuthority("Example Cloud CA"); err != nil {
		return err
	}
	if err := h.startPBX(ctx); err != nil {
		return err
	}
	if _, err := h.Lab.Subscribers[0].Start("local-carrier", "sipp", "-sn", "uas", "-i", h.Lab.Net.Subscribers[0].String(), "-p", "5060", "-nostdin"); err != nil {
		return err
	}
	if err := h.StartBox(ctx); err != nil {
		return err
	}
	return h.startPhones(ctx)
}

// StartBox runs the box, once more with what it has kept.
func (h *Hosted) StartBox(ctx context.Context) error {
	h.Box = &Box{Host: h.Lab.Box, Binary: h.Binary}
	return h.Box.Start(ctx, h.policy())
}

func (h *Hosted) startPBX(ctx context.Context) error {
	login := func(user string) peer.Login { return peer.Login{User: user, Password: Password(user), Number: user} }
	h.PBX = &peer.Carrier{
		Host: h.Lab.Carrier, Authority: h.authority, Domain: CloudDomain, Plain: true,
		Trunk: peer.Login{User: "unused", Password: "unused", Number: "unused"}, TrunkPrefix: "+999",
		Subscribers: []peer.Login{login("101"), login("102")},
	}
	for i := range h.Users {
		h.PBX.Subscribers = append(h.PBX.Subscribers, login(fmt.Sprint(200+i)))
	}
	return h.PBX.Start(ctx)
}

func (h *Hosted) policy() string {
	n := h.Lab.Net
	return fmt.Sprintf(`version: 1
site: {name: Hosted branch, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: %s, address: %s}
  outside: {interface: %s, address: %s}
phones:
  domain: %s
  proxy: "%s:5060"
  transport: udp
  codecs: [PCMU, PCMA]
  inbound: "101"
  most: 150
trunks:
  - name: local
    domain: local.example
    outbound_proxy: "%s:5060"
    transport: udp
    health: off
    accounts: [{user: line, numbers: ["+33123456700"]}]
    codecs: [PCMU, PCMA]
`, lab.BoxInside, h.Lab.BoxInsidePrefix(), lab.BoxOutside, h.Lab.BoxOutsidePrefix(), CloudDomain, n.Carrier, n.Subscribers[0])
}

func (h *Hosted) startPhones(ctx context.Context) error {
	for i, host := range []*lab.Host{h.Lab.Phones[0], h.Behind} {
		user := fmt.Sprint(101 + i)
		h.Phones = append(h.Phones, &peer.Phone{
			Host: host, Name: "desk" + user, Login: peer.Login{User: user, Password: Password(user)}, AOR: user + "@" + CloudDomain,
			Registrar: netip.AddrPortFrom(h.Lab.Net.BoxInside, 5060), Transport: h.Transport, Codec: "pcmu", Renews: 15, Tone: []float64{620, 850}[i],
		})
		if err := h.Phones[i].Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Office is the phones as a Branch, so that they can talk.
func (h *Hosted) Office() *Branch { return &Branch{Phones: h.Phones} }

// AwaitPBX waits until the box says that the PBX is away, or back.
func (h *Hosted) AwaitPBX(ctx context.Context, reachable bool) error {
	return h.Box.Await(ctx, fmt.Sprintf("saying that reachable is %v of the phones' PBX", reachable), func(s Status) bool {
		return s.Phones.Reachable == reachable && (s.Phones.Reason == "") == reachable
	})
}

// Close stops everything and removes it.
func (h *Hosted) Close() error {
	if h.Lab == nil {
		return nil
	}
	for _, p := range h.Phones {
		p.Stop()
	}
	if h.Box != nil {
		h.Box.Stop()
	}
	if h.PBX != nil {
		h.PBX.Stop()
	}
	return h.Lab.Close()
}
