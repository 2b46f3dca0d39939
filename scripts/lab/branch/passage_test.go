package branch_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

// tells has a host tell everybody who connects from where he seems to come.
func tells(t *testing.T, h *lab.Host, port uint16) netip.AddrPort {
	t.Helper()
	at := netip.AddrPortFrom(h.Address, port)
	l, err := h.Listen(at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, c.RemoteAddr())
			c.Close()
		}
	}()
	return at
}

// seenAs is the address as which a host reaches another; none when it does not.
func seenAs(t *testing.T, h *lab.Host, at netip.AddrPort) netip.Addr {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c, err := h.Dial(ctx, "tcp", at.String())
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	b, _ := io.ReadAll(c)
	seen, err := netip.ParseAddrPort(string(b))
	if err != nil {
		t.Errorf("%s was told %q", h.Name, b)
	}
	return seen.Addr()
}

// forwarding is what the box's kernel does with what is addressed to others, on both ports and on all.
func forwarding(t *testing.T, b *branch.Branch) string {
	t.Helper()
	var said []string
	if err := lab.Inside(b.Lab.Box.Namespace, func() error {
		for _, link := range []string{lab.BoxInside, lab.BoxOutside, "all"} {
			text, err := os.ReadFile("/proc/sys/net/ipv4/conf/" + link + "/forwarding") // of the thread's own namespace
			if err != nil {
				return err
			}
			said = append(said, strings.TrimSpace(string(text)))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(said, " ")
}

func TestTheOfficeReachesTheNetworksOutsideThroughTheBoxWhereThePolicySaysSo(t *testing.T) {
	passage := "masquerade"
	b := build(t, branch.Wishes{NoOffice: true, Amend: func(document string) string {
		return strings.Replace(document, "  media_ports:", "  passage: "+passage+"\n  media_ports:", 1)
	}})
	computer := b.Lab.Phones[0]
	server, err := b.Lab.AddCarrier("server", b.Lab.Net.Stranger)
	if err != nil {
		t.Fatal(err)
	}
	web, sip := tells(t, server, 80), tells(t, server, 5061)
	within := tells(t, computer, 80)
	// The server knows the way to the office, as a router there would.
	route := exec.Command("ip", "-n", server.Namespace, "route", "add", b.Lab.Net.Office.String(), "via", b.Lab.Net.BoxOutside.String())
	if out, err := route.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, step := range []struct {
		passage, forwarding string
		as                  netip.Addr
	}{
		{"masquerade", "1 1 0", b.Lab.Net.BoxOutside}, {"forward", "1 1 0", computer.Address}, {"none", "0 0 0", netip.Addr{}}, {"masquerade", "1 1 0", b.Lab.Net.BoxOutside},
	} {
		passage = step.passage
		document, err := b.Policy()
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Box.Import(t.Context(), b.Wishes.Amend(document)); err != nil {
			t.Fatal(err)
		}
		if got := seenAs(t, computer, web); got != step.as {
			t.Errorf("%s: the server sees %v, want %v", step.passage, got, step.as)
		}
		if got := seenAs(t, computer, sip); got.IsValid() {
			t.Errorf("%s: SIP went past the box, from %v", step.passage, got)
		}
		if got := seenAs(t, server, within); got.IsValid() {
			t.Errorf("%s: the office was reached from outside", step.passage)
		}
		if got := forwarding(t, b); got != step.forwarding {
			t.Errorf("%s: forwarding is %q, want %q", step.passage, got, step.forwarding)
		}
	}
	if err := b.Box.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-b.Box.Process.Done()
	// Its rules are in the kernel yet: the office's connections go on, and nothing else passes.
	if got := seenAs(t, computer, web); got != b.Lab.Net.BoxOutside {
		t.Errorf("the box is killed: the server sees %v", got)
	}
	if got := seenAs(t, computer, sip); got.IsValid() {
		t.Errorf("the box is killed: SIP went past it, from %v", got)
	}
	if got := seenAs(t, server, within); got.IsValid() {
		t.Errorf("the box is killed: the office was reached from outside")
	}
	begin(t, b) // which does not take what it finds for how the system was
	if got := forwarding(t, b); got != "1 1 0" {
		t.Errorf("forwarding is %q after the restart", got)
	}
	b.Box.Stop()
	if got := forwarding(t, b); got != "0 0 0" {
		t.Errorf("forwarding is %q when the box is gone", got)
	}
}
