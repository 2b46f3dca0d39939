// Package outlive sets the box up between a PBX and a carrier that keep calls of every kind up, while the box's process is
// killed and begins again: in the clear, with keys by signalling and by DTLS, over UDP, TCP and TLS, on hold.
//
// Either peer is one program of ours: it speaks SIP by dialog, sends and checks every packet of audio by itself with
// pion/srtp and pion/dtls, and does not know that there is a restart. It leaves the machines to lab.
package outlive

import (
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/dialog"
	"tollgate/scripts/lab/peer"
)

const domain = "carrier.example"

// Trunk is one line to the carrier. Its fields are those of the policy.
type Trunk struct {
	Name, Host, Proxy, Transport, SRTP, Keying, Suites, Number, Prefix string
}

// kinds are the trunks, named by what they carry. Those over TLS are with carriers of their own: a call that comes from one
// must be one trunk's.
var kinds = []Trunk{
	{Name: "clear-udp", Transport: "udp", SRTP: "off", Number: "+33123456700", Prefix: "+33"},
	{Name: "clear-tcp", Transport: "tcp", SRTP: "off", Number: "+33123456701", Prefix: "+49"},
	{Name: "sdes-tls", Transport: "tls", SRTP: "required", Suites: "AES_CM_128_HMAC_SHA1_80", Number: "+33123456702", Prefix: "+44"},
	{Name: "gcm-tls", Transport: "tls", SRTP: "required", Suites: "AEAD_AES_128_GCM", Number: "+33123456703", Prefix: "+34"},
	{Name: "dtls-tls", Transport: "tls", SRTP: "required", Keying: "dtls", Number: "+33123456704", Prefix: "+39"},
}

// Kinds are the names of the trunks.
func Kinds() (names []string) {
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return names
}

// World is a box and its peers.
type World struct {
	Lab      *lab.Lab
	Box      *branch.Box
	PBX      *dialog.Party
	Carriers map[string]*dialog.Party // by the name of the trunk
	policy   string
}

// Open lays everything out and starts the box of a program.
func Open(ctx context.Context, binary string) (*World, error) {
	l, err := lab.Open(lab.TwoPorts)
	if err != nil {
		return nil, err
	}
	w := &World{Lab: l, Carriers: map[string]*dialog.Party{}, Box: &branch.Box{Host: l.Box, Binary: binary}}
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *World) open(ctx context.Context) error {
	memory, err := os.MkdirTemp("/dev/shm", "outlive")
	if err != nil {
		return fmt.Errorf("make a folder in memory: %w", err)
	}
	w.Box.Live = filepath.Join(memory, "calls")
	authority, err := peer.NewAuthority("Carrier CA")
	if err != nil {
		return err
	}
	if w.PBX, err = dialog.NewParty("PBX", w.Lab.PBX, w.Lab.Net.PBX, w.Lab.Net.BoxInside, nil, "udp"); err != nil {
		return err
	}
	for _, k := range kinds {
		if w.Carriers[k.Name], err = w.carrier(k, authority); err != nil {
			return err
		}
	}
	if w.policy, err = w.document(string(authority.PEM())); err != nil {
		return err
	}
	return w.Box.Start(ctx, w.policy)
}

// carrier is the far end of a trunk: one of TLS is a machine of its own.
func (w *World) carrier(k Trunk, authority *peer.Authority) (*dialog.Party, error) {
	net, host := w.Lab.Net, w.Lab.Carrier
	if k.Transport != "tls" {
		return dialog.NewParty(k.Name, host, net.Carrier, net.BoxOutside, nil, k.Transport)
	}
	at := net.Carrier
	for range len(w.Carriers) {
		at = at.Next()
	}
	host, err := w.Lab.AddCarrier(k.Name, at)
	if err != nil {
		return nil, err
	}
	key, certificate, err := authority.Issue(domain, at)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("read the carrier's certificate: %w", err)
	}
	return dialog.NewParty(k.Name, host, at, net.BoxOutside, &tls.Config{Certificates: []tls.Certificate{pair}}, "tls")
}

//go:embed policy.yaml.tmpl
var policyTemplate string

func (w *World) document(trust string) (string, error) {
	t, err := template.New("policy").Parse(policyTemplate)
	if err != nil {
		return "", fmt.Errorf("read policy template: %w", err)
	}
	net := w.Lab.Net
	trunks := make([]Trunk, len(kinds))
	for i, k := range kinds {
		at := w.Carriers[k.Name].At
		k.Host, k.Proxy = at.String(), netip.AddrPortFrom(at, dialog.Port(k.Transport)).String()
		trunks[i] = k
	}
	inside := netip.PrefixFrom(net.BoxInside, net.Office.Bits())
	var document strings.Builder
	err = t.Execute(&document, map[string]any{
		"InsideLink": lab.BoxInside, "OutsideLink": lab.BoxOutside, "Inside": inside, "Office": inside.Masked(),
		"Outside": netip.PrefixFrom(net.BoxOutside, net.CarrierNet.Bits()), "Transport": "udp", "Domain": domain,
		"PBX": netip.AddrPortFrom(net.PBX, dialog.Port("udp")), "Trunks": trunks,
		"Trust": "        " + strings.ReplaceAll(strings.TrimSpace(trust), "\n", "\n        "),
	})
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return document.String(), nil
}

// End ends the box's process by a signal.
func (w *World) End(ctx context.Context, by syscall.Signal) error {
	if err := w.Box.Process.Signal(by); err != nil {
		return fmt.Errorf("end the box: %w", err)
	}
	select {
	case <-w.Box.Process.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the box does not end: %w", context.Cause(ctx))
	}
}

// Begin starts another process of the box, and returns when that says how it is.
func (w *World) Begin(ctx context.Context) error { return w.Box.Start(ctx, w.policy) }

// Close ends everything.
func (w *World) Close() error {
	w.Box.Stop()
	for _, p := range w.Carriers {
		p.Close()
	}
	if w.PBX != nil {
		w.PBX.Close()
	}
	return errors.Join(os.RemoveAll(filepath.Dir(w.Box.Live)), w.Lab.Close())
}
