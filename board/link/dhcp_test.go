package link

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"tollgate/scripts/lab/alone"
)

// far is a machine at the other end of the cable: a network namespace with the port wan0.
type far struct {
	t    *testing.T
	path string // of its namespace
}

// farEnd moves wan0 into a namespace of its own, gives it addresses and switches it on.
func farEnd(t *testing.T, addresses ...string) *far {
	t.Helper()
	runtime.LockOSThread()
	here, err := netns.Get()
	must(t, err)
	there, err := netns.New()
	must(t, err)
	must(t, netns.Set(here))
	runtime.UnlockOSThread()
	here.Close()
	must(t, netlink.LinkSetNsFd(port(t, "wan0"), int(there)))
	f := &far{t, fmt.Sprintf("/proc/%d/fd/%d", syscall.Getpid(), int(there))}
	f.run("ip", "link", "set", "lo", "up")
	for _, a := range addresses {
		f.run("ip", "address", "add", a, "dev", "wan0", "nodad")
	}
	f.run("ip", "link", "set", "wan0", "up")
	return f
}

func (f *far) command(args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--net=" + f.path, "--"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (f *far) run(args ...string) {
	f.t.Helper()
	if out, err := f.command(args...).CombinedOutput(); err != nil {
		f.t.Fatalf("%v: %v: %s", args, err, out)
	}
}

