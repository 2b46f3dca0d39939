// Package interop holds the box's audio against programs that others have written: an SRTP source and sink of ffmpeg's, one
// of GStreamer's (libsrtp), rtpengine as the far relay, Chromium as a telephone in a page (DTLS-SRTP with ICE), baresip.
//
//	office: a Speaker, RTP in the clear ── box ── SRTP ── the peer (Far)
//
// SIP is spoken by dialog for those that have none; their descriptions are carried to and fro as they are. What is judged is
// what was heard at both ends: tones by their strength, the sounds of a fax octet by octet.
package interop

import (
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"text/template"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/dialog"
	"tollgate/scripts/lab/peer"
)

const domain = "carrier.example"

// Trunk is one line to a carrier. Its fields are those of the policy.
type Trunk struct {
	Name, Number, Prefix   string
	Keying, Suites, Codecs string
	OfferICE, ClearT38     bool
	Host, Proxy            string // filled in by Open
}

// The trunks: keys by signalling with every suite there is, keys by DTLS, the same with checks of ICE offered, and one whose
// carrier takes PCMU alone, and one with an exception for faxes by T.38.
const (
	SDES  = "sdes"
	DTLS  = "dtls"
	ICE   = "ice"
	Mu    = "mu"
	Clear = "clear"
)

// Suites are all that the box speaks.
var Suites = []string{
	"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32",
	"AEAD_AES_128_GCM", "AEAD_AES_256_GCM",
}

func trunks() []Trunk {
	return []Trunk{
		{Name: SDES, Number: "+33123456700", Prefix: "+44", Keying: "sdes", Suites: strings.Join(Suites, ", "), Codecs: "PCMA, PCMU"},
		{Name: DTLS, Number: "+33123456701", Prefix: "+39", Keying: "dtls", Codecs: "PCMA, PCMU"},
		{Name: ICE, Number: "+33123456703", Prefix: "+49", Keying: "dtls", Codecs: "PCMA, PCMU", OfferICE: true},
		{Name: Mu, Number: "+33123456702", Prefix: "+34", Keying: "sdes", Suites: Suites[0], Codecs: "PCMU"},
		{Name: Clear, Number: "+33123456704", Prefix: "+31", Keying: "sdes", Suites: Suites[0], Codecs: "PCMA, PCMU", ClearT38: true},
	}
}

// World is a box between an office of ours and the machines of peers.
type World struct {
	Lab      *lab.Lab
	Box      *branch.Box
	PBX      *dialog.Party
	Carriers map[string]*dialog.Party // by the name of the trunk
	// Source and Sink are two machines of one peer, because a program that only speaks and one that only hears cannot share
	// a port: the box knows both, one by the trunk's media_sources, one by the description.
	Source, Sink *lab.Host

	placing  sync.Mutex // one call is set up at a time, so that it is known whose it is
	mu       sync.Mutex // guards everything below
	lastPort uint16
	calls    int
}

// Open lays everything out and starts the box of a program.
func Open(ctx context.Context, binary string) (*World, error) {
	l, err := lab.Open(lab.TwoPorts)
	if err != nil {
		return nil, err
	}
	w := &World{Lab: l, Carriers: map[string]*dialog.Party{}, Box: &branch.Box{Host: l.Box, Binary: binary}, lastPort: 40000}
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *World) open(ctx context.Context) (err error) {
	authority, err := peer.NewAuthority("Carrier CA")
	if err != nil {
		return err
	}
	net := w.Lab.Net
	if w.PBX, err = dialog.NewParty("PBX", w.Lab.PBX, net.PBX, net.BoxInside, nil, "udp"); err != nil {
		return err
	}
	all := trunks()
	at := net.Carrier
	for i, t := range all {
		if w.Carriers[t.Name], err = w.carrier(t.Name, at, authority); err != nil {
			return err
		}
		all[i].Host, all[i].Proxy = at.String(), netip.AddrPortFrom(at, dialog.Port("tls")).String()
		at = at.Next()
	}
	if w.Source, err = w.Machine("source", 40); err != nil {
		return err
	}
	if w.Sink, err = w.Machine("sink", 41); err != nil {
		return err
	}
	document, err := w.document(string(authority.PEM()), all)
	if err != nil {
		return err
	}
	return w.Box.Start(ctx, document)
}

// carrier is the far end of a trunk, a machine of its own.
func (w *World) carrier(name string, at netip.Addr, authority *peer.Authority) (_ *dialog.Party, err error) {
	host := w.Lab.Carrier
	if at != host.Address {
		if host, err = w.Lab.AddCarrier(name, at); err != nil {
			return nil, err
		}
	}
	key, certificate, err := authority.Issue(domain, at)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("read the carrier's certificate: %w", err)
	}
	return dialog.NewParty(name, host, at, w.Lab.Net.BoxOutside, &tls.Config{Certificates: []tls.Certificate{pair}}, "tls")
}

// Machine adds a machine to the carriers' network, by the last number of its address.
func (w *World) Machine(name string, number byte) (*lab.Host, error) {
	a := w.Lab.Net.CarrierNet.Addr().As4()
	a[3] = number
	return w.Lab.AddCarrier(name, netip.AddrFrom4(a))
}

// port is a UDP port that nobody else in the lab uses, on whatever machine, with the next one for RTCP.
func (w *World) port() uint16 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastPort += 2
	return w.lastPort
}

//go:embed policy.yaml.tmpl
var policyTemplate string

func (w *World) document(trust string, trunks []Trunk) (string, error) {
	t, err := template.New("policy").Parse(policyTemplate)
	if err != nil {
		return "", fmt.Errorf("read policy template: %w", err)
	}
	net := w.Lab.Net
	inside := netip.PrefixFrom(net.BoxInside, net.Office.Bits())
	var document strings.Builder
	err = t.Execute(&document, map[string]any{
		"InsideLink": lab.BoxInside, "OutsideLink": lab.BoxOutside, "Inside": inside, "Office": inside.Masked(),
		"Outside": netip.PrefixFrom(net.BoxOutside, net.CarrierNet.Bits()), "Domain": domain,
		"PBX": netip.AddrPortFrom(net.PBX, dialog.Port("udp")), "Source": w.Source.Address, "Trunks": trunks,
		"Until": time.Now().AddDate(0, 1, 0).Format(time.DateOnly),
		"Trust": "        " + strings.ReplaceAll(strings.TrimSpace(trust), "\n", "\n        "),
	})
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return document.String(), nil
}

// Close ends everything.
func (w *World) Close() error {
	w.Box.Stop()
	for _, p := range w.Carriers {
		p.Close()
	}
	if w.PBX != nil {
		w.PBX.Close()
	}
	return w.Lab.Close()
}
