package certs

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

func TestTheServerCertificateVouchesForNamesAndAddresses(t *testing.T) {
	c := newClock()
	a := open(t, newMemory(), c)
	config := server(t, a, []string{"SBC.office.example.", "tollgate.local", "tollgate.local"}, "192.0.2.2", "2001:db8::2")
	for _, name := range []string{"sbc.office.example", "tollgate.local", "192.0.2.2", "2001:db8::2", "[2001:db8::2]"} {
		client, err := a.Client(policy.TLS{}, name)
		if err != nil {
			t.Fatal(err)
		}
		if err, _ := shake(t, config, client); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	leaf := presented(t, config)
	if len(leaf.DNSNames) != 2 || len(leaf.IPAddresses) != 2 {
		t.Errorf("names %v, addresses %v", leaf.DNSNames, leaf.IPAddresses)
	}
	if life := leaf.NotAfter.Sub(c.now()); life != 397*day {
		t.Errorf("lives %v, want 397 days", life)
	}
	if leaf.IsCA || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("IsCA %v, purposes %v", leaf.IsCA, leaf.ExtKeyUsage)
	}
}

func TestARunningListenerFollowsTheRenewal(t *testing.T) {
	m, c := newMemory(), newClock()
	a := open(t, m, c)
	config := server(t, a, []string{"tollgate.local"})
	twin := server(t, a, []string{"tollgate.local"})
	first := presented(t, config)

	c.add(397*day - 30*day)
	if !presented(t, config).Equal(first) {
		t.Error("renewed although 30 days were left")
	}
	c.add(time.Second)
	second := presented(t, config)
	if second.Equal(first) {
		t.Fatal("not renewed with fewer than 30 days left")
	}
	if second.SerialNumber.Cmp(first.SerialNumber) == 0 {
		t.Error("the new certificate has the old serial number")
	}
	if !presented(t, twin).Equal(second) {
		t.Error("two listeners of the same names show different certificates")
	}
	if !presented(t, server(t, open(t, m, c), []string{"tollgate.local"})).Equal(second) {
		t.Error("after a restart another certificate is shown")
	}
}

func TestServerRenewsAtTheCall(t *testing.T) {
	m, c := newMemory(), newClock()
	first := presented(t, server(t, open(t, m, c), []string{"tollgate.local"}))
	c.add(370 * day)
	if presented(t, server(t, open(t, m, c), []string{"tollgate.local"})).Equal(first) {
		t.Error("a certificate with 27 days left was used again")
	}
}

func TestEachIdentityHasItsOwnCertificate(t *testing.T) {
	a := open(t, newMemory(), newClock())
	one := presented(t, server(t, a, []string{"tollgate.local"}))
	two := presented(t, server(t, a, []string{"tollgate.local"}, "192.0.2.2"))
	if one.Equal(two) {
		t.Error("a certificate without the address was shown for it")
	}
	same := presented(t, server(t, a, []string{"TOLLGATE.local."}, "192.0.2.2"))
	if !same.Equal(two) {
		t.Error("the spelling of a name made another certificate")
	}
}

func TestALeafOfAnotherAuthorityOrADamagedOneIsReplaced(t *testing.T) {
	c, m, other := newClock(), newMemory(), newMemory()
	mine := open(t, m, c)
	stranger := presented(t, server(t, open(t, other, c), []string{"tollgate.local"}))
	for key, record := range other.records {
		if key != "certs/authority" {
			m.records[key] = record
		}
	}
	got := presented(t, server(t, mine, []string{"tollgate.local"}))
	if got.Equal(stranger) || got.CheckSignatureFrom(mine.cert) != nil {
		t.Error("a leaf of another authority is shown")
	}
	for key := range m.records {
		if key != "certs/authority" {
			m.records[key] = []byte("garbage")
		}
	}
	if _, err := open(t, m, c).Server([]string{"tollgate.local"}, nil); err != nil {
		t.Errorf("a damaged leaf is fatal: %v", err)
	}
}

func TestAFullDiskDoesNotStopHandshakes(t *testing.T) {
	m, c := newMemory(), newClock()
	a := open(t, m, c)
	config := server(t, a, []string{"tollgate.local"})
	m.broken = true
	c.add(500 * day)
	leaf := presented(t, config)
	if leaf.NotAfter.Before(c.now()) {
		t.Error("an expired certificate is shown")
	}
	if !presented(t, config).Equal(leaf) {
		t.Error("every handshake makes a new certificate")
	}
	if _, err := open(t, m, c).Server([]string{"tollgate.local"}, nil); err == nil {
		t.Error("Server did not say that the certificate is not kept")
	}
}

func TestABoardWithAnOldClockStartsAndIsRightOnceTheClockIsSet(t *testing.T) {
	m, c := newMemory(), newClock()
	open(t, m, c)
	right := c.t
	c.t = time.Unix(0, 0)
	config := server(t, open(t, m, c), []string{"tollgate.local"})
	early := presented(t, config)
	if !presented(t, config).Equal(early) {
		t.Error("every handshake makes a new certificate while the clock is wrong")
	}
	c.t = right.Add(3 * 365 * day)
	client, err := open(t, m, c).Client(policy.TLS{}, "tollgate.local")
	if err != nil {
		t.Fatal(err)
	}
	if err, _ := shake(t, config, client); err != nil {
		t.Errorf("after the clock was set: %v", err)
	}
}

func TestACertificateFromTheFutureIsReplaced(t *testing.T) {
	m, c := newMemory(), newClock()
	open(t, m, c)
	c.add(5 * 365 * day)
	first := presented(t, server(t, open(t, m, c), []string{"tollgate.local"}))
	c.add(-4 * 365 * day)
	if presented(t, server(t, open(t, m, c), []string{"tollgate.local"})).Equal(first) {
		t.Error("a certificate that is not valid yet is shown")
	}
}

func TestOldTLSAndWeakSuitesAreRefused(t *testing.T) {
	a := open(t, newMemory(), newClock())
	config := server(t, a, []string{"tollgate.local"})
	for name, tc := range map[string]struct {
		change func(*tls.Config)
		good   bool
	}{
		"TLS 1.0": {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }, false},
		"TLS 1.1": {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, false},
		"TLS 1.2": {func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, true},
		"TLS 1.3": {func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, true},
		"CBC only": {func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}
		}, false},
	} {
		client, err := a.Client(policy.TLS{}, "tollgate.local")
		if err != nil {
			t.Fatal(err)
		}
		tc.change(client)
		if _, serverErr := shake(t, config, client); (serverErr == nil) != tc.good {
			t.Errorf("%s: %v, want accepted: %v", name, serverErr, tc.good)
		}
	}
}

func TestServerWantsSomethingToVouchFor(t *testing.T) {
	a := open(t, newMemory(), newClock())
	for _, names := range [][]string{nil, {""}, {"sip:tollgate.local"}, {"two names"}} {
		if _, err := a.Server(names, nil); err == nil {
			t.Errorf("a certificate for %q", names)
		}
	}
	if _, err := a.Server([]string{"tollgate.local"}, []netip.Addr{{}}); err == nil {
		t.Error("a certificate for a missing address")
	}
}
