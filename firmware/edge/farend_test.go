package edge

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// farEnd is a SIP server that the box dials.
type farEnd struct {
	addr  netip.AddrPort
	udp   *net.UDPConn
	conns chan *peer // accepted streams
	last  *peer
}

func newFarEnd(t *testing.T, tr policy.Transport, config *tls.Config) *farEnd {
	t.Helper()
	f := &farEnd{conns: make(chan *peer, 100)}
	if tr == policy.UDP {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		f.udp, f.addr = c, unmapped(c.LocalAddr().(*net.UDPAddr).AddrPort())
		return f
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f.addr = unmapped(l.Addr().(*net.TCPAddr).AddrPort())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if tr == policy.TLSTransport {
				s := tls.Server(c, config)
				go s.Handshake()
				c = s
			}
			f.conns <- newPeer(t, c)
		}
	}()
	return f
}

// accepted waits for the box to connect.
func (f *farEnd) accepted(t *testing.T) *peer {
	t.Helper()
	select {
	case p := <-f.conns:
		return p
	case <-time.After(5 * time.Second):
		t.Fatal("the box did not connect")
		return nil
	}
}

// answer reads a request and answers it.
func (f *farEnd) answer(t *testing.T, status int) {
	t.Helper()
	if f.udp != nil {
		b := make([]byte, 65536)
		f.udp.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, from, err := f.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.udp.WriteToUDPAddrPort([]byte(responseText(string(b[:n]), status)), from); err != nil {
			t.Fatal(err)
		}
		return
	}
	if f.last == nil {
		f.last = f.accepted(t)
	}
	f.last.say(responseText(f.last.hear(), status))
}

// responseText answers a request in the plainest way.
func responseText(req string, status int) string {
	l := []string{fmt.Sprintf("SIP/2.0 %d Status", status)}
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		l = append(l, name+": "+headerOf(req, name))
	}
	return strings.Join(append(l, "Content-Length: 0", "", ""), "\r\n")
}
