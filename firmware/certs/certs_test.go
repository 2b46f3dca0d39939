package certs

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestTheAuthorityIsMadeOnceAndKept(t *testing.T) {
	m, c := newMemory(), newClock()
	first, print1 := open(t, m, c).CA()
	second, print2 := open(t, m, c).CA()
	if !bytes.Equal(first, second) || print1 != print2 {
		t.Error("a second Open made another authority")
	}
	if m.puts != 1 {
		t.Errorf("kept %d times, want once", m.puts)
	}
}

func TestTheAuthoritySignsLeavesAndNothingElseForTenYears(t *testing.T) {
	c := newClock()
	text, print := open(t, newMemory(), c).CA()
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) != 0 {
		t.Fatalf("CA is not one PEM block: %s", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !cert.IsCA || !cert.MaxPathLenZero || cert.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		t.Errorf("IsCA %v, path length 0 %v, key usage %b", cert.IsCA, cert.MaxPathLenZero, cert.KeyUsage)
	}
	if got, want := cert.NotAfter, c.now().Add(-backdate).AddDate(10, 0, 0); !got.Equal(want) {
		t.Errorf("ends %v, want %v", got, want)
	}
	sum := sha256.Sum256(block.Bytes)
	if want := strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":"); print != want {
		t.Errorf("fingerprint %s, want %s", print, want)
	}
}

func TestAnExpiredAuthorityIsReplaced(t *testing.T) {
	m, c := newMemory(), newClock()
	_, before := open(t, m, c).CA()
	c.add(11 * 365 * day)
	if _, after := open(t, m, c).CA(); after == before {
		t.Error("the expired authority is still in force")
	}
}

func TestADamagedAuthorityIsAnErrorThatSaysWhatIsWrongAndNotWhatIsInside(t *testing.T) {
	m, c := newMemory(), newClock()
	open(t, m, c)
	other := newMemory()
	open(t, other, c)
	mine, theirs := m.records["certs/authority"], other.records["certs/authority"]
	keyEnd := bytes.Index(mine, []byte("-----BEGIN CERTIFICATE"))
	theirKeyEnd := bytes.Index(theirs, []byte("-----BEGIN CERTIFICATE"))
	for name, tc := range map[string]struct {
		record []byte
		says   string
	}{
		"empty":          {nil, "no private key"},
		"key only":       {mine[:keyEnd], "no certificate"},
		"cert only":      {mine[keyEnd:], "no private key"},
		"another's cert": {append(bytes.Clone(mine[:keyEnd]), theirs[theirKeyEnd:]...), "does not belong"},
		"unknown block":  {pem.EncodeToMemory(&pem.Block{Type: "X509 CRL"}), `unexpected PEM block "X509 CRL"`},
		"broken key":     {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("sesame")}), "the private key cannot be read"},
	} {
		m.records["certs/authority"] = tc.record
		_, err := Open(m, c.now, rand.Reader)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want one with %q", name, err, tc.says)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error quotes the record: %v", name, err)
		}
	}
}

func TestAnAuthorityThatCannotBeKeptIsAnError(t *testing.T) {
	m := newMemory()
	m.broken = true
	if _, err := Open(m, newClock().now, rand.Reader); err == nil {
		t.Error("Open succeeded although the key was not kept")
	}
}

func TestThePrivateKeyNeverPrints(t *testing.T) {
	a := open(t, newMemory(), newClock())
	scalar, err := a.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secret := new(big.Int).SetBytes(scalar).String()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("opened", "authority", a)
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v %s %d", a, a, a, a, a), log.String()} {
		if strings.Contains(printed, secret) || strings.Contains(printed, fmt.Sprintf("%x", scalar)) {
			t.Errorf("the key is in %q", printed)
		}
		if _, print := a.CA(); !strings.Contains(printed, print) {
			t.Errorf("%q does not name the authority", printed)
		}
	}
}

func FuzzAKeptRecordIsReadOrRefused(f *testing.F) {
	m := newMemory()
	if _, err := Open(m, func() time.Time { return time.Unix(1.8e9, 0) }, rand.Reader); err != nil {
		f.Fatal(err)
	}
	f.Add(m.records["certs/authority"])
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, record []byte) {
		p, err := parsePair(record)
		if err != nil {
			return
		}
		again, err := p.encode()
		if err != nil {
			t.Fatal(err)
		}
		if q, err := parsePair(again); err != nil || !q.key.Equal(p.key) || !q.cert.Equal(p.cert) {
			t.Fatalf("written and read again: %v", err)
		}
	})
}
