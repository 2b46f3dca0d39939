package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"tollgate/firmware/policy"
)

func TestAPeerIsVerifiedByTrustAndName(t *testing.T) {
	c := newClock()
	box, carrier := open(t, newMemory(), c), open(t, newMemory(), c)
	carrierCA, _ := carrier.CA()
	atCarrier := server(t, carrier, []string{"sip.carrier.example"}, "198.51.100.1")
	atBox := server(t, box, []string{"pbx.office.example"})
	for name, tc := range map[string]struct {
		server     *tls.Config
		tls        policy.TLS
		serverName string
		good       bool
	}{
		"carrier by its own authority":    {atCarrier, policy.TLS{Trust: string(carrierCA)}, "sip.carrier.example", true},
		"carrier by address":              {atCarrier, policy.TLS{Trust: string(carrierCA)}, "198.51.100.1", true},
		"server_name wins":                {atCarrier, policy.TLS{Trust: string(carrierCA), ServerName: "sip.carrier.example"}, "carrier.example", true},
		"another name":                    {atCarrier, policy.TLS{Trust: string(carrierCA)}, "carrier.example", false},
		"server_name of somebody else":    {atCarrier, policy.TLS{Trust: string(carrierCA), ServerName: "evil.example"}, "sip.carrier.example", false},
		"private authority, public trust": {atCarrier, policy.TLS{Trust: "system"}, "sip.carrier.example", false},
		"carrier by the box's authority":  {atCarrier, policy.TLS{}, "sip.carrier.example", false},
		"PBX by the box's authority":      {atBox, policy.TLS{}, "pbx.office.example", true},
		"PBX by another's authority":      {atBox, policy.TLS{Trust: string(carrierCA)}, "pbx.office.example", false},
	} {
		client, err := box.Client(tc.tls, tc.serverName)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err, _ := shake(t, tc.server, client); (err == nil) != tc.good {
			t.Errorf("%s: %v, want accepted: %v", name, err, tc.good)
		}
	}
}

func TestAnExpiredPeerIsRefused(t *testing.T) {
	c := newClock()
	carrier := open(t, newMemory(), c)
	ca, _ := carrier.CA()
	config := server(t, carrier, []string{"sip.carrier.example"})
	cert, err := config.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	config.GetCertificate, config.Certificates = nil, []tls.Certificate{*cert}
	c.add(398 * day)
	client, err := open(t, newMemory(), c).Client(policy.TLS{Trust: string(ca)}, "sip.carrier.example")
	if err != nil {
		t.Fatal(err)
	}
	if err, _ := shake(t, config, client); err == nil {
		t.Error("an expired certificate was accepted")
	}
}

func TestAPublicRootVouchesOnlyWithSystemTrust(t *testing.T) {
	a := open(t, newMemory(), newClock())
	var root *x509.Certificate
	for r := range bundle.Roots() {
		if r.Constraint == nil {
			root, _ = x509.ParseCertificate(r.Certificate)
			break
		}
	}
	for trust, want := range map[string]bool{"system": true, " system\n": true, "": false} {
		client, err := a.Client(policy.TLS{Trust: trust}, "sip.carrier.example")
		if err != nil {
			t.Fatal(err)
		}
		// A self-signed root verifies only where it is an anchor itself.
		_, err = root.Verify(x509.VerifyOptions{Roots: client.RootCAs, CurrentTime: root.NotBefore.AddDate(1, 0, 0),
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if (err == nil) != want {
			t.Errorf("trust %q: %v, want anchored: %v", trust, err, want)
		}
	}
}

func TestVerificationIsNeverOff(t *testing.T) {
	a := open(t, newMemory(), newClock())
	ca, _ := a.CA()
	for _, trust := range []string{"", "system", string(ca)} {
		c, err := a.Client(policy.TLS{Trust: trust}, "sip.carrier.example.")
		if err != nil {
			t.Fatal(err)
		}
		// crypto/tls leaves the name to VerifyConnection, and must find one there.
		if c.InsecureSkipVerify != (c.VerifyConnection != nil) || c.RootCAs == nil || c.ServerName != "sip.carrier.example" || c.MinVersion != tls.VersionTLS12 {
			t.Errorf("trust %.10q: skip %v, roots %v, name %q, from version %x", trust, c.InsecureSkipVerify, c.RootCAs != nil, c.ServerName, c.MinVersion)
		}
	}
	if c, err := a.Client(policy.TLS{}, "198.51.100.1"); err != nil || c.InsecureSkipVerify {
		t.Errorf("an address is not verified by crypto/tls: %v", err)
	}
	if _, err := a.Client(policy.TLS{Trust: "system"}, ""); err == nil {
		t.Error("a client without a server name")
	}
}

func TestFaultyTrustSaysWhatIsWrong(t *testing.T) {
	c := newClock()
	a := open(t, newMemory(), c)
	ca, _ := a.CA()
	record, err := pair{key: a.key, cert: a.cert}.encode()
	if err != nil {
		t.Fatal(err)
	}
	damagedPEM := bytes.Replace(ca, []byte("\n"), []byte("\n!"), 2)
	for name, tc := range map[string]struct{ trust, says string }{
		"prose":           {"the usual ones", "there is no PEM certificate"},
		"private key":     {string(record), "PEM block 1: this is a private key"},
		"key behind a CA": {string(ca) + string(record), "PEM block 2: this is a private key"},
		"CRL":             {string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL"})), "PEM block 1: this is a X509 CRL"},
		"not DER":         {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}})), "PEM block 1: the certificate cannot be read"},
		"cut off":         {string(ca[:len(ca)-30]), "PEM block 1 is cut off or damaged"},
		"second cut off":  {string(ca) + string(ca[:200]), "PEM block 2 is cut off or damaged"},
		"first damaged":   {string(damagedPEM) + string(ca), "PEM block 1 is cut off or damaged"},
		"absurdly long":   {strings.Repeat("x", maxTrust+1), "bytes of PEM are more than"},
	} {
		_, err := a.Client(policy.TLS{Trust: tc.trust}, "sip.carrier.example")
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want one with %q", name, err, tc.says)
		}
	}
}

func TestCommentsAroundCertificatesAreAllowed(t *testing.T) {
	a := open(t, newMemory(), newClock())
	ca, _ := a.CA()
	trust := "# the carrier's authority\n" + string(ca) + "\n# and the old one\n" + string(ca) + "\n# end\n"
	if _, err := a.Client(policy.TLS{Trust: trust}, "sip.carrier.example"); err != nil {
		t.Error(err)
	}
}

func FuzzTrustIsReadOrRefused(f *testing.F) {
	m := newMemory()
	a, err := Open(m, newClock().now, zeroes{})
	if err != nil {
		f.Fatal(err)
	}
	ca, _ := a.CA()
	f.Add(ca)
	f.Add(append([]byte("# comment\n"), ca[:80]...))
	f.Add(m.records["certs/authority"])
	f.Fuzz(func(t *testing.T, text []byte) {
		pool, err := parseTrust(text)
		if (pool == nil) == (err == nil) {
			t.Fatalf("pool %v, error %v", pool != nil, err)
		}
	})
}

// zeroes is a random source for corpora that stay the same.
type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }
