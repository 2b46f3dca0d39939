package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/certs"
	"tollgate/firmware/policy"
)

// records is a store in memory.
type records map[string][]byte

func (r records) Put(kind, key string, value []byte) error { r[kind+key] = value; return nil }
func (r records) Get(kind, key string) ([]byte, bool, error) {
	v, ok := r[kind+key]
	return v, ok, nil
}

// identity makes a certificate that vouches for itself, as a policy holds it.
func identity(t *testing.T, name string) policy.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return policy.TLS{
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:         policy.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}
}

// visit connects from loopback to a box that greets as g says, and returns the name that the box showed.
func visit(t *testing.T, g greeting, asked string, own *policy.TLS) (string, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			err = tls.Server(c, g.configs()[policy.SideOutside]).Handshake()
		}
		served <- err
	}()
	conf := &tls.Config{InsecureSkipVerify: true, ServerName: asked}
	if own != nil {
		pair, err := tls.X509KeyPair([]byte(own.Certificate), []byte(own.Key.Reveal()))
		if err != nil {
			t.Fatal(err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	c, err := tls.Dial("tcp", l.Addr().String(), conf)
	if err != nil {
		<-served
		return "", err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].DNSNames[0], <-served
}

func TestTheBoxGreetsEachCarrierByTheCertificateThatItKnows(t *testing.T) {
	authority, err := certs.Open(records{}, time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	base, err := authority.Server([]string{"tollgate"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	here, elsewhere := netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("198.51.100.7/32")
	trunk := func(name string, at netip.Prefix, own policy.TLS) policy.Trunk {
		return policy.Trunk{Name: name, Domain: name + ".example", Transport: policy.TLSTransport, SignallingSources: []netip.Prefix{at}, TLS: own}
	}
	peer := identity(t, "strict.example")
	strict := identity(t, "for-strict.example")
	strict.Trust, strict.ClientAuthentication = peer.Certificate, policy.ClientAuthRequired
	other := identity(t, "evil.example")
	for _, c := range []struct {
		name   string
		trunks []policy.Trunk
		asked  string
		shows  *policy.TLS
		want   string // the name that the box shows; "": the handshake fails
	}{
		{"a carrier without an identity of its own", []policy.Trunk{trunk("plain", here, policy.TLS{})}, "", nil, "tollgate"},
		{"a carrier with one", []policy.Trunk{trunk("a", here, identity(t, "for-a.example"))}, "", nil, "for-a.example"},
		{"another carrier's is not shown", []policy.Trunk{trunk("a", elsewhere, identity(t, "for-a.example"))}, "for-a.example", nil, "tollgate"},
		{"two at one address, the second asked for", []policy.Trunk{
			trunk("a", here, identity(t, "for-a.example")), trunk("b", here, identity(t, "for-b.example")),
		}, "for-b.example", nil, "for-b.example"},
		{"one that must prove itself and does", []policy.Trunk{trunk("strict", here, strict)}, "", &peer, "for-strict.example"},
		{"one that must prove itself and shows nothing", []policy.Trunk{trunk("strict", here, strict)}, "", nil, ""},
		{"one that must prove itself and is another", []policy.Trunk{trunk("strict", here, strict)}, "", &other, ""},
		{"nobody escapes by asking for a neighbour", []policy.Trunk{
			trunk("lax", here, identity(t, "for-lax.example")), trunk("strict", here, strict),
		}, "for-lax.example", nil, ""},
	} {
		p := &policy.Policy{Trunks: c.trunks}
		g, err := newGreeting(authority, access.New(p, rand.Reader), base, p)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := visit(t, g, c.asked, c.shows)
		if c.want == "" && err == nil || c.want != "" && (err != nil || shown != c.want) {
			t.Errorf("%s: shown %q, %v; want %q", c.name, shown, err, c.want)
		}
	}
}
