package policy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// exampleStirKey is the key of the certificate for numbers in the example, made here for the reason of exampleKey.
func exampleStirKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	seed := sha256.Sum256([]byte("the key of the certificate for numbers in example.yaml"))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// exampleStirCertificate is the certificate for numbers in the example: the same bytes each time, because the authority's
// key signs the same each time.
func exampleStirCertificate(t testing.TB, key *ecdsa.PrivateKey, numbers bool) string {
	t.Helper()
	authority := &x509.Certificate{Subject: pkix.Name{CommonName: "sbc.office.example"}}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "SHAKEN 1234"},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2046, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if numbers { // one entry, the code of an operator: SEQUENCE { [0] IA5String "1234" }
		template.ExtraExtensions = []pkix.Extension{{
			Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 26}, Value: []byte("\x30\x08\xa0\x06\x16\x041234"),
		}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), exampleKey())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestTheCertificateForNumbersOfTheExampleHasAKeyThatTestsCanMake(t *testing.T) {
	s := mustParse(t, example).Trunks[0].Stir
	if want := exampleStirCertificate(t, exampleStirKey(t), true); s.Certificate != want || s.Trust != exampleCertificate(t, exampleKey()) {
		t.Errorf("put this into example.yaml:\n%s\nand as trust that of tls.certificate", want)
	}
}

// withStir is the small document with these keys of stir.
func withStir(keys string) string {
	return strings.Replace(small, "    accounts:", "    stir:\n"+keys+"    accounts:", 1)
}

func TestCallsAreOnlySignedWithWhatOthersAccept(t *testing.T) {
	key := exampleStirKey(t)
	certificate, secret := block(6, "certificate", exampleStirCertificate(t, key, true)), block(6, "key", keyPEM(t, key))
	const on, url = "      sign: on\n", "      url: https://certificates.example/office.pem\n"
	web := exampleCertificate(t, exampleKey())
	cases := []struct{ name, keys, problem string }{
		{"all of it", on + certificate + secret + url, ""},
		{"off, with a key", certificate + secret, "trunks[0].stir.key: has no effect with sign: off"},
		{"no certificate", on + url, "trunks[0].stir.certificate: is missing"},
		{"no key", on + certificate + url, "trunks[0].stir.key: is missing"},
		{"no URL", on + certificate + secret, "trunks[0].stir.url: is missing"},
		{"a URL in the clear", on + certificate + secret + strings.Replace(url, "https", "http", 1), "trunks[0].stir.url: "},
		{"a certificate for web sites", on + block(6, "certificate", web) + block(6, "key", keyPEM(t, exampleKey())) + url, "trunks[0].stir.certificate: has no key of the curve P-256"},
		{"a certificate for no numbers", on + block(6, "certificate", exampleStirCertificate(t, key, false)) + secret + url, "TNAuthList"},
		{"another key", on + certificate + block(6, "key", keyPEM(t, exampleKey())) + url, "does not belong to the first certificate"},
		{"judged", "      verify: mark\n" + block(6, "trust", web), ""},
		{"judged by nobody", "      verify: refuse\n", "trunks[0].stir.trust: is missing"},
		{"judged by those of web sites", "      verify: refuse\n      trust: system\n", "cannot be system"},
		{"trust without judging", block(6, "trust", web), "has no effect with verify: off"},
		{"words", "      sign: yes\n      verify: maybe\n", "trunks[0].stir.verify: \"maybe\" is not known here"},
	}
	for _, c := range cases {
		p, err := Parse([]byte(withStir(c.keys)))
		switch {
		case c.problem == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.problem == "":
			again := mustParse(t, canonical(t, p))
			if fmt.Sprint(again.Trunks[0].Stir) != fmt.Sprint(p.Trunks[0].Stir) || again.Trunks[0].Stir.Key.Reveal() != p.Trunks[0].Stir.Key.Reveal() || !p.Trunks[0].Stir.Used() {
				t.Errorf("%s: it does not survive the store", c.name)
			}
		case err == nil || !strings.Contains(err.Error(), c.problem):
			t.Errorf("%s: %v, want a fault that says %q", c.name, err, c.problem)
		}
	}
}

func TestTheKeyThatSignsCallsIsKeptWhereItIsMasked(t *testing.T) {
	key := exampleStirKey(t)
	keys := "      sign: on\n      url: https://certificates.example/office.pem\n" + block(6, "certificate", exampleStirCertificate(t, key, true))
	inForce, masked := mustParse(t, withStir(keys+block(6, "key", keyPEM(t, key)))), mustParse(t, withStir(keys+"      key: \"***\"\n"))
	if faults := FillSecrets(masked, inForce); faults != nil || masked.Trunks[0].Stir.Key != inForce.Trunks[0].Stir.Key {
		t.Errorf("faults %v, or another key", faults)
	}
	if redacted, err := inForce.Redacted(); err != nil || strings.Contains(string(redacted), strings.Split(keyPEM(t, key), "\n")[1]) {
		t.Errorf("%v, or the key prints", err)
	}
	if w := fmt.Sprint(inForce.Warnings(time.Date(2046, 2, 1, 0, 0, 0, 0, time.UTC))); !strings.Contains(w, "trunks[0].stir.certificate: The certificate has ended on 2046-01-01: calls are not signed any more.") {
		t.Errorf("%s", w)
	}
}
