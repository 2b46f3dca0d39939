package edge

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/sys/unix"

	"tollgate/firmware/access"
	"tollgate/firmware/datagram"
	"tollgate/firmware/policy"
)

// udpBuffer is how many bytes the kernel may hold for a UDP socket in each direction: a second of the busiest box.
const udpBuffer = 4 << 20

// udpSocket is one UDP listener. Requests of the box leave from it too.
type udpSocket struct {
	edge   *Edge
	conn   *net.UDPConn
	raw    syscall.RawConn
	local  netip.AddrPort
	shared atomic.Pointer[sharing]
	owners owners
	sends  sync.Pool // of *sending
	ended  chan struct{}
	work   work

	questions questions // of STUN
}

func newUDPSocket(e *Edge, pc net.PacketConn, sh *sharing) (*udpSocket, error) {
	conn := pc.(*net.UDPConn)
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("reach the socket: %w", err)
	}
	s := &udpSocket{edge: e, conn: conn, raw: raw, ended: make(chan struct{}), work: work{made: time.Now()}}
	s.sends.New = func() any { return newSending() }
	s.local = unmapped(conn.LocalAddr().(*net.UDPAddr).AddrPort())
	s.shared.Store(sh)
	raw.Control(func(fd uintptr) { enlarge(int(fd)) }) // fails only when the socket is closed
	return s, nil
}

// enlarge asks for more than the system's limit, which takes CAP_NET_ADMIN, and else for what the limit allows.
func enlarge(fd int) {
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], udpBuffer) != nil {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], udpBuffer)
		}
	}
}

// serve reads until close. An error of reading ends nothing: on UDP it concerns one datagram at most.
func (s *udpSocket) serve() {
	buf := make([]byte, maxMessage+1)
	var pause backOff
	var n int
	var from datagram.Name
	var errno unix.Errno
	look := func(fd uintptr) bool {
		n, errno = datagram.Socket(fd).Receive(buf, &from)
		return errno != unix.EAGAIN
	}
	for {
		switch err := s.raw.Read(look); {
		case err != nil:
			return // closed
		case errno != 0:
			s.edge.log.Warn("cannot read from the socket", "local", s.local, "err", errno)
			if !pause.wait(s.ended) {
				return
			}
		default:
			pause.reset()
			s.work.begin()
			s.datagram(buf[:min(n, len(buf))], unmapped(from.AddrPort()))
			s.work.end()
		}
	}
}

// datagram handles what came from one source.
func (s *udpSocket) datagram(b []byte, from netip.AddrPort) {
	if keepAlive(b) || s.questions.take(b, from) {
		return
	}
	side, _ := s.shared.Load().side(from.Addr())
	source := access.Source{Side: side, Transport: policy.UDP, Addr: from}
	if !s.edge.known(source, &s.owners) {
		s.edge.unknown(source, b)
		return
	}
	shape, size := inspectDatagram(b)
	c := s.to(side, from, "")
	c.heard = len(b)
	s.edge.receive(c, b[:size], shape)
}

// to is the way from this socket to a peer.
func (s *udpSocket) to(side policy.Side, remote netip.AddrPort, owner string) *Conn {
	return &Conn{link: s, side: side, transport: policy.UDP, local: s.local, remote: remote, dialled: owner, owners: &s.owners}
}

// keepAlive is what peers send to keep a NAT open: empty lines (RFC 5626 §3.5.1 has them on streams, many send them on
// UDP) or zeroes.
func keepAlive(b []byte) bool {
	if len(b) > 4 {
		return false
	}
	for _, c := range b {
		if c != '\r' && c != '\n' && c != 0 {
			return false
		}
	}
	return true
}

func (s *udpSocket) send(m sip.Message, to netip.AddrPort) error {
	d := s.sends.Get().(*sending)
	defer s.sends.Put(d)
	d.text.b = d.text.b[:0]
	if err := d.text.message(m, false); err != nil {
		return err
	}
	return s.put(d, d.text.b, to)
}

// sending is one datagram on its way. It is used again and again, because what a system call looks at is allocated.
type sending struct {
	text  text
	b     []byte
	name  datagram.Name
	errno unix.Errno
	write func(fd uintptr) bool
}

func newSending() *sending {
	d := &sending{}
	d.write = func(fd uintptr) bool {
		d.errno = datagram.Socket(fd).Send(d.b, &d.name)
		return true
	}
	return d
}

// sendRaw sends one datagram without waiting. When the socket's buffer is full, because an absent host keeps it full,
// the datagram is lost like any other on its way, and the sender's transaction sends it again.
func (s *udpSocket) sendRaw(b []byte, to netip.AddrPort) error {
	d := s.sends.Get().(*sending)
	defer s.sends.Put(d)
	return s.put(d, b, to)
}

func (s *udpSocket) put(d *sending, b []byte, to netip.AddrPort) error {
	d.b, d.name = b, s.name(to)
	closed := s.raw.Write(d.write)
	d.b = nil
	switch {
	case closed != nil:
		return fmt.Errorf("send to %s: %w", to, net.ErrClosed)
	case d.errno == unix.EAGAIN || d.errno == unix.ENOBUFS:
		s.edge.log.Debug("datagram lost: the socket is full", "to", to)
	case d.errno != 0:
		return fmt.Errorf("send to %s: %w", to, d.errno)
	}
	return nil
}

// name is an address in the family of the socket.
func (s *udpSocket) name(to netip.AddrPort) datagram.Name {
	if !s.local.Addr().Is4() {
		to = netip.AddrPortFrom(netip.AddrFrom16(to.Addr().As16()), to.Port())
	}
	return datagram.NameOf(to)
}

func (s *udpSocket) share(sh *sharing) {
	s.shared.Store(sh)
	s.owners.forget()
}

func (s *udpSocket) close() {
	close(s.ended)
	s.conn.Close()
}

func (s *udpSocket) address() netip.AddrPort     { return s.local }
func (s *udpSocket) sharing() *sharing           { return s.shared.Load() }
func (s *udpSocket) finish()                     {} // the socket is the listener's
func (s *udpSocket) done() <-chan struct{}       { return s.ended }
func (s *udpSocket) state() *tls.ConnectionState { return nil }

// backOff waits longer each time, up to a second.
type backOff struct{ next time.Duration }

// wait returns false when stop was closed meanwhile.
func (b *backOff) wait(stop <-chan struct{}) bool {
	b.next = min(max(2*b.next, 5*time.Millisecond), time.Second)
	t := time.NewTimer(b.next)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-stop:
		return false
	}
}

func (b *backOff) reset() { b.next = 0 }
