package interop_test

import (
	"crypto/rand"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/stir"
	"tollgate/scripts/lab"
	"tollgate/scripts/lab/peer"
)

// The command of the secsipid project, which knows nothing of the box, and the box's own code take one another's signatures.
func TestSecsipidxAndTheBoxTakeOneAnothersSignatures(t *testing.T) {
	if err := lab.Missing("secsipidx"); err != nil {
		t.Skip(err)
	}
	authority, err := peer.NewAuthority("Numbers")
	if err != nil {
		t.Fatal(err)
	}
	key, certificate, err := authority.IssueForNumbers("1234")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keyFile, file, trust := write("key.pem", key), write("certificate.pem", certificate), write("authority.pem", authority.PEM())
	const url, caller, called = "https://certificates.example/office.pem", "33123456700", "33987654321"
	checked := func(identity string) error {
		return exec.Command("secsipidx", "-check", "-fidentity", write("identity", []byte(identity)), "-fpubkey", file, "-ca-file", trust, "-cert-verify", "5", "-expire", "60").Run()
	}

	signer, err := stir.NewSigner(string(certificate), string(key), url)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(to string) string {
		identity, err := signer.Sign(stir.Passport{Orig: caller, Dest: []string{to}, Issued: time.Now(), Attest: stir.Full, OrigID: "123e4567-e89b-42d3-a456-426614174000"}, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return identity
	}
	ours := sign(called)
	if err := checked(ours); err != nil {
		t.Errorf("secsipidx does not take what the box signs: %v\n%s", err, ours)
	}
	altered := strings.Split(ours, ".")
	altered[1] = strings.Split(sign("33987654322"), ".")[1]
	if err := checked(strings.Join(altered, ".")); err == nil {
		t.Error("secsipidx takes what was altered: it proves nothing")
	}

	out, err := exec.Command("secsipidx", "-sign-full", "-fprvkey", keyFile, "-orig-tn", caller, "-dest-tn", called, "-attest", "B", "-x5u", url, "-orig-id", "office").Output()
	if err != nil {
		t.Fatal(err)
	}
	chain, err := stir.ParseChain(certificate)
	if err != nil {
		t.Fatal(err)
	}
	anchors := x509.NewCertPool()
	anchors.AppendCertsFromPEM(authority.PEM())
	is := stir.Call{Orig: caller, Dest: called}
	presented, wrong := stir.Read([]string{string(out)})
	if wrong == nil {
		wrong = presented.Check(is, time.Now())
	}
	if wrong != nil {
		t.Fatalf("the box does not read what secsipidx signs: %+v\n%s", wrong, out)
	}
	if v := presented.Judge(is, map[string][]*x509.Certificate{url: chain}, anchors, &stir.Seen{}, time.Now()); v.Result != stir.Passed || v.Attest != stir.Partial {
		t.Errorf("the box finds %+v of what secsipidx signs\n%s", v, out)
	}
}
