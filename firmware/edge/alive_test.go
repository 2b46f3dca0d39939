package edge

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"tollgate/firmware/policy"
	"tollgate/firmware/stun"
)

// pinged dials a TCP peer and returns both ends.
func pinged(t *testing.T, l Limits) (*Conn, net.Conn) {
	t.Helper()
	b := newBench(t, func(o *Options) { o.Limits = l })
	far, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	c, err := b.Dial(withTimeout(t), Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.TCP, Addr: far.Addr().(*net.TCPAddr).AddrPort()})
	if err != nil {
		t.Fatal(err)
	}
	end, err := far.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end.Close() })
	return c, end
}

// hearPing waits for a ping.
func hearPing(t *testing.T, end net.Conn) {
	t.Helper()
	end.SetReadDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, len(ping))
	if _, err := end.Read(b); err != nil || string(b) != ping {
		t.Fatalf("got %q, %v; want a ping", b, err)
	}
}

// ended tells whether a connection ends within d.
func ended(c *Conn, d time.Duration) bool {
	select {
	case <-c.Done():
		return true
	case <-time.After(d):
		return false
	}
}

func TestAConnectionWhosePeerStopsAnsweringPingsIsGivenUp(t *testing.T) {
	c, end := pinged(t, Limits{Ping: 100 * time.Millisecond, Pong: 50 * time.Millisecond})
	hearPing(t, end)
	end.Write([]byte("\r\n"))
	hearPing(t, end) // not answered
	if !ended(c, 5*time.Second) {
		t.Error("the connection lives on")
	}
}

func TestAPeerThatNeverAnsweredPingsNeedNot(t *testing.T) {
	c, end := pinged(t, Limits{Ping: 30 * time.Millisecond, Pong: 10 * time.Millisecond})
	for range 3 {
		hearPing(t, end)
		end.Write([]byte(ping)) // a ping of its own is no answer
	}
	if ended(c, 100*time.Millisecond) {
		t.Error("the connection was given up")
	}
}

func TestAPeerThatAnswersPingsKeepsItsConnection(t *testing.T) {
	c, end := pinged(t, Limits{Ping: 40 * time.Millisecond, Pong: 30 * time.Millisecond})
	for range 4 {
		hearPing(t, end)
		end.Write([]byte("\r\n"))
	}
	if ended(c, 10*time.Millisecond) {
		t.Error("the connection was given up")
	}
}

func TestAKeepAliveGoesOutAtOnce(t *testing.T) {
	c, end := pinged(t, Limits{})
	if err := c.KeepAlive(); err != nil {
		t.Fatal(err)
	}
	hearPing(t, end)

	b := newBench(t)
	b.listen(t, Listener{Side: policy.SideOutside, Transport: policy.UDP, Addr: loopback(policy.UDP)})
	far := listenUDP(t)
	u, err := b.Dial(withTimeout(t), Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.UDP, Addr: addrOf(far)})
	if err != nil {
		t.Fatal(err)
	}
	if err := u.KeepAlive(); err != nil {
		t.Fatal(err)
	}
	if got, _ := receive(t, far); string(got) != ping {
		t.Errorf("got %q over UDP", got)
	}
}

func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	far, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback(policy.UDP)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return far
}

func addrOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

func receive(t *testing.T, c *net.UDPConn) ([]byte, netip.AddrPort) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 2048)
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n], from
}

// success is a server's answer that names an address, here without disguise.
func success(request []byte, a netip.AddrPort) []byte {
	b := append([]byte{1, 1, 0, 12}, request[4:20]...)
	ip := a.Addr().As4()
	return append(append(b, 0, 1, 0, 8, 0, 1, byte(a.Port()>>8), byte(a.Port())), ip[:]...)
}

func TestAnSTUNServerIsAskedFromThePortThatSIPLeavesFrom(t *testing.T) {
	b := newBench(t)
	own := b.listen(t, Listener{Side: policy.SideOutside, Transport: policy.UDP, Addr: loopback(policy.UDP)})[policy.UDP]
	server, stranger := listenUDP(t), listenUDP(t)
	want := netip.MustParseAddrPort("203.0.113.5:40001")
	go func() {
		if _, from := receive(t, server); from != own { // the first is lost
			t.Errorf("asked from %v, want %v", from, own)
		}
		again, _ := receive(t, server)
		other := append([]byte(nil), again...)
		other[19]++
		server.WriteToUDPAddrPort(success(other, netip.MustParseAddrPort("198.51.100.66:1")), own)   // to another request
		stranger.WriteToUDPAddrPort(success(again, netip.MustParseAddrPort("198.51.100.66:1")), own) // from another server
		server.WriteToUDPAddrPort(success(again, want), own)
	}()
	got, err := b.Mapped(withTimeout(t), policy.SideOutside, addrOf(server))
	if err != nil || got != want {
		t.Errorf("mapped to %v, %v; want %v", got, err, want)
	}
	if _, ok := stun.Answers(success(stun.Request(stun.ID{}), want)); !ok {
		t.Error("the test's own answer is none")
	}
}
