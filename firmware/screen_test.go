package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheScreenSaysWhatSomebodyBeforeTheBoxNeeds(t *testing.T) {
	fresh := screen{
		version: "1.2.3", serial: "10000000deadbeef", pages: []string{"https://192.0.2.50/"}, fingerprint: "AB:CD:EF", mode: "setup",
		password: "aaaa-bbbb-cccc-dddd", claimable: true,
	}
	late, busy := fresh, fresh
	late.claimable, late.pages = false, nil
	busy.password, busy.mode, busy.pages, busy.faults = "", "running", []string{pageURL("2001:db8::1", 8443)}, []string{"the power supply is too weak"}
	got := "fresh from the factory:\n" + fresh.text() + "\nhalf an hour later, without a cable:\n" + late.text() + "\nin service:\n" + busy.text()
	path := filepath.Join("testdata", "screen.txt")
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%v; the screens are\n%s", err, got)
	}
}