// serve runs a DHCP server for as long as the test wants: what it returns ends it.
func (f *far) serve(pool string, more ...string) (end func()) {
	f.t.Helper()
	if _, err := exec.LookPath("dnsmasq"); err != nil {
		f.t.Fatal("needs dnsmasq: scripts/setup lab brings it")
	}
	cmd := f.command(append([]string{
		"dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--interface=wan0", "--bind-interfaces", "--no-ping", "--dhcp-authoritative",
		"--dhcp-range=" + pool, "--dhcp-option=option:router,192.0.2.1", "--dhcp-option=option:dns-server,192.0.2.53", "--dhcp-option=option:ntp-server,192.0.2.123",
		"--dhcp-leasefile=" + filepath.Join(f.t.TempDir(), "leases"), "--pid-file",
	}, more...)...)
	must(f.t, cmd.Start())
	done := false
	end = func() {
		if !done {
			done = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	f.t.Cleanup(end)
	return end
}

// told is what a DHCP client has said.
type told struct {
	lease Lease
	lent  bool
}

// client runs until the test ends, or until stop is called.
func client(t *testing.T, known Lease) (news chan told, stop func()) {
	t.Helper()
	news = make(chan told, 16)
	d := &DHCP{Interface: "lan0", HostName: "tollgate", Known: known, Log: slog.New(slog.DiscardHandler), Changed: func(l Lease, lent bool) {
		if l.Address.IsValid() { // as who sets the ports does
			must(t, Set(context.Background(), Config{Ports: []Port{{Role: "office", Interface: "lan0", Addresses: []netip.Prefix{l.Address}}}, Gateway: l.Router}))
		}
		news <- told{l, lent}
	}}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { defer close(over); d.Run(ctx) }()
	stop = func() { cancel(); <-over }
	t.Cleanup(stop)
	return news, stop
}

func next(t *testing.T, news chan told) told {
	t.Helper()
	select {
	case n := <-news:
		return n
	case <-time.After(40 * time.Second):
		t.Fatal("the client says nothing")
		return told{}
	}
}

func TestAnAddressIsLentRememberedAndAskedForAgain(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	f := farEnd(t, "192.0.2.1/24")
	end := f.serve("192.0.2.50,192.0.2.59,2m")
	news, stop := client(t, Lease{})
	first := next(t, news)
	l := first.lease
	if !first.lent || l.Address.Bits() != 24 || !prefix("192.0.2.48/28").Contains(l.Address.Addr()) {
		t.Fatalf("lent: %+v", first)
	}
	if l.Router != netip.MustParseAddr("192.0.2.1") || len(l.DNS) != 1 || l.DNS[0] != netip.MustParseAddr("192.0.2.53") || len(l.NTP) != 1 || l.Length != 2*time.Minute || l.Server != l.Router {
		t.Errorf("the lease: %+v", l)
	}
	if err := Verify([]Want{{"office", "lan0", l.Address}}); err != nil {
		t.Error(err)
	}
	routes, err := netlink.RouteGet(netip.MustParseAddr("203.0.113.1").AsSlice())
	if err != nil || len(routes) != 1 || routes[0].Gw.String() != "192.0.2.1" {
		t.Errorf("the way to the world: %v, %v", routes, err)
	}
	stop()

	// The next process asks for the same address, which the server, new as well, would not choose by itself.
	end()
	f.serve("192.0.2.40,192.0.2.69,2m")
	again, stop := client(t, Lease{Interface: "lan0", Address: l.Address, Router: l.Router})
	if n := next(t, again); !n.lent || n.lease.Address != l.Address {
		t.Errorf("the second time: %+v, not %v", n, l.Address)
	}
	stop()
}

func TestARememberedLeaseIsUsedWhenNobodyAnswers(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	f := farEnd(t, "192.0.2.1/24")
	known := Lease{Interface: "lan0", Address: prefix("192.0.2.77/24"), Router: netip.MustParseAddr("192.0.2.1"), Length: time.Hour}
	news, _ := client(t, known)
	if n := next(t, news); n.lent || n.lease.Address != known.Address {
		t.Fatalf("without a server: %+v", n)
	}
	// One that comes back knows of another address only.
	f.serve("192.0.2.50,192.0.2.59,2m")
	if n := next(t, news); n.lease.Address == known.Address && !n.lent {
		t.Errorf("with a server: %+v", n)
	}
}

func TestALeaseOfAnAddressThatSomebodyHasIsDeclined(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	f := farEnd(t, "192.0.2.1/24", "192.0.2.50/24")
	f.serve("192.0.2.61,192.0.2.61,2m", "--dhcp-broadcast", "--dhcp-host="+port(t, "lan0").Attrs().HardwareAddr.String()+",192.0.2.50") // which is in use
	news, _ := client(t, Lease{})
	if n := next(t, news); !n.lent || n.lease.Address != prefix("192.0.2.61/24") {
		t.Errorf("lent: %+v", n)
	}
}

func TestALeaseThatNobodyCanUseIsNone(t *testing.T) {
	d := &DHCP{Interface: "lan0"}
	for _, a := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.1"} {
		m, err := dhcpv4.New(dhcpv4.WithYourIP(netip.MustParseAddr(a).AsSlice()), dhcpv4.WithNetmask([]byte{255, 255, 255, 0}))
		must(t, err)
		if l, err := d.lease(m); err == nil {
			t.Errorf("%s was taken: %+v", a, l)
		}
	}
	// A router that is not on the network is none; a lease for a second is one for a minute.
	m, err := dhcpv4.New(dhcpv4.WithYourIP(netip.MustParseAddr("192.0.2.9").AsSlice()), dhcpv4.WithNetmask([]byte{255, 255, 255, 0}),
		dhcpv4.WithRouter(netip.MustParseAddr("198.51.100.1").AsSlice()), dhcpv4.WithLeaseTime(1))
	must(t, err)
	l, err := d.lease(m)
	if err != nil || l.Router.IsValid() || l.Length != leastLease {
		t.Errorf("%+v, %v", l, err)
	}
}

// Whatever a server sends is read without a panic, and never as an address that is none.
func FuzzLease(f *testing.F) {
	m, _ := dhcpv4.New(dhcpv4.WithYourIP(netip.MustParseAddr("192.0.2.9").AsSlice()), dhcpv4.WithNetmask([]byte{255, 255, 255, 0}))
	f.Add(m.ToBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dhcpv4.FromBytes(b)
		if err != nil {
			return
		}
		l, err := (&DHCP{Interface: "lan0"}).lease(m)
		if err == nil && (!l.Address.IsValid() || !l.Address.Addr().Is4() || l.Address.Addr().IsUnspecified() || l.Length < leastLease) {
			t.Errorf("%+v", l)
		}
	})
}
