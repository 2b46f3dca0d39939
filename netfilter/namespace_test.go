package netfilter

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"tollgate/scripts/lab/alone"
)

// inNamespace tells whether this is the run of the test in a network namespace of its own, which has its loopback.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if !alone.Inside(t) {
		return false
	}
	linkUp(t, netlink.LinkByName, netlink.LinkSetUp, "lo")
	return true
}

func linkUp(t *testing.T, find func(string) (netlink.Link, error), up func(netlink.Link) error, name string) {
	t.Helper()
	link, err := find(name)
	if err == nil {
		err = up(link)
	}
	if err != nil {
		t.Fatalf("bring %s up: %v", name, err)
	}
}

// space is another network namespace, on the far side of a veth pair.
type space struct {
	t      *testing.T
	handle netns.NsHandle
	links  *netlink.Handle
}

func newSpace(t *testing.T) *space {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	handle, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	links, err := netlink.NewHandle() // opened while this thread is in there
	if err != nil {
		t.Fatal(err)
	}
	if err := netns.Set(here); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		links.Close()
		_ = handle.Close()
	})
	s := &space{t, handle, links}
	linkUp(t, links.LinkByName, links.LinkSetUp, "lo")
	return s
}

// do runs f on a thread that is in the namespace. Sockets opened in it stay there.
func (s *space) do(f func()) {
	s.t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		s.t.Fatal(err)
	}
	defer here.Close()
	if err := netns.Set(s.handle); err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := netns.Set(here); err != nil {
			panic(err) // this thread must not go on elsewhere
		}
	}()
	f()
}

// cable joins the box's interface to eth0 of the space and brings both up. IPv6 addresses are usable at once.
func (s *space) cable(name string) {
	s.t.Helper()
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "far-" + name}
	if err := netlink.LinkAdd(veth); err != nil {
		s.t.Fatal(err)
	}
	far, err := netlink.LinkByName("far-" + name)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := netlink.LinkSetNsFd(far, int(s.handle)); err != nil {
		s.t.Fatal(err)
	}
	if err := s.links.LinkSetName(far, "eth0"); err != nil {
		s.t.Fatal(err)
	}
	noDAD := func(name string) { writeSys(s.t, "/proc/sys/net/ipv6/conf/"+name+"/accept_dad", "0") }
	noDAD(name)
	s.do(func() { noDAD("eth0") })
	linkUp(s.t, netlink.LinkByName, netlink.LinkSetUp, name)
	linkUp(s.t, s.links.LinkByName, s.links.LinkSetUp, "eth0")
	carries(s.t, netlink.LinkByName, name)
	carries(s.t, s.links.LinkByName, "eth0")
}

// carries waits until a link that is up passes packets; until then it drops them.
func carries(t *testing.T, find func(string) (netlink.Link, error), name string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		link, err := find(name)
		if err != nil {
			t.Fatal(err)
		}
		if link.Attrs().OperState == netlink.OperUp {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not come up: %v", name, link.Attrs().OperState)
		}
	}
}

func writeSys(t *testing.T, path, value string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
		t.Fatal(err)
	}
}

// address gives addresses to an interface: of the box when s is nil.
func (s *space) address(name string, texts ...string) {
	s.t.Helper()
	giveAddresses(s.t, s.links, name, texts...)
}

func giveAddresses(t *testing.T, links *netlink.Handle, name string, texts ...string) {
	t.Helper()
	link, err := links.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		addr, err := netlink.ParseAddr(text)
		if err != nil {
			t.Fatal(err)
		}
		addr.Flags = syscall.IFA_F_NODAD
		if err := links.AddrAdd(link, addr); err != nil {
			t.Fatalf("address %s on %s: %v", text, name, err)
		}
		answersTo(t, links, addr.IP)
	}
}

// answersTo waits until the kernel takes packets to an address for its own; IPv6 gets there a little later.
func answersTo(t *testing.T, links *netlink.Handle, ip net.IP) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		routes, err := links.RouteGet(ip)
		if err == nil && len(routes) > 0 && routes[0].Type == syscall.RTN_LOCAL {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%v is not local: %v, %v", ip, routes, err)
		}
	}
}
