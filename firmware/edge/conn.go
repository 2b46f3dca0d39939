package edge

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/policy"
)

// Conn is the way to one peer: a stream, or an address reached from a UDP socket. It is a sip.Connection, so that sipgo's
// transactions run on it. It is safe for concurrent use.
type Conn struct {
	link      link
	side      policy.Side
	transport policy.Transport
	local     netip.AddrPort
	remote    netip.AddrPort
	dialled   string
	owners    *owners        // peers seen at this socket
	answerTo  netip.AddrPort // with UDP: where responses go
	heard     int            // with UDP: how many bytes the datagram has that is being answered
}

var _ sip.Connection = (*Conn)(nil)

// link is what moves the bytes of a Conn.
type link interface {
	send(m sip.Message, to netip.AddrPort) error
	sendRaw(b []byte, to netip.AddrPort) error
	keepAlive(to netip.AddrPort) error
	finish()
	done() <-chan struct{}
	state() *tls.ConnectionState
}

// Side is the side of the border that the peer is on.
func (c *Conn) Side() policy.Side { return c.side }

// Transport is the transport in use.
func (c *Conn) Transport() policy.Transport { return c.transport }

// Local is the box's address.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Remote is the peer's address.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

// Dialled is the owner for whom the box made this connection, or "" when the peer did.
func (c *Conn) Dialled() string { return c.dialled }

// TLS is the state of the connection with the peer's certificates, or nil without TLS.
func (c *Conn) TLS() *tls.ConnectionState { return c.link.state() }

// Done is closed when the connection has ended, with UDP when its socket has.
func (c *Conn) Done() <-chan struct{} { return c.link.done() }

// LocalAddr is Local in the form that sipgo wants.
func (c *Conn) LocalAddr() net.Addr {
	if c.transport.Stream() {
		return net.TCPAddrFromAddrPort(c.local)
	}
	return net.UDPAddrFromAddrPort(c.local)
}

// WriteMsg sends m to the peer, whatever its Destination says. It does not wait for the peer: on a stream it queues, and
// a peer that has left too much unread loses the connection. On a stream a missing Content-Length is added. Messages may
// have up to 65,000 bytes; over UDP those larger than a packet are fragmented by the kernel.
func (c *Conn) WriteMsg(m sip.Message) error {
	to := c.remote
	if _, response := m.(*sip.Response); response && c.answerTo.IsValid() {
		to = c.answerTo
	}
	return c.link.send(m, to)
}

// Ref does nothing: transactions share connections, and none of them keeps one open.
func (c *Conn) Ref(int) int { return 1 }

// TryClose does nothing, for the same reason. A connection ends by Close, by the peer, or by a limit.
func (c *Conn) TryClose() (int, error) { return 1, nil }

// Close ends a stream once what is queued was sent. With UDP it does nothing.
func (c *Conn) Close() error {
	c.link.finish()
	return nil
}

// String names the connection for logs.
func (c *Conn) String() string {
	return string(c.side) + " " + string(c.transport) + " " + c.remote.String()
}

func (c *Conn) source() access.Source {
	return access.Source{Side: c.side, Transport: c.transport, Addr: c.remote, Dialled: c.dialled}
}

// network is the transport as sipgo and Via spell it.
func (c *Conn) network() string { return strings.ToUpper(string(c.transport)) }
