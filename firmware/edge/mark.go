package edge

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// What the box sends is marked for the routers on its way (DSCP, RFC 2474): listeners, whose answers to connections are
// sent by the kernel, connections of either direction, and connections that are being made, from the first packet on.

// mark sets the DSCP of what a socket sends. A socket that is closed meanwhile sends nothing.
func mark(c syscall.Conn, dscp uint8) {
	if raw, err := c.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { markFile(fd, dscp) })
	}
}

// markFile sets the upper six bits of the octet of either family (RFC 2474 §3); the other family's option fails.
func markFile(fd uintptr, dscp uint8) {
	unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TOS, int(dscp)<<2)
	unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_TCLASS, int(dscp)<<2)
}

// marking marks a connection that is being made.
func (e *Edge) marking(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { markFile(fd, uint8(e.dscp.Load())) })
}

// remark marks everything that is open. e.mu is held.
func (e *Edge) remark(dscp uint8) {
	e.dscp.Store(uint32(dscp))
	for _, s := range e.sockets {
		s.mark(dscp)
	}
	for s := range e.streams {
		mark(s.tcp, dscp)
	}
}

func (s *udpSocket) mark(dscp uint8) { mark(s.conn, dscp) }

func (l *listener) mark(dscp uint8) {
	if c, ok := l.net.(syscall.Conn); ok {
		mark(c, dscp)
	}
}
