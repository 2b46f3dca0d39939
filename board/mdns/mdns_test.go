package mdns

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"

	"tollgate/scripts/lab/alone"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// office makes a cable from lan0, the box's port, to wan0 with a host on it. Both ends are in one namespace, where the host
// has to be told to believe an address that is the machine's own.
func office(t *testing.T) {
	t.Helper()
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, PeerName: "wan0"}))
	for name, addr := range map[string]string{"lan0": "192.0.2.10/24", "wan0": "192.0.2.20/24"} {
		l, err := netlink.LinkByName(name)
		must(t, err)
		a, err := netlink.ParseAddr(addr)
		must(t, err)
		must(t, netlink.AddrAdd(l, a))
		must(t, netlink.LinkSetUp(l))
		for key, value := range map[string]string{"accept_local": "1", "rp_filter": "0"} {
			must(t, os.WriteFile("/proc/sys/net/ipv4/conf/"+name+"/"+key, []byte(value), 0))
		}
	}
	must(t, os.WriteFile("/proc/sys/net/ipv4/conf/all/rp_filter", []byte("0"), 0))
}

// host is a machine of the office that speaks multicast DNS through the system's own sockets.
type host struct {
	t     *testing.T
	hears *net.UDPConn // all that is said to everybody
	says  *net.UDPConn // from port 5353, or another one
}

func newHost(t *testing.T) *host {
	t.Helper()
	at, err := net.InterfaceByName("wan0")
	must(t, err)
	hears, err := net.ListenMulticastUDP("udp4", at, net.UDPAddrFromAddrPort(group))
	must(t, err)
	says, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 20)})
	must(t, err)
	raw, err := says.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) {
		must(t, syscall.SetsockoptInet4Addr(int(fd), syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, [4]byte{192, 0, 2, 20}))
	}))
	t.Cleanup(func() { hears.Close(); says.Close() })
	return &host{t: t, hears: hears, says: says}
}

func (h *host) say(m *dns.Msg) {
	h.t.Helper()
	text, err := m.Pack()
	must(h.t, err)
	_, err = h.says.WriteTo(text, net.UDPAddrFromAddrPort(group))
	must(h.t, err)
}

// next is the next message that fits, from one of the sockets.
func (h *host) next(on *net.UDPConn, what string, fits func(*dns.Msg) bool) (*dns.Msg, netip.AddrPort) {
	h.t.Helper()
	b := make([]byte, 9000)
	must(h.t, on.SetReadDeadline(time.Now().Add(10*time.Second)))
	for {
		n, from, err := on.ReadFromUDPAddrPort(b)
		if err != nil {
			h.t.Fatalf("%s: %v", what, err)
		}
		m := &dns.Msg{}
		if from.Addr() != netip.MustParseAddr("192.0.2.20") && m.Unpack(b[:n]) == nil && fits(m) {
			return m, from
		}
	}
}

func announces(name string, ttl uint32) func(*dns.Msg) bool {
	return func(m *dns.Msg) bool {
		return m.Response && len(m.Answer) > 0 && m.Answer[0].Header().Name == name && m.Answer[0].Header().Ttl == ttl
	}
}

func TestAHostFindsTheBoxByItsName(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	office(t)
	h := newHost(t)
	r := &Responder{Log: slog.New(slog.DiscardHandler)}
	c := Config{
		Interface: "lan0", Own: []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")},
		Asking: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Names: []string{"tollgate.local", "tollgate-b7.local"},
	}
	r.Set(c)
	r.Set(c)
	for range probes {
		h.next(h.hears, "a probe", func(m *dns.Msg) bool { return !m.Response && len(m.Ns) == 2 && m.Question[0].Name == "tollgate.local." })
	}
	m, from := h.next(h.hears, "an announcement", announces("tollgate.local.", lifetime))
	if from.String() != "192.0.2.10:5353" || len(m.Answer) != 2 || m.Answer[0].Header().Class != dns.ClassINET|flush || addressOf(m.Answer[1]) != c.Own[1] {
		t.Errorf("announced from %v:\n%v", from, m)
	}

	// As any resolver asks, which knows nothing of multicast DNS.
	q := new(dns.Msg).SetQuestion("Tollgate.local.", dns.TypeA)
	h.say(q)
	m, from = h.next(h.says, "the answer to an ordinary question", func(m *dns.Msg) bool { return m.Response })
	if m.Id != q.Id || len(m.Question) != 1 || len(m.Answer) != 1 || addressOf(m.Answer[0]) != c.Own[0] || m.Answer[0].Header().Class != dns.ClassINET || from.Addr() != c.Own[0] {
		t.Errorf("answered from %v:\n%v", from, m)
	}

	// Somebody else says that it has the name: it is probed for again, and given up when that one insists.
	other := announcement("tollgate.local.", []netip.Addr{netip.MustParseAddr("192.0.2.20")}, lifetime)
	h.say(other)
	h.next(h.hears, "a probe once more", func(m *dns.Msg) bool { return !m.Response && len(m.Ns) == 2 })
	h.say(other)
	h.next(h.hears, "another name", announces("tollgate-b7.local.", lifetime))
	for end := time.Now().Add(5 * time.Second); r.Name() != "tollgate-b7.local" && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	if r.Name() != "tollgate-b7.local" {
		t.Errorf("the box is called %q", r.Name())
	}
	r.Set(Config{})
	h.next(h.hears, "a goodbye", announces("tollgate-b7.local.", 0))
	if r.Name() != "" {
		t.Errorf("without a name the box is called %q", r.Name())
	}
}
