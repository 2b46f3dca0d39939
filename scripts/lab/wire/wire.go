// Package wire speaks SIP as plain text from a machine of a lab, over UDP, TCP and TLS and both families, for what no
// ready-made peer can be made to say: malformed messages, and calls whose every byte a test decides.
//
// It leaves the messages to its callers and the machines to lab.
package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"tollgate/scripts/lab"
)

// Line is a way to one peer: a connection, or a UDP socket and an address.
type Line struct {
	Local netip.AddrPort

	conn   net.Conn       // a stream
	packet net.PacketConn // else
	remote net.Addr       // of packet; nil until something has come
	reader *bufio.Reader
}

// Dial opens a line from a host to the box. With UDP local is the socket's address; with streams only its IP counts.
func Dial(ctx context.Context, h *lab.Host, transport string, local, to netip.AddrPort) (*Line, error) {
	if transport == "udp" {
		l, err := hear(h, local)
		if err == nil {
			l.remote = net.UDPAddrFromAddrPort(to)
		}
		return l, err
	}
	c, err := h.DialFrom(ctx, netip.AddrPortFrom(local.Addr(), 0), to.String())
	if err != nil {
		return nil, err
	}
	if transport == "tls" {
		t := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // the box's name is not what is tried here
		if err := t.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, fmt.Errorf("TLS handshake with %s: %w", to, err)
		}
		c = t
	}
	return stream(c), nil
}

// hear opens a UDP socket. A program that is being started elsewhere may hold the one before for a moment: it has been
// forked and has not closed what it does not need.
func hear(h *lab.Host, local netip.AddrPort) (*Line, error) {
	p, err := h.ListenPacket(local.String())
	for range 50 {
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		time.Sleep(20 * time.Millisecond)
		p, err = h.ListenPacket(local.String())
	}
	if err != nil {
		return nil, err
	}
	return &Line{Local: p.LocalAddr().(*net.UDPAddr).AddrPort(), packet: p}, nil
}

func stream(c net.Conn) *Line {
	return &Line{Local: c.LocalAddr().(*net.TCPAddr).AddrPort(), conn: c, reader: bufio.NewReader(c)}
}

// Listener takes what the box sends to a host.
type Listener struct {
	datagrams *Line
	streams   net.Listener
	config    *tls.Config
	once      sync.Once
}

// Listen waits for the box. config is for TLS.
func Listen(h *lab.Host, transport string, at netip.AddrPort, config *tls.Config) (*Listener, error) {
	if transport == "udp" {
		l, err := hear(h, at)
		return &Listener{datagrams: l}, err
	}
	l, err := h.Listen(at.String())
	if transport != "tls" {
		config = nil
	}
	return &Listener{streams: l, config: config}, err
}

// Accept returns the next connection, if it comes in time; over UDP there is one line only.
func (l *Listener) Accept(patience time.Duration) (*Line, error) {
	if l.datagrams != nil {
		return l.datagrams, nil
	}
	if err := l.streams.(*net.TCPListener).SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	c, err := l.streams.Accept()
	if err != nil {
		return nil, err
	}
	line := stream(c)
	if l.config != nil {
		line.conn = tls.Server(c, l.config)
		line.reader = bufio.NewReader(line.conn)
	}
	return line, nil
}

// Close stops listening. A second Close does nothing.
func (l *Listener) Close() {
	l.once.Do(func() {
		if l.datagrams != nil {
			l.datagrams.Close()
			return
		}
		l.streams.Close()
	})
}

// Send writes bytes as they are: one datagram, or a piece of the stream.
func (l *Line) Send(b []byte) error {
	if l.packet == nil {
		_, err := l.conn.Write(b)
		return err
	}
	if l.remote == nil {
		return errors.New("nobody has spoken on this line yet")
	}
	_, err := l.packet.WriteTo(b, l.remote)
	return err
}

// Close ends the line.
func (l *Line) Close() {
	if l.packet != nil {
		l.packet.Close()
		return
	}
	l.conn.Close()
}

// Next returns the next message, or an error when none comes in time. A stream that the peer has ended gives io.EOF.
func (l *Line) Next(patience time.Duration) (Message, error) {
	deadline := time.Now().Add(patience)
	if l.packet != nil {
		if err := l.packet.SetReadDeadline(deadline); err != nil {
			return "", err
		}
		b := make([]byte, 65536)
		n, from, err := l.packet.ReadFrom(b)
		if err == nil && l.remote == nil {
			l.remote = from
		}
		return Message(b[:n]), err
	}
	if err := l.conn.SetReadDeadline(deadline); err != nil {
		return "", err
	}
	return l.read()
}

// read cuts the next message out of a stream.
func (l *Line) read() (Message, error) {
	var head strings.Builder
	for {
		line, err := l.reader.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == "\r\n" && head.Len() == 0 {
			continue // a ping, or the answer to one
		}
		head.WriteString(line)
		if line == "\r\n" {
			break
		}
	}
	length, err := strconv.Atoi(Message(head.String()).Field("Content-Length"))
	if err != nil {
		return "", fmt.Errorf("a message without a length: %w", err)
	}
	body := make([]byte, length)
	_, err = io.ReadFull(l.reader, body)
	return Message(head.String() + string(body)), err
}
