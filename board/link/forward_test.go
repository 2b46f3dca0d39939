package link

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// switched is a tree of switches as a machine has them, and what they say as one line.
func switched(t *testing.T, values ...string) (*Forwarder, func() string) {
	t.Helper()
	root := t.TempDir()
	var files []string
	for _, v := range values {
		file, text, _ := strings.Cut(v, "=")
		files = append(files, file)
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &Forwarder{root: root}, func() string {
		var said []string
		for _, file := range files {
			b, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, strings.TrimSpace(string(b)))
		}
		return strings.Join(said, " ")
	}
}

func set(t *testing.T, f *Forwarder, to Forwarding) {
	t.Helper()
	for range 2 { // setting the same twice changes nothing
		if err := f.Set(to); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForwardingIsSwitchedBetweenTwoPortsAndBackToWhatItWas(t *testing.T) {
	f, says := switched(t, "ipv4/conf/lan0/forwarding=0", "ipv4/conf/wan0/forwarding=1", "ipv4/conf/aux0/forwarding=0",
		"ipv6/conf/all/forwarding=0", "ipv6/conf/wan0/accept_ra=1", "ipv6/conf/aux0/accept_ra=1")
	const before = "0 1 0 0 1 1"
	for _, step := range []struct {
		to   Forwarding
		want string
	}{
		{Forwarding{}, before},
		{Forwarding{Inside: "lan0", Outside: "wan0"}, "1 1 0 0 1 1"},
		{Forwarding{Inside: "aux0", Outside: "wan0"}, "0 1 1 0 1 1"},
		{Forwarding{Inside: "lan0", Outside: "wan0", IPv6: true}, "0 1 0 1 2 1"}, // and goes on hearing the router outside
		{Forwarding{Inside: "lan0", Outside: "wan0"}, "1 1 0 0 1 1"},
		{Forwarding{}, before},
	} {
		if set(t, f, step.to); says() != step.want {
			t.Errorf("%+v: %s, want %s", step.to, says(), step.want)
		}
	}
}

func TestWhoHearsNoRouterGoesOnHearingNone(t *testing.T) {
	f, says := switched(t, "ipv6/conf/all/forwarding=0", "ipv6/conf/wan0/accept_ra=0")
	if set(t, f, Forwarding{Inside: "lan0", Outside: "wan0", IPv6: true}); says() != "1 0" {
		t.Errorf("switched %s", says())
	}
}

func TestForwardingThatCannotBeSwitchedOnIsOff(t *testing.T) {
	f, says := switched(t, "ipv4/conf/lan0/forwarding=0")
	if err := f.Set(Forwarding{Inside: "lan0", Outside: "gone0"}); err == nil || !strings.Contains(err.Error(), "lan0 and gone0") {
		t.Errorf("Set: %v", err)
	}
	if says() != "0" {
		t.Error("it is half on")
	}
}

func TestWhatAKilledProcessHasSwitchedIsPutBackByTheNext(t *testing.T) {
	killed, says := switched(t, "ipv4/conf/lan0/forwarding=0", "ipv4/conf/wan0/forwarding=1", "ipv4/conf/aux0/forwarding=0")
	var kept []Found
	killed.Keep = func(found []Found) error { kept = found; return nil }
	set(t, killed, Forwarding{Inside: "lan0", Outside: "wan0"})

	next := &Forwarder{root: killed.root, Keep: killed.Keep}
	next.Resume(kept)
	if set(t, next, Forwarding{Inside: "aux0", Outside: "wan0"}); says() != "0 1 1" {
		t.Errorf("under another policy: %s", says())
	}
	next = &Forwarder{root: killed.root, Keep: killed.Keep}
	next.Resume(kept)
	if set(t, next, Forwarding{}); says() != "0 1 0" || len(kept) != 0 {
		t.Errorf("after its stop: %s, kept: %v", says(), kept)
	}
}

func TestNothingIsSwitchedOnThatANextProcessCouldNotPutBack(t *testing.T) {
	f, says := switched(t, "ipv4/conf/lan0/forwarding=0", "ipv4/conf/wan0/forwarding=0")
	f.Keep = func([]Found) error { return errors.New("the disk is full") }
	if err := f.Set(Forwarding{Inside: "lan0", Outside: "wan0"}); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("Set: %v", err)
	}
	if says() != "0 0" {
		t.Errorf("switched %s", says())
	}
}
