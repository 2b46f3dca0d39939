package datagram

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDatagramsGoAndComeWithTheirAddress(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			peer := listen(t, address)
			conn := listen(t, address)
			raw, err := conn.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			to := NameOf(addrOf(peer))
			raw.Control(func(fd uintptr) {
				if errno := Socket(fd).Send([]byte("question"), &to); errno != 0 {
					t.Error(errno)
				}
			})
			b := make([]byte, 64)
			n, from, err := peer.ReadFromUDPAddrPort(b)
			if err != nil || string(b[:n]) != "question" || from != addrOf(conn) {
				t.Fatalf("got %q from %v: %v", b[:n], from, err)
			}
			if _, err := peer.WriteToUDPAddrPort([]byte("a long answer"), from); err != nil {
				t.Fatal(err)
			}
			var source Name
			var errno unix.Errno
			small := make([]byte, 6)
			raw.Read(func(fd uintptr) bool {
				n, errno = Socket(fd).Receive(small, &source)
				return errno != unix.EAGAIN
			})
			if errno != 0 || n != len("a long answer") || string(small) != "a long" || source.AddrPort() != addrOf(peer) {
				t.Errorf("got %d bytes, %q, from %v: %v", n, small, source.AddrPort(), errno)
			}
		})
	}
}

func TestAnAddressIsTheSameAfterwards(t *testing.T) {
	for _, s := range []string{"192.0.2.1:5060", "[2001:db8::1]:5060", "[::ffff:192.0.2.1]:1", "0.0.0.0:0"} {
		a := netip.MustParseAddrPort(s)
		if n := NameOf(a); !n.IsValid() || n.AddrPort() != a {
			t.Errorf("%v became %v", a, n.AddrPort())
		}
	}
	if n := NameOf(netip.AddrPort{}); n.IsValid() || n.AddrPort().IsValid() {
		t.Error("no address became one")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	conn := listen(t, "127.0.0.1:0")
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	to, b := NameOf(addrOf(conn)), make([]byte, 64)
	var from Name
	raw.Control(func(fd uintptr) {
		s := Socket(fd)
		if n := testing.AllocsPerRun(100, func() { s.Send(b, &to); s.Receive(b, &from) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
	if from.AddrPort() != addrOf(conn) {
		t.Errorf("from %v", from.AddrPort())
	}
}

func listen(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func addrOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }
