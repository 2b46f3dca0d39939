package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// issuer is an authority of a carrier that issues whatever a test wants.
type issuer struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	now  time.Time
}

func newIssuer(t *testing.T, now time.Time, change func(*x509.Certificate)) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Carrier Root"}, NotBefore: now.Add(-day), NotAfter: now.Add(365 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if change != nil {
		change(ca)
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{t, key, cert, now}
}

func (i issuer) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

// server is one with the certificate that change makes.
func (i issuer) server(change func(*x509.Certificate)) *tls.Config {
	i.t.Helper()
	leaf := leafTemplate(i.now)
	change(leaf)
	der, err := x509.CreateCertificate(rand.Reader, leaf, i.cert, &i.key.PublicKey, i.key)
	if err != nil {
		i.t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: i.key}}}
}

func leafTemplate(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "carrier.example"}, NotBefore: now.Add(-day), NotAfter: now.Add(day),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func uris(list ...string) []*url.URL {
	var out []*url.URL
	for _, s := range list {
		u, err := url.Parse(s)
		if err != nil {
			panic(err)
		}
		out = append(out, u)
	}
	return out
}

func TestACertificateIsVerifiedAsTheTrunksDomain(t *testing.T) {
	c := newClock()
	box, carrier := open(t, newMemory(), c), newIssuer(t, c.now(), nil)
	for name, tt := range map[string]struct {
		leaf func(*x509.Certificate)
		says string // "": accepted
	}{
		"SIP URI":             {func(l *x509.Certificate) { l.URIs = uris("sip:carrier.example") }, ""},
		"SIP URI in capitals": {func(l *x509.Certificate) { l.URIs = uris("SIP:Carrier.Example") }, ""},
		"SIP URI with a port": {func(l *x509.Certificate) { l.URIs = uris("sip:carrier.example:5061;transport=tls") }, ""},
		"the second SIP URI":  {func(l *x509.Certificate) { l.URIs = uris("sip:other.example", "sip:carrier.example") }, ""},
		"DNS name":            {func(l *x509.Certificate) { l.DNSNames = []string{"other.example", "carrier.example"} }, ""},
		"DNS name beside a web URI": {func(l *x509.Certificate) {
			l.URIs, l.DNSNames = uris("https://other.example"), []string{"carrier.example"}
		}, ""},
		"for SIP only (RFC 5924)":     {func(l *x509.Certificate) { l.URIs = uris("sip:carrier.example"); sipOnly(l) }, ""},
		"wildcard":                    {func(l *x509.Certificate) { l.DNSNames = []string{"*.example"} }, "the certificate is for *.example, not for carrier.example"},
		"wildcard as a URI":           {func(l *x509.Certificate) { l.URIs = uris("sip:*.example") }, "is for *.example, not for carrier.example"},
		"a user's URI":                {func(l *x509.Certificate) { l.URIs = uris("sip:me@carrier.example") }, "names no SIP domain"},
		"a web server's URI":          {func(l *x509.Certificate) { l.URIs = uris("https://carrier.example") }, "names no SIP domain"},
		"a SIPS URI":                  {func(l *x509.Certificate) { l.URIs = uris("sips:carrier.example") }, "names no SIP domain"},
		"common name alone":           {func(*x509.Certificate) {}, "names no SIP domain"},
		"its server after SRV":        {func(l *x509.Certificate) { l.DNSNames = []string{"sbc1.carrier.example"} }, "is for sbc1.carrier.example, not for"},
		"DNS name beside another URI": {func(l *x509.Certificate) { l.URIs, l.DNSNames = uris("sip:other.example"), []string{"carrier.example"} }, "is for other.example, not for"},
		"another domain":              {func(l *x509.Certificate) { l.URIs = uris("sip:evilcarrier.example") }, "is for evilcarrier.example, not for"},
		"for mail": {func(l *x509.Certificate) {
			l.URIs = uris("sip:carrier.example")
			l.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		}, "incompatible key usage"},
		"expired": {func(l *x509.Certificate) { l.URIs = uris("sip:carrier.example"); l.NotAfter = c.now().Add(-time.Hour) }, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := box.Client(policy.TLS{Trust: carrier.pem()}, "carrier.example")
			if err != nil {
				t.Fatal(err)
			}
			err, _ = shake(t, carrier.server(tt.leaf), client)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

// sipOnly gives the certificate the one usage of RFC 5924.
func sipOnly(l *x509.Certificate) {
	l.ExtKeyUsage, l.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{sipDomainUsage()}
}

func TestAnotherAuthoritysSIPURIIsRefused(t *testing.T) {
	c := newClock()
	box, carrier, other := open(t, newMemory(), c), newIssuer(t, c.now(), nil), newIssuer(t, c.now(), nil)
	client, err := box.Client(policy.TLS{Trust: carrier.pem()}, "carrier.example")
	if err != nil {
		t.Fatal(err)
	}
	forged := other.server(func(l *x509.Certificate) { l.URIs = uris("sip:carrier.example") })
	if err, _ := shake(t, forged, client); err == nil {
		t.Error("a certificate of an unknown authority was accepted")
	}
}

func TestAnAuthorityVouchesOnlyWithinItsConstraints(t *testing.T) {
	c := newClock()
	box := open(t, newMemory(), c)
	asURI := func(l *x509.Certificate) { l.URIs = uris("sip:carrier.example") }
	asDNS := func(l *x509.Certificate) { l.DNSNames = []string{"carrier.example"} }
	for name, tt := range map[string]struct {
		constrain  func(*x509.Certificate)
		leaf       func(*x509.Certificate)
		acceptable bool
	}{
		"a name it may vouch for":       {func(ca *x509.Certificate) { ca.PermittedDNSDomains = []string{"example"} }, asDNS, true},
		"another name":                  {func(ca *x509.Certificate) { ca.PermittedDNSDomains = []string{"office.example"} }, asDNS, false},
		"another name, as a URI":        {func(ca *x509.Certificate) { ca.PermittedDNSDomains = []string{"office.example"} }, asURI, false},
		"a name it must not, as a URI":  {func(ca *x509.Certificate) { ca.ExcludedDNSDomains = []string{"carrier.example"} }, asURI, false},
		"the same without a constraint": {nil, asURI, true},
	} {
		carrier := newIssuer(t, c.now(), tt.constrain)
		client, err := box.Client(policy.TLS{Trust: carrier.pem()}, "carrier.example")
		if err != nil {
			t.Fatal(err)
		}
		if err, _ := shake(t, carrier.server(tt.leaf), client); (err == nil) != tt.acceptable {
			t.Errorf("%s: %v, want accepted: %v", name, err, tt.acceptable)
		}
	}
}
