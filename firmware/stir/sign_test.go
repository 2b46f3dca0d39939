package stir

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// es256 signs as forge needs it.
func es256(s *Signer, text string) []byte {
	sum := sha256.Sum256([]byte(text))
	r, t, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		panic(err)
	}
	b := make([]byte, signature)
	r.FillBytes(b[:32])
	t.FillBytes(b[32:])
	return b
}

// malleate makes another right signature of a wrong one's text without the key: s becomes the order of the curve less s.
func malleate(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(b[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(b[32:])
	parts[2] = base64.RawURLEncoding.EncodeToString(b)
	return strings.Join(parts, ".")
}

// What is signed is compared with a file that a person can read.
func TestWhatIsSignedIsWrittenAsTheStandardWants(t *testing.T) {
	a := newAuthority(t)
	s, _ := a.signer(nil)
	s.url = "https://certificates.example/a&b/office.pem"
	p, _ := usual()
	var got strings.Builder
	for _, p := range []Passport{p, {Orig: p.Orig, Dest: []string{"33611111111"}, Div: "33987654321", Issued: p.Issued}} {
		field := mustSign(t, s, p)
		parts := strings.Split(field, ".")
		for _, part := range parts[:2] {
			text, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "%s\n", text)
		}
		_, parameters, _ := strings.Cut(field, ";")
		fmt.Fprintf(&got, "%s\n\n", parameters)
	}
	name := filepath.Join("testdata", "signed.golden")
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant, by %s\n%s", got.String(), name, want)
	}
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestASignerIsOnlyMadeOfWhatOthersWouldAccept(t *testing.T) {
	a := newAuthority(t)
	key, other, long := newKey(t, elliptic.P256()), newKey(t, elliptic.P256()), newKey(t, elliptic.P384())
	right := a.issue(key, nil)
	cases := []struct {
		name, cert, key, url, want string
	}{
		{"right", pemOf(right, a.cert), pkcs8(t, key), where, ""},
		{"another key", pemOf(right), pkcs8(t, other), where, "does not belong"},
		{"another curve", pemOf(a.issue(long, nil)), pkcs8(t, long), where, "P-256"},
		{"a web server's", pemOf(a.issue(key, func(c *x509.Certificate) { c.ExtraExtensions = nil })), pkcs8(t, key), where, "TNAuthList"},
		{"not https", pemOf(right), pkcs8(t, key), "http://certificates.example/a.pem", "https"},
		{"no certificate", "", pkcs8(t, key), where, "no certificate"},
		{"no key", pemOf(right), "", where, "not PEM"},
	}
	for _, c := range cases {
		s, err := NewSigner(c.cert, c.key, c.url)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && (fmt.Sprintf("%v %+v %#v %s", s, s, s, s.LogValue()) != strings.Repeat("signer of "+where+" ", 3)+"signer of "+where || !s.Expires().Equal(right.NotAfter)) {
			t.Errorf("%v", s)
		}
	}
}

func TestNothingIsSignedThatTheCertificateDoesNotCarry(t *testing.T) {
	a := newAuthority(t)
	s, _ := a.signer(nil)
	p, _ := usual()
	for name, change := range map[string]func(*Passport){
		"after it has expired": func(p *Passport) { p.Issued = noon().AddDate(0, 2, 0) },
		"before it is valid":   func(p *Passport) { p.Issued = time.Unix(86400, 0) },
		"no number":            func(p *Passport) { p.Orig = "alice" },
		"to nobody":            func(p *Passport) { p.Dest = nil },
	} {
		changed := p
		change(&changed)
		if field, err := s.Sign(changed, rand.Reader); err == nil {
			t.Errorf("%s: %s", name, field)
		}
	}
}

func TestCertificatesAreReadInPEMAndInDER(t *testing.T) {
	a := newAuthority(t)
	leaf := a.issue(newKey(t, elliptic.P256()), nil)
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"PEM": {pemOf(leaf, a.cert), 2}, "DER": {string(leaf.Raw), 1}, "HTML": {"<html>", 0}, "nothing": {"", 0},
		"too many": {strings.Repeat(pemOf(leaf), maxChain+1), 0}, "a key": {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0},
	} {
		if list, err := ParseChain([]byte(c.text)); len(list) != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%s: %d, %v", name, len(list), err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	s, _ := newAuthority(b).signer(nil)
	p, _ := usual()
	for b.Loop() {
		mustSign(b, s, p)
	}
}

// BenchmarkJudge is a call whose certificate is known already.
func BenchmarkJudge(b *testing.B) {
	a := newAuthority(b)
	s, chain := a.signer(nil)
	p, c := usual()
	fields, chains, anchors, seen := []string{mustSign(b, s, p)}, map[string][]*x509.Certificate{where: chain}, a.pool(), &Seen{}
	for b.Loop() {
		if v, _ := judge(fields, c, chains, anchors, seen, noon()); v.Result != Passed {
			b.Fatal(v)
		}
	}
}
