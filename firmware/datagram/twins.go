package datagram

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// BindTwins opens two sockets on an address and port that nobody else has: what arrives comes to in, which has the options, and out is to send
// by, with those of sent. Whoever watches a socket (epoll) is woken for each datagram that has left by it as well, and finds that it is
// nothing to him: so a socket that nobody watches sends for less. The error is that of Bind.
func BindTwins(a netip.AddrPort, options, sent []Option) (in, out Socket, err error) {
	shared := Option{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}
	alone := Option{unix.SOL_SOCKET, unix.SO_REUSEADDR, 0}
	if out, err = Bind(a, append([]Option{{unix.SOL_SOCKET, unix.SO_RCVBUF, 0}}, sent...)...); err != nil {
		return -1, -1, err
	}
	if err = out.set(shared); err == nil {
		in, err = Bind(a, append([]Option{shared}, options...)...) // the kernel gives what arrives to the one that came last
	}
	if err != nil {
		out.Close()
		return -1, -1, err
	}
	if err = errors.Join(in.set(alone), out.set(alone)); err != nil {
		return -1, -1, errors.Join(err, in.Close(), out.Close())
	}
	return in, out, nil
}
