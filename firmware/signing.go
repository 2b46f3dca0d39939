package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/call"
	"tollgate/firmware/policy"
	"tollgate/firmware/resolve"
	"tollgate/firmware/stir"
	"tollgate/firmware/stir/fetch"
)

// signing makes, of a policy, how calls are signed and judged, by the names of the trunks that want it.
func signing(p *policy.Policy) (map[string]*call.Stir, error) {
	by := map[string]*call.Stir{}
	for i, t := range p.Trunks {
		if !t.Stir.Used() {
			continue
		}
		s := &call.Stir{Verify: t.Stir.Verify, Anchors: x509.NewCertPool()}
		s.Anchors.AppendCertsFromPEM([]byte(t.Stir.Trust))
		if t.Stir.Sign == policy.SignOn {
			var err error
			if s.Signer, err = stir.NewSigner(t.Stir.Certificate, t.Stir.Key.Reveal(), t.Stir.URL); err != nil {
				return nil, fmt.Errorf("trunks[%d].stir: %w", i, err)
			}
		}
		by[t.Name] = s
	}
	return by, nil
}

// openCertificates makes what brings the certificates that signatures of calls name.
func (b *box) openCertificates() *fetch.Certificates {
	return fetch.New(fetch.Options{
		Resolve: b.webServer, Allowed: func(a netip.Addr) error { return b.parties.plausible(a) }, Roots: b.webRoots, Parse: stir.ParseChain,
	})
}

// webPort is where certificates are looked for unless their URL says otherwise; a name with a port has no SRV records.
const webPort = 443

// webServer finds the addresses of a web server.
func (b *box) webServer(ctx context.Context, host string) ([]netip.Addr, error) {
	a, err := b.resolver.Locate(ctx, resolve.Query{Host: host, Port: webPort, Transport: policy.TLSTransport})
	return a.Addrs(), err
}

// webRoots are the authorities that may vouch for such a server: the public ones, and those for telephone numbers that the
// policy names. What the server gives has to stand for itself anyway.
func (b *box) webRoots() (*x509.CertPool, error) {
	public, err := b.authority.PublicRoots()
	if err != nil {
		return nil, err
	}
	roots := public.Clone()
	if p := b.parties.policy.Load(); p != nil {
		for _, t := range p.Trunks {
			roots.AppendCertsFromPEM([]byte(t.Stir.Trust))
		}
	}
	return roots, nil
}

// timely tells whether the time is known well enough for signatures, which count for a minute. A machine that is not the
// box's own has somebody else who keeps its clock.
func (b *box) timely() bool {
	if b.options.Appliance {
		return b.time.set()
	}
	return time.Now().After(built())
}

// untimely warns that nothing is signed or judged for now.
func untimely(p *policy.Policy) []api.Warning {
	var list []api.Warning
	for i, t := range p.Trunks {
		if t.Stir.Used() {
			list = append(list, api.Warning{Peer: t.Name, Path: fmt.Sprintf("trunks[%d].stir", i),
				Text: "The time is not known: calls go on, but are not signed, and the signatures of others are not judged. See whether a time server can be reached."})
		}
	}
	return list
}

// shownSignature is what was found of who has signed a call; nil when nobody looked.
func shownSignature(v stir.Verdict) *api.Signature {
	if v.Result == "" {
		return nil
	}
	return &api.Signature{Result: string(v.Result), Attest: string(v.Attest), Reason: v.Reason}
}
