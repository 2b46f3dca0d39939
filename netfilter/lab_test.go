package netfilter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// patience is how long something that must happen may take on a busy machine.
const patience = 5 * time.Second

// lab is a box - the test's own namespace - with a filter in force and neighbours on its ports.
type lab struct {
	t       *testing.T
	filter  *Filter
	office  *space // on lan0
	carrier *space // on wan0; with one port, everybody on eth0
	lan     *sender
	wan     *sender
}

// twoPortLab has the office on lan0 and the carriers behind their gateway on wan0.
func twoPortLab(t *testing.T, c Config) *lab {
	t.Helper()
	l := twoPortLabWithout(t)
	l.open(c)
	return l
}

// twoPortLabWithout has no filter yet.
func twoPortLabWithout(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, office: newSpace(t), carrier: newSpace(t)}
	l.office.cable("lan0")
	l.office.address("eth0", "192.0.2.10/24", "192.0.2.50/24", "192.0.2.200/24", "2001:db8:1::10/64", "2001:db8:1::50/64")
	l.carrier.cable("wan0")
	l.carrier.address("eth0", "198.51.100.1/24", "203.0.113.5/32", "203.0.113.6/32", "203.0.113.99/32", "203.0.113.130/32",
		"2001:db8:2::1/64", "2001:db8:c::5/128", "2001:db8:bad::1/128")
	l.address("lan0", "192.0.2.1/24", "2001:db8:1::1/64")
	l.address("wan0", "198.51.100.2/24", "2001:db8:2::2/64")
	l.route("198.51.100.1", "2001:db8:2::1")
	l.lan, l.wan = l.office.sender("lan0"), l.carrier.sender("wan0")
	return l
}

// onePortLab has the office, the router and all that is behind it on eth0.
func onePortLab(t *testing.T, c Config) *lab {
	t.Helper()
	l := &lab{t: t, carrier: newSpace(t)}
	l.office = l.carrier
	l.carrier.cable("eth0")
	l.carrier.address("eth0", "192.0.2.1/24", "192.0.2.10/24", "192.0.2.50/24", "203.0.113.5/32", "198.51.100.99/32")
	l.address("eth0", "192.0.2.2/24")
	l.route("192.0.2.1")
	l.wan = l.carrier.sender("eth0")
	l.lan = l.wan
	l.open(c)
	return l
}

func (l *lab) open(c Config) {
	l.t.Helper()
	var err error
	if l.filter, err = Open(Options{}); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = l.filter.Close() })
	l.set(c)
}

func (l *lab) set(c Config) {
	l.t.Helper()
	if err := l.filter.Set(context.Background(), c); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) address(name string, texts ...string) {
	l.t.Helper()
	links, err := netlink.NewHandle()
	if err != nil {
		l.t.Fatal(err)
	}
	defer links.Close()
	giveAddresses(l.t, links, name, texts...)
}

func (l *lab) route(gateways ...string) {
	l.t.Helper()
	for _, g := range gateways {
		if err := netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(g)}); err != nil {
			l.t.Fatal(err)
		}
	}
}

// counts reads all counters by name.
func (l *lab) counts() map[string]uint64 {
	l.t.Helper()
	counters, err := l.filter.Counters()
	if err != nil {
		l.t.Fatal(err)
	}
	byName := make(map[string]uint64, len(counters))
	for _, c := range counters {
		byName[c.Name] = c.Packets
	}
	return byName
}

// noise are the counters that rise by themselves: IPv6 hosts announce themselves.
func noise(name string) bool {
	return name == "neighbours" || strings.HasSuffix(name, "_broadcast")
}

// counted does something and requires that these counters rise by so much, and no other.
func (l *lab) counted(want map[string]uint64, do func()) {
	l.t.Helper()
	before := l.counts()
	do()
	var diff string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if diff = rises(before, l.counts(), want); diff == "" {
			return
		}
	}
	l.t.Errorf("counters:%s", diff)
}

func rises(before, after, want map[string]uint64) string {
	var b strings.Builder
	for name, n := range after {
		rise, wanted := n-before[name], want[name]
		if rise < wanted || rise > wanted && !noise(name) {
			fmt.Fprintf(&b, "\n  %s rose by %d, want %d", name, rise, wanted)
		}
	}
	for name := range want {
		if _, ok := after[name]; !ok {
			fmt.Fprintf(&b, "\n  %s does not exist", name)
		}
	}
	return b.String()
}

// receiver is a UDP socket of the box.
type receiver struct {
	t    *testing.T
	conn *net.UDPConn
}

func (l *lab) receiver(local string) *receiver {
	l.t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(local)))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = conn.Close() })
	return &receiver{l.t, conn}
}

// deep lets so much wait for a reader who is kept from reading, on a busy machine, that nothing of a test's is lost.
func (r *receiver) deep() *receiver {
	r.t.Helper()
	raw, err := r.conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 256<<20); err != nil {
				r.t.Error(err)
			}
		})
	}
	if err != nil {
		r.t.Error(err)
	}
	return r
}

// theEnd is the last that a sender sends to a receiver.
var theEnd = []byte("SIP/the end")

// all returns what arrives before the end, or until nothing comes any more.
func (r *receiver) all() []byte {
	var all []byte
	b := make([]byte, 2048)
	for {
		_ = r.conn.SetReadDeadline(time.Now().Add(patience))
		n, err := r.conn.Read(b)
		if err != nil || bytes.Equal(b[:n], theEnd) {
			return all
		}
		all = append(all, b[:n]...)
	}
}

// gets requires that a datagram with this payload is the next to arrive.
func (r *receiver) gets(payload string) {
	r.t.Helper()
	_ = r.conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 65536)
	n, _, err := r.conn.ReadFromUDPAddrPort(b)
	if err != nil {
		r.t.Errorf("%v got nothing: %v", r.conn.LocalAddr(), err)
		return
	}
	if string(b[:n]) != payload {
		r.t.Errorf("%v got %d bytes %.40q, want %.40q", r.conn.LocalAddr(), n, b[:n], payload)
	}
}

// isEmpty requires that nothing else arrived. The counters have told by then that it was dropped.
func (r *receiver) isEmpty() {
	r.t.Helper()
	_ = r.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	b := make([]byte, 2048)
	n, from, err := r.conn.ReadFromUDPAddrPort(b)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		r.t.Errorf("%v got %q from %v, %v; want nothing", r.conn.LocalAddr(), b[:n], from, err)
	}
}

// accepts listens on TCP at the box and closes what comes in.
func (l *lab) accepts(local string) {
	l.t.Helper()
	listen(l.t, local)
}

func listen(t *testing.T, local string) {
	t.Helper()
	ln, err := net.Listen("tcp", local)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
}

// connects requires that a TCP connection from local, in the space, is accepted by remote and that both can talk.
func (s *space) connects(local, remote string) {
	s.t.Helper()
	var conn net.Conn
	var err error
	s.do(func() { conn, err = dialFrom(local, remote) })
	talk(s.t, conn, err)
}

func dialFrom(local, remote string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	return d.Dial("tcp", remote)
}

// talk waits for the listener's end of the conversation.
func talk(t *testing.T, conn net.Conn, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("connection refused or lost: %v", err)
		return
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d, %v; want the other end to close", n, err)
	}
}

// nft runs Debian's nft, which the tests compare with.
func nft(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("nft")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs nft, and CI has it")
		}
		t.Skip("needs nft (Debian package nftables)")
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft %v: %v\n%s", args, err, out)
	}
	return string(out)
}
