package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"strings"
	"testing"

	"tollgate/firmware/policy"
)

// identity issues a certificate and writes it as a policy does.
func (i issuer) identity(change func(*x509.Certificate)) policy.TLS {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	by := issuer{i.t, key, i.cert, i.now}
	der := by.signedBy(i, change)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		i.t.Fatal(err)
	}
	return policy.TLS{
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:         policy.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}
}

// signedBy makes the certificate of i's key, signed by ca.
func (i issuer) signedBy(ca issuer, change func(*x509.Certificate)) []byte {
	leaf := leafTemplate(i.now)
	change(leaf)
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca.cert, &i.key.PublicKey, ca.key)
	if err != nil {
		i.t.Fatal(err)
	}
	return der
}

func named(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func TestTheBoxShowsEachCarrierItsOwnCertificate(t *testing.T) {
	c := newClock()
	box, ca := open(t, newMemory(), c), newIssuer(t, c.now(), nil)
	for _, name := range []string{"one.office.example", "two.office.example"} {
		own := ca.identity(named(name))
		own.Trust = ca.pem()
		client, err := box.Client(own, "sip.carrier.example")
		if err != nil {
			t.Fatal(err)
		}
		seen := ""
		server := ca.server(named("sip.carrier.example"))
		server.ClientAuth = tls.RequireAnyClientCert
		server.ClientCAs = newIssuer(t, c.now(), nil).pool() // names another authority, as carriers do
		server.VerifyConnection = func(s tls.ConnectionState) error {
			seen = strings.Join(s.PeerCertificates[0].DNSNames, " ")
			return nil
		}
		if clientErr, serverErr := shake(t, server, client); clientErr != nil || serverErr != nil || seen != name {
			t.Errorf("the carrier saw %q, want %q (%v, %v)", seen, name, clientErr, serverErr)
		}
	}
}

func (i issuer) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(i.cert)
	return p
}

func TestAPeerThatConnectsProvesItsDomainWhereThatIsRequired(t *testing.T) {
	c := newClock()
	box, ca, stranger := open(t, newMemory(), c), newIssuer(t, c.now(), nil), newIssuer(t, c.now(), nil)
	base := server(t, box, []string{"tollgate"})
	for name, tt := range map[string]struct {
		by        issuer
		leaf      func(*x509.Certificate) // nil: no certificate
		wildcards policy.Wildcards
		says      string // "": accepted
	}{
		"its domain":         {ca, named("carrier.example"), "", ""},
		"one of its proxies": {ca, named("proxy.carrier.example"), "", ""},
		"a SIP URI":          {ca, func(l *x509.Certificate) { l.URIs = uris("sip:carrier.example") }, "", ""},
		"its address":        {ca, func(l *x509.Certificate) { l.IPAddresses = []net.IP{net.IPv4(198, 51, 100, 1)} }, "", ""},
		"for clients only": {ca, func(l *x509.Certificate) {
			l.DNSNames, l.ExtKeyUsage = []string{"carrier.example"}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}, "", ""},
		"a wildcard where accepted": {ca, named("*.carrier.example"), policy.WildcardsAccepted, ""},
		"no certificate":            {ca, nil, "", "didn't provide a certificate"},
		"another domain":            {ca, named("evil.example"), "", "not for carrier.example or proxy.carrier.example"},
		"another's address":         {ca, func(l *x509.Certificate) { l.IPAddresses = []net.IP{net.IPv4(198, 51, 100, 9)} }, "", "no SIP domain"},
		"a wildcard where not":      {ca, named("*.carrier.example"), policy.WildcardsRefused, "is for *.carrier.example"},
		"another authority":         {stranger, named("carrier.example"), "", "unknown authority"},
		"for mail": {ca, func(l *x509.Certificate) {
			l.DNSNames, l.ExtKeyUsage = []string{"carrier.example"}, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		}, "", "incompatible key usage"},
		"expired": {ca, func(l *x509.Certificate) {
			l.DNSNames, l.NotAfter = []string{"carrier.example"}, c.now().Add(-day/2)
		}, "", "expired"},
	} {
		conf, err := box.ForPeer(base, policy.TLS{Trust: ca.pem(), Wildcards: tt.wildcards, ClientAuthentication: policy.ClientAuthRequired},
			[]string{"carrier.example", "proxy.carrier.example", "198.51.100.1"})
		if err != nil {
			t.Fatal(err)
		}
		client := &tls.Config{InsecureSkipVerify: true}
		if tt.leaf != nil {
			own := tt.by.identity(tt.leaf)
			pair, err := tls.X509KeyPair([]byte(own.Certificate), []byte(own.Key.Reveal()))
			if err != nil {
				t.Fatal(err)
			}
			client.Certificates = []tls.Certificate{pair}
		}
		if _, err := shake(t, conf, client); (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}

func TestTheBoxIsToThoseWhoConnectWhatThePolicySays(t *testing.T) {
	c := newClock()
	box, ca := open(t, newMemory(), c), newIssuer(t, c.now(), nil)
	base := server(t, box, []string{"tollgate"})
	conf, err := box.ForPeer(base, ca.identity(named("sbc.office.example")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err, _ := shake(t, conf, &tls.Config{RootCAs: ca.pool(), ServerName: "sbc.office.example", Time: c.now}); err != nil {
		t.Errorf("the carrier does not find the certificate of the policy: %v", err)
	}
	if conf, err = box.ForPeer(base, policy.TLS{}, nil); err != nil || presented(t, conf).DNSNames[0] != "tollgate" {
		t.Errorf("without one it is not the box's own: %v", err)
	}
	if _, err := box.ForPeer(base, policy.TLS{Certificate: "hunter2", Key: "hunter2"}, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a broken identity: %v", err)
	}
}

func TestAWildcardStandsForOneLabelWhereItIsAccepted(t *testing.T) {
	c := newClock()
	box, ca := open(t, newMemory(), c), newIssuer(t, c.now(), nil)
	for wildcard, want := range map[string]bool{
		"*.carrier.example": true, "*.CARRIER.example": true, "*.example": false, "*": false, "*.sip.carrier.example": false,
		"s*.carrier.example": false, "*.net.carrier.example": false, "sip.*.example": false,
	} {
		client, err := box.Client(policy.TLS{Trust: ca.pem(), Wildcards: policy.WildcardsAccepted}, "sip.carrier.example")
		if err != nil {
			t.Fatal(err)
		}
		if err, _ := shake(t, ca.server(named(wildcard)), client); (err == nil) != want {
			t.Errorf("%s: %v, want accepted %v", wildcard, err, want)
		}
	}
	client, err := box.Client(policy.TLS{Trust: ca.pem(), Wildcards: policy.WildcardsAccepted}, "a.sip.carrier.example")
	if err != nil {
		t.Fatal(err)
	}
	if err, _ := shake(t, ca.server(named("*.carrier.example")), client); err == nil {
		t.Error("a wildcard stood for two labels")
	}
}
