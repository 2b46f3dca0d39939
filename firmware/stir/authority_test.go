package stir

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

const where = "https://certificates.example/office.pem"

// noon is the moment of most tests.
func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// authority issues certificates of operators for a test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t, elliptic.P256())}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority"}, NotBefore: noon().AddDate(-1, 0, 0), NotAfter: noon().AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(template, template, &a.key.PublicKey, a.key)
	return a
}

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, public any, by *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue makes the certificate of a signer, with changes.
func (a *authority) issue(key *ecdsa.PrivateKey, change func(*x509.Certificate)) *x509.Certificate {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Operator"}, NotBefore: noon().AddDate(0, -1, 0), NotAfter: noon().AddDate(0, 1, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{speaksFor(a.t, code("1234"))},
	}
	if change != nil {
		change(template)
	}
	return a.sign(template, a.cert, &key.PublicKey, a.key)
}

// signer is one whose certificate is issued with changes, and its chain.
func (a *authority) signer(change func(*x509.Certificate)) (*Signer, []*x509.Certificate) {
	a.t.Helper()
	key := newKey(a.t, elliptic.P256())
	leaf := a.issue(key, change)
	return &Signer{key: key, leaf: leaf, url: where}, []*x509.Certificate{leaf, a.cert}
}

// Entries of a TNAuthList, written by the library of the language and not by the one that reads them.
func code(s string) asn1.RawValue { return entry(tagCode, ia5(s)) }
func one(s string) asn1.RawValue  { return entry(tagOne, ia5(s)) }
func from(s string, count int) asn1.RawValue {
	both, err := asn1.Marshal(struct {
		Start asn1.RawValue
		Count int
	}{ia5(s), count})
	if err != nil {
		panic(err)
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagRange, IsCompound: true, Bytes: both}
}

func ia5(s string) asn1.RawValue { return asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(s)} }

func entry(tag int, inner asn1.RawValue) asn1.RawValue {
	b, err := asn1.Marshal(inner)
	if err != nil {
		panic(err)
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: b}
}

func speaksFor(t testing.TB, entries ...asn1.RawValue) pkix.Extension {
	t.Helper()
	b, err := asn1.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: oidTNAuthList(), Value: b}
}

func pemOf(certs ...*x509.Certificate) string {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return string(out)
}
