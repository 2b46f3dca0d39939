package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"tollgate/board/update"
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
	system := []byte("a system")
	for name, content := range map[string][]byte{"slot": system, "a": make([]byte, 8192), "b": make([]byte, 8192), "state": make([]byte, 8192)} {
		if err := os.WriteFile(in(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run([]string{"update", "-key", in("key"), "-board", "virt", "-release", "1.1.0", "-built", "1001", "-o", in("update"), in("slot")}); err != nil {
		t.Fatal(err)
	}
	key, err := readKey(in("key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := update.ParseKeys(base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(in("update"))
	if err != nil {
		t.Fatal(err)
	}
	box := update.Installer{
		Slots: update.Slots{A: in("a"), B: in("b"), State: in("state")}, Keys: keys, Spool: dir,
		Running: update.Running{Board: "virt", Built: 1000, Slot: update.A},
	}
	if m, err := box.Install(bytes.NewReader(file)); err != nil || m.Release != "1.1.0" {
		t.Errorf("%+v, %v", m, err)
	}
}
