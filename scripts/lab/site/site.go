// Package site sets the box up between two machines whose every word a test decides: a PBX, and a carrier with a trunk for
// each transport. Either side may be IPv4 or IPv6.
//
// It leaves what is said to wire, and the machines to lab.
package site

import (
	"cmp"
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/peer"
)

// CarrierDomain is the domain of every trunk, and what the carrier's certificate is for.
const CarrierDomain = "carrier.example"

// Wishes say how a site differs from the usual one: IPv4 on both sides, a PBX over UDP.
type Wishes struct {
	Binary          string // the box's program
	OfficeSix       bool   // the office is IPv6
	CarrierSix      bool   // the carrier is
	OfficeTransport string // of the PBX: udp (default), tcp, tls
	SRTP            string // of the trunk over TLS: off (default), optional, required
}

// Site is a box with its peers.
type Site struct {
	Wishes Wishes

	Lab             *lab.Lab
	Box             *branch.Box
	Inside, Outside netip.Addr // the box's own addresses
	PBX, Carrier    netip.Addr
	Certificate     *tls.Config // the carrier's

	authority *peer.Authority
}

// Number is a number that is called by the trunk of a transport.
func Number(transport string) string {
	return map[string]string{"udp": "+33472105518", "tcp": "+4930123456", "tls": "+442079460000"}[transport]
}

// Port is where a transport is listened to.
func Port(transport string) uint16 {
	if transport == "tls" {
		return 5061
	}
	return 5060
}

// Open lays a site out and starts its box.
func Open(ctx context.Context, w Wishes) (*Site, error) {
	l, err := lab.Open(lab.TwoPorts)
	if err != nil {
		return nil, err
	}
	w.OfficeTransport, w.SRTP = cmp.Or(w.OfficeTransport, "udp"), cmp.Or(w.SRTP, "off")
	s := &Site{Wishes: w, Lab: l, Inside: l.Net.BoxInside, Outside: l.Net.BoxOutside, PBX: l.Net.PBX, Carrier: l.Net.Carrier}
	s.Box = &branch.Box{Host: l.Box, Binary: w.Binary}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Site) open(ctx context.Context) error {
	if err := s.addresses(); err != nil {
		return err
	}
	var err error
	if s.authority, err = peer.NewAuthority("Carrier CA"); err != nil {
		return err
	}
	key, certificate, err := s.authority.Issue(CarrierDomain, s.Carrier)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("read the carrier's certificate: %w", err)
	}
	s.Certificate = &tls.Config{Certificates: []tls.Certificate{pair}}
	policy, err := s.policy()
	if err != nil {
		return err
	}
	if err := s.Box.Start(ctx, policy); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, branch.Patience)
	defer cancel()
	return s.Box.Process.Await(ctx, "ready", func() bool { return strings.Contains(s.Box.Process.Output(), "policy in force") })
}

// addresses makes a side an IPv6 one, where that is wanted.
func (s *Site) addresses() error {
	for _, side := range []struct {
		six       bool
		box, peer *netip.Addr
		boxLink   string
		host      *lab.Host
	}{
		{s.Wishes.OfficeSix, &s.Inside, &s.PBX, lab.BoxInside, s.Lab.PBX},
		{s.Wishes.CarrierSix, &s.Outside, &s.Carrier, lab.BoxOutside, s.Lab.Carrier},
	} {
		if !side.six {
			continue
		}
		*side.box, *side.peer = lab.Sixth(*side.box), lab.Sixth(*side.peer)
		if err := errors.Join(s.Lab.Box.AddSixth(*side.box, side.boxLink), side.host.AddSixth(*side.peer, side.host.Link)); err != nil {
			return err
		}
	}
	return nil
}

//go:embed policy.yaml.tmpl
var policyTemplate string

func (s *Site) policy() (string, error) {
	t, err := template.New("policy").Parse(policyTemplate)
	if err != nil {
		return "", fmt.Errorf("read policy template: %w", err)
	}
	prefix := func(a netip.Addr, bits int) netip.Prefix {
		if a.Is6() {
			bits = lab.SixthBits
		}
		return netip.PrefixFrom(a, bits)
	}
	inside := prefix(s.Inside, s.Lab.Net.Office.Bits())
	var document strings.Builder
	err = t.Execute(&document, map[string]any{
		"InsideLink": lab.BoxInside, "OutsideLink": lab.BoxOutside, "Inside": inside, "Office": inside.Masked(),
		"Outside": prefix(s.Outside, s.Lab.Net.CarrierNet.Bits()), "Transport": s.Wishes.OfficeTransport, "Domain": CarrierDomain, "SRTP": s.Wishes.SRTP,
		"PBX":         netip.AddrPortFrom(s.PBX, Port(s.Wishes.OfficeTransport)),
		"CarrierHost": s.Carrier, "Carrier": netip.AddrPortFrom(s.Carrier, Port("udp")), "Secure": netip.AddrPortFrom(s.Carrier, Port("tls")),
		"Trust": "        " + strings.ReplaceAll(strings.TrimSpace(string(s.authority.PEM())), "\n", "\n        "),
	})
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return document.String(), nil
}

// Close stops everything and removes it.
func (s *Site) Close() error {
	s.Box.Stop()
	return s.Lab.Close()
}
