package dhcpserver

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"tollgate/scripts/lab/alone"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// vlan makes a cable from lan0, the box's port, to wan0, that of a telephone.
func vlan(t *testing.T) {
	t.Helper()
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, PeerName: "wan0"}))
	for _, name := range []string{"lan0", "wan0"} {
		l, err := netlink.LinkByName(name)
		must(t, err)
		must(t, netlink.LinkSetUp(l))
	}
	putOn(t, "lan0", "192.0.2.10/24")
}

func putOn(t *testing.T, port, prefix string) {
	t.Helper()
	l, err := netlink.LinkByName(port)
	must(t, err)
	a, err := netlink.ParseAddr(prefix)
	must(t, err)
	must(t, netlink.AddrAdd(l, a))
}

// answerForOwnAlone has ports not answer for the addresses of others of this machine.
func answerForOwnAlone(t *testing.T, ports ...string) {
	t.Helper()
	for _, port := range ports {
		must(t, os.WriteFile("/proc/sys/net/ipv4/conf/"+port+"/arp_ignore", []byte("1"), 0))
	}
}

// udhcpc is Debian's DHCP client as many telephones have it: it obtains an address and prints what it was told.
func udhcpc(t *testing.T, more ...string) string {
	t.Helper()
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Fatal("needs busybox: scripts/setup lab brings it")
	}
	script := filepath.Join(t.TempDir(), "told")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\n[ \"$1\" = bound ] && env\nexit 0\n"), 0o755))
	cmd := exec.Command("busybox", append([]string{"udhcpc", "-f", "-q", "-n", "-i", "wan0", "-s", script, "-t", "5", "-T", "1"}, more...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if t.Logf("udhcpc:\n%s", out); err != nil {
		t.Fatalf("no address: %v", err)
	}
	return string(out)
}

// until waits for a state of the server.
func until(t *testing.T, s *Server, what string, is func(State) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(s.State()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: %+v", what, s.State())
		}
	}
}

func TestAClientOfDebianObtainsAnAddressAndLearnsWhereSIPIs(t *testing.T) {
	t.Parallel()
	if !alone.Inside(t) {
		return
	}
	vlan(t)
	kept := make(chan []Lease, 1)
	s := &Server{Log: slog.New(slog.DiscardHandler), Keep: func(network netip.Prefix, l []Lease) { kept <- l }}
	nothing := func() []Lease { return nil }
	s.Set(config(), nothing)
	s.Set(config(), nothing)
	until(t, s, "it lends", func(st State) bool { return st.Lends })

	told := udhcpc(t, "-O", "sipsrv", "-O", "tftp", "-O", "ntpsrv", "-O", "150", "-x", "hostname:reception")
	for _, want := range []string{
		"ip=192.0.2.100", "mask=24", "router=192.0.2.1", "dns=192.0.2.53", "domain=office.example", "ntpsrv=192.0.2.54", "lease=43200", "serverid=192.0.2.10",
		"sipsrv=192.0.2.10", "tftp=settings.office.example", "opt150=c0000214c0000215",
	} {
		if !strings.Contains("\n"+told, "\n"+want+"\n") {
			t.Errorf("it is not told %s", want)
		}
	}
	if l := s.State().Leases; len(l) != 1 || l[0].Address.String() != "192.0.2.100" || l[0].Name != "reception" {
		t.Errorf("leases: %+v", l)
	}
	if told = udhcpc(t, "-B"); !strings.Contains(told, "\nip=192.0.2.100\n") {
		t.Error("it gets another address the second time")
	}

	s.Set(Config{}, nothing)
	if l := <-kept; len(l) != 1 || l[0].Address.String() != "192.0.2.100" {
		t.Errorf("kept: %v", l)
	}
	if st := s.State(); st.Interface != "" || st.Lends {
		t.Errorf("after the end: %+v", st)
	}
}

func TestNothingIsLentWhereDnsmasqDoes(t *testing.T) {
	t.Parallel()
	if !alone.Inside(t) {
		return
	}
	vlan(t)
	putOn(t, "wan0", "192.0.2.66/24")
	other := exec.Command("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--interface=wan0", "--bind-interfaces", "--no-ping",
		"--dhcp-range=192.0.2.150,192.0.2.160", "--dhcp-leasefile="+filepath.Join(t.TempDir(), "leases"), "--pid-file")
	must(t, other.Start())
	defer other.Wait()
	defer other.Process.Kill()

	c := config()
	s := &Server{Log: slog.New(slog.DiscardHandler), Keep: func(netip.Prefix, []Lease) {}}
	var st State
	for range 5 { // it may have looked before the other one listened
		s.Set(c, func() []Lease { return nil })
		until(t, s, "it has looked", func(st State) bool { return st.Lends || st.Other.IsValid() })
		if st = s.State(); st.Other.IsValid() {
			break
		}
		s.Set(Config{}, nil)
	}
	if fmt.Sprint(st.Lends, st.Other) != "false 192.0.2.66" {
		t.Errorf("%+v", st)
	}
	s.Set(Config{}, nil)
}
