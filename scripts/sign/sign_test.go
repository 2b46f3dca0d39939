package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/firmware/bundle"
)

func TestABoxWithThePublicKeyTakesTheUpdate(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := run([]string{"key", in("key")}); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"key", in("key")}); err == nil {
		t.Error("a key was written over")
	}
	system, policy := "a system", "version: 1\n"
	for name, content := range map[string]string{"slot": system, "policy.yaml": policy} {
		if err := os.WriteFile(in(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run([]string{"update", "-key", in("key"), "-board", "virt", "-release", "1.1.0", "-built", "1001", "-o", in("update"), in("slot"), in("policy.yaml")}); err != nil {
		t.Fatal(err)
	}
	key, err := readKey(in("key"))
	if err != nil {
		t.Fatal(err)
	}
	publicKey := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	keys, err := bundle.ParseKeys(publicKey, "us", bundle.Systems|bundle.Settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("keys"), []byte(publicKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	if err := verify(&told, in("keys"), in("update")); err != nil || !strings.Contains(told.String(), "for virt, release 1.1.0, built 1970-01-01T00:16:41Z") || !strings.Contains(told.String(), "system: 8 bytes") {
		t.Errorf("%v: %s", err, told.String())
	}
	spoiled, err := os.ReadFile(in("update"))
	if err != nil {
		t.Fatal(err)
	}
	spoiled[len(spoiled)-1]++
	if err := os.WriteFile(in("spoiled"), spoiled, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := verify(&told, in("keys"), in("spoiled")); err == nil {
		t.Error("a bundle with another system passes")
	}
	f, err := os.Open(in("update"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := bundle.Open(f, bundle.Trust{Keys: keys, Last: 1000})
	if err != nil || *b.System != (bundle.System{File: "system", Board: "virt", Release: "1.1.0", Built: 1001}) || b.Seal.Number != 1001 {
		t.Fatalf("%+v, %v", b, err)
	}
	for _, want := range []string{policy, system} {
		if _, _, err := b.Next(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(b); string(got) != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}
