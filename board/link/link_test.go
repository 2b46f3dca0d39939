package link

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"tollgate/scripts/lab/alone"
)

// cable makes the ports lan0 and wan0, one cable between them, and switches the first on.
func cable(t *testing.T) {
	t.Helper()
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0", MTU: 1400}, PeerName: "wan0"}))
	must(t, netlink.LinkSetUp(port(t, "lan0")))
}

func port(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	must(t, err)
	return l
}

// give adds addresses without waiting for duplicate address detection.
func give(t *testing.T, name string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		a, err := netlink.ParseAddr(text)
		must(t, err)
		a.Flags = syscall.IFA_F_NODAD
		must(t, netlink.AddrAdd(port(t, name), a))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// becomes waits until the port is as asked.
func becomes(t *testing.T, name, what string, ok func(Interface) bool) Interface {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		all, err := Interfaces()
		must(t, err)
		for _, i := range all {
			if i.Name == name && ok(i) {
				return i
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s never %s: %+v", name, what, all)
		}
	}
}

func TestInterfacesTellWhatTheKernelHas(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	give(t, "lan0", "2001:db8:1::1/64", "192.0.2.1/24", "192.0.2.2/32")
	all, err := Interfaces()
	must(t, err)
	if len(all) != 2 { // and not loopback
		t.Fatalf("ports: %+v", all)
	}
	lan := becomes(t, "lan0", "is up", func(i Interface) bool { return i.Up })
	if lan.Carrier || lan.MTU != 1400 || len(lan.Hardware) != 6 {
		t.Errorf("lan0: %+v; want MTU 1400 and no carrier, for the far end is off", lan)
	}
	want := []netip.Prefix{prefix("192.0.2.1/24"), prefix("192.0.2.2/32"), prefix("2001:db8:1::1/64")}
	if diff := cmp.Diff(want, lan.Addresses, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	must(t, netlink.LinkSetUp(port(t, "wan0")))
	becomes(t, "lan0", "has a carrier", func(i Interface) bool { return i.Carrier })

	if addrs, err := Addresses("lan0"); err != nil || len(addrs) != 3 {
		t.Errorf("Addresses: %v, %v", addrs, err)
	}
	if addrs, err := Addresses("wan0"); err != nil || len(addrs) != 0 { // its link-local address does not count
		t.Errorf("Addresses: %v, %v", addrs, err)
	}
	if _, err := Addresses("eth7"); err == nil || !strings.Contains(err.Error(), "eth7 (the machine has") {
		t.Errorf("Addresses of a port that is not there: %v", err)
	}
}

func TestVerifyReadsTheKernel(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	give(t, "lan0", "192.0.2.1/24")
	give(t, "wan0", "198.51.100.2/30")
	want := []Want{{"inside", "lan0", prefix("192.0.2.1/24")}, {"outside", "wan0", prefix("198.51.100.2/30")}}
	var faults Faults
	if err := Verify(want); !errors.As(err, &faults) || len(faults) != 1 || faults[0].Problem != "it is switched off" {
		t.Errorf("Verify with wan0 off: %v", err)
	}
	must(t, netlink.LinkSetUp(port(t, "wan0")))
	if err := Verify(want); err != nil {
		t.Errorf("Verify: %v", err)
	}
	want[0].Interface, want[1].Address = "wan0", prefix("198.51.100.3/30")
	if err := Verify(want); !errors.As(err, &faults) || len(faults) != 2 {
		t.Errorf("Verify of two wrong addresses: %v", err)
	}
}

// The two ends of the cable stand for two machines that were given the same address.
func TestVerifyTellsThatAnotherMachineHasTheAddress(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	must(t, netlink.LinkSetUp(port(t, "wan0")))
	becomes(t, "lan0", "has a carrier", func(i Interface) bool { return i.Carrier })
	give(t, "wan0", "2001:db8:1::1/64")
	a, err := netlink.ParseAddr("2001:db8:1::1/64")
	must(t, err)
	must(t, netlink.AddrAdd(port(t, "lan0"), a))

	want := []Want{{"inside", "lan0", prefix("2001:db8:1::1/64")}}
	becomes(t, "lan0", "checks its address", func(i Interface) bool { return len(i.Checking)+len(i.Taken) == 1 })
	if err := Verify(want); err == nil {
		t.Error("an address that cannot be used yet was taken for good")
	}
	becomes(t, "lan0", "finds its address taken", func(i Interface) bool { return len(i.Taken) == 1 })
	if err := Verify([]Want{{"inside", "lan0", prefix("2001:db8:1::1/64")}}); err == nil {
		t.Error("an address of another machine was taken for good")
	}
}
