package edge

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/policy"
)

// markOf is the octet of the IPv4 header, or of IPv6, that a socket sends with.
func markOf(t *testing.T, c syscall.Conn, level, option int) (octet int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fault error
	if err := raw.Control(func(fd uintptr) { octet, fault = unix.GetsockoptInt(int(fd), level, option) }); err != nil || fault != nil {
		t.Fatal(err, fault)
	}
	return octet
}

// streamMarks are those of all connections, made and accepted, and of the listeners for them.
func (b *bench) streamMarks(t *testing.T) (marks []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.streams {
		marks = append(marks, markOf(t, s.tcp, unix.IPPROTO_IP, unix.IP_TOS))
	}
	for _, s := range b.sockets {
		if l, ok := s.(*listener); ok {
			marks = append(marks, markOf(t, l.net.(*net.TCPListener), unix.IPPROTO_IP, unix.IP_TOS))
		}
	}
	return marks
}

func TestDatagramsArriveMarkedAsThePolicySays(t *testing.T) {
	for _, c := range []struct {
		addr          string
		level, option int
	}{{"127.0.0.1", unix.IPPROTO_IP, unix.IP_RECVTOS}, {"::1", unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS}} {
		b := newBench(t)
		here := netip.AddrPortFrom(netip.MustParseAddr(c.addr), 0)
		far, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(here))
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		raw, err := far.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), c.level, c.option, 1) })
		if err != nil {
			t.Fatal(err)
		}
		for _, dscp := range []uint8{24, 26, 0} { // the socket stays, its mark changes
			config := Config{Listeners: []Listener{{Side: policy.SideInside, Transport: policy.UDP, Addr: here}}, DSCP: dscp}
			if err := b.Set(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			conn, err := b.Dial(t.Context(), Target{Owner: policy.PeerPBX, Side: policy.SideInside, Transport: policy.UDP, Addr: far.LocalAddr().(*net.UDPAddr).AddrPort()})
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.link.sendRaw([]byte("hello"), conn.remote); err != nil {
				t.Fatal(err)
			}
			far.SetReadDeadline(time.Now().Add(5 * time.Second))
			text, control := make([]byte, 100), make([]byte, 100)
			_, n, _, _, err := far.ReadMsgUDP(text, control)
			if err != nil {
				t.Fatal(err)
			}
			m, err := unix.ParseSocketControlMessage(control[:n])
			if err != nil || len(m) != 1 || m[0].Data[0] != dscp<<2 {
				t.Errorf("%s: marked %v (%v), want DSCP %d", c.addr, m, err, dscp)
			}
		}
	}
}

func TestConnectionsAreMarkedWhoeverMadeThem(t *testing.T) {
	b := newBench(t)
	config := Config{Listeners: []Listener{inside(policy.TCP, nil)}, DSCP: 24}
	if err := b.Set(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	p := connect(t, policy.TCP, b.Listening()[0].Addr, nil)
	p.say(p.request("OPTIONS", 1))
	b.next(t)
	far := newFarEnd(t, policy.TCP, nil)
	if _, err := b.Dial(t.Context(), Target{Owner: policy.PeerPBX, Side: policy.SideInside, Transport: policy.TCP, Addr: far.addr}); err != nil {
		t.Fatal(err)
	}
	for _, dscp := range []uint8{24, 26} {
		config.DSCP = dscp
		if err := b.Set(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		marks := b.streamMarks(t)
		if len(marks) != 3 {
			t.Fatalf("%d sockets of TCP, want a listener and two connections", len(marks))
		}
		for _, got := range marks {
			if got != int(dscp)<<2 {
				t.Errorf("marked %d, want DSCP %d", got>>2, dscp)
			}
		}
	}
}
