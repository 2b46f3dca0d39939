package policy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// exampleKey is the key of the certificate in the example. It is made here, so that no key lies in the repository.
func exampleKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("the key of the certificate in example.yaml"))
	return ed25519.NewKeyFromSeed(seed[:])
}

func keyPEM(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// exampleCertificate is the certificate in the example: the same bytes each time.
func exampleCertificate(t testing.TB, key crypto.Signer) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sbc.office.example"}, DNSNames: []string{"sbc.office.example"},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2046, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestTheCertificateOfTheExampleHasAKeyThatTestsCanMake(t *testing.T) {
	if got, want := mustParse(t, example).Trunks[0].TLS.Certificate, exampleCertificate(t, exampleKey()); got != want {
		t.Errorf("put this into example.yaml:\n%s", want)
	}
}

func block(indent int, key, text string) string {
	pad := strings.Repeat(" ", indent)
	return pad + key + ": |\n" + pad + "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+pad+"  ") + "\n"
}

// withIdentity is the small document with a certificate of the box's own.
func withIdentity(certificate, key string) string {
	tls := "    tls:\n"
	if certificate != "" {
		tls += block(6, "certificate", certificate)
	}
	if key != "" {
		tls += block(6, "key", key)
	}
	return strings.Replace(small, "    accounts:", tls+"    accounts:", 1)
}

func TestACertificateAndItsKeyBelongTogether(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sec1, _ := x509.MarshalECPrivateKey(ec)
	ecPEM := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))
	parameters := "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}))
	mine := exampleCertificate(t, ec)
	for _, c := range []struct{ name, certificate, key, problem string }{
		{"PKCS #8", mine, keyPEM(t, ec), ""},
		{"SEC 1", mine, ecPEM, ""},
		{"SEC 1 as openssl writes it", mine, parameters + ecPEM, ""},
		{"RSA", exampleCertificate(t, rsaKey), pkcs1, ""},
		{"with an intermediate", mine + exampleCertificate(t, rsaKey), ecPEM, ""},
		{"masked", mine, `***`, ""},
		{"another's key", mine, pkcs1, "tls.key: does not belong to the first certificate"},
		{"the intermediate first", exampleCertificate(t, rsaKey) + mine, ecPEM, "tls.key: does not belong to the first certificate"},
		{"no key", mine, "", "tls.key: is missing"},
		{"no certificate", "", ecPEM, "tls.key: has no effect without a certificate"},
		{"a word", mine, "hunter2", "tls.key: is not PEM"},
		{"two keys", mine, ecPEM + pkcs1, "tls.key: holds more than one key"},
		{"a certificate as key", mine, mine, "tls.key: holds PEM that is no private key"},
		{"a passphrase", mine, "-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVudGVyMg==\n-----END ENCRYPTED PRIVATE KEY-----", "passphrase"},
		{"damaged", mine, "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----", "tls.key: cannot be read"},
		{"the key in both", mine + ecPEM, ecPEM, "tls.certificate: holds a private key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse([]byte(withIdentity(c.certificate, c.key)))
			switch {
			case c.problem == "" && err != nil:
				t.Fatal(err)
			case c.problem == "":
				if p.masked() {
					return
				}
				doc := canonical(t, p)
				if again := mustParse(t, doc); !cmp.Equal(p, again, byValue) || p.Trunks[0].TLS.Key.Reveal() != again.Trunks[0].TLS.Key.Reveal() {
					t.Error("it does not survive the store")
				}
			case err == nil || !strings.Contains(err.Error(), c.problem):
				t.Errorf("%v, want a fault that says %q", err, c.problem)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVy")) {
				t.Errorf("the fault repeats the key: %v", err)
			}
		})
	}
}

func TestAKeyNeverPrints(t *testing.T) {
	p := mustParse(t, withIdentity(exampleCertificate(t, exampleKey()), keyPEM(t, exampleKey())))
	inside := strings.Split(keyPEM(t, exampleKey()), "\n")[1]
	redacted, err := p.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	printed := append(waysToPrint(t, *p), string(redacted), fmt.Sprint(changes(Diff(mustParse(t, small), p))))
	for _, s := range printed {
		if strings.Contains(s, inside) {
			t.Errorf("the key prints: %s", s)
		}
	}
}

func TestAMaskedKeyIsTheOneInForceIfItFits(t *testing.T) {
	certificate := exampleCertificate(t, exampleKey())
	inForce := mustParse(t, withIdentity(certificate, keyPEM(t, exampleKey())))
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	same := mustParse(t, withIdentity(certificate, "***"))
	if faults := FillSecrets(same, inForce); faults != nil || same.Trunks[0].TLS.Key != inForce.Trunks[0].TLS.Key {
		t.Errorf("faults %v, or another key", faults)
	}
	renewed := mustParse(t, withIdentity(exampleCertificate(t, other), "***"))
	if faults := FillSecrets(renewed, inForce); len(faults) != 1 || !strings.Contains(faults[0].String(), "does not belong to the first certificate") {
		t.Errorf("a new certificate with the old key: %v", faults)
	}
	if faults := FillSecrets(mustParse(t, withIdentity(certificate, "***")), mustParse(t, small)); len(faults) != 1 || faults[0].Path != "trunks[0].tls.key" {
		t.Errorf("nothing in force: %v", faults)
	}
}
