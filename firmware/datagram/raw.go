package datagram

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// MostRaw is the longest datagram that Raw sends: with its headers it fits into the smallest MTU of IPv6 (RFC 8200 §5),
	// which every IPv4 link of today has as well.
	MostRaw     = smallestMTU - ipv6Header - udpHeader
	smallestMTU = 1280
	ipv4Header  = 20
	ipv6Header  = 40
	udpHeader   = 8
	hops        = 64 // the usual time to live
)

// Raw sends many datagrams by one call, each from an address and port of its own: it writes their headers, of IP and UDP,
// itself. Nothing arrives at it.
type Raw struct {
	fd       int
	v4       bool
	class    byte
	number   uint16 // of IPv4 packets
	messages [Most]message
	vectors  [Most]unix.Iovec
	names    [Most]Name
	packets  [Most][smallestMTU]byte
	n        int
}

// OpenRaw opens one for IPv4 or IPv6; class is the type of service or traffic class of what it sends. It needs CAP_NET_RAW.
func OpenRaw(v4 bool, class byte) (*Raw, error) {
	family := unix.AF_INET6
	if v4 {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	r := &Raw{fd: fd, v4: v4, class: class}
	for i := range r.messages {
		r.vectors[i].Base = &r.packets[i][0]
		h := &r.messages[i].header
		h.Name, h.Iov = (*byte)(unsafe.Pointer(&r.names[i].raw)), &r.vectors[i]
		h.SetIovlen(1)
	}
	return r, nil
}

// Close gives the socket back.
func (r *Raw) Close() error { return os.NewSyscallError("close", unix.Close(r.fd)) }

// Full tells whether there is no room for another datagram before Flush.
func (r *Raw) Full() bool { return r.n == Most }

// Queue puts a datagram of up to MostRaw bytes in line and returns its place. Both addresses are of the socket's family.
func (r *Raw) Queue(from netip.AddrPort, to *Name, payload []byte) int {
	i, b := r.n, r.packets[r.n][:]
	n := ipv6Header
	if r.v4 {
		n = ipv4Header
		r.number++
		writeIPv4(b, from, to, r.class, r.number, len(payload))
	} else {
		writeIPv6(b, from, to, r.class, len(payload))
	}
	copy(b[n+udpHeader:], payload)
	writeUDP(b, n, from.Port(), to.raw.Port, len(payload))
	r.vectors[i].SetLen(n + udpHeader + len(payload))
	r.names[i] = *to
	r.names[i].raw.Port = 0 // raw(7): it is a protocol there, or nothing
	r.messages[i].header.Namelen = to.size
	r.n++
	return i
}

// Flush sends what is in line, and tells which could not be sent: the bit of a place is set.
func (r *Raw) Flush() (failed uint64) {
	for at := 0; at < r.n; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(r.fd), uintptr(unsafe.Pointer(&r.messages[at])), uintptr(r.n-at), 0, 0, 0)
		if errno != 0 {
			failed |= 1 << at
			at++
			continue
		}
		at += int(n)
	}
	r.n = 0
	return failed
}

// writeIPv4 writes the header of RFC 791 §3.1, never to be fragmented. Its checksum is the kernel's to fill in.
//
//	| 4, words | class   | length            | number            | DF, offset        |
//	| hops     | UDP     | checksum          | from              | to                |
func writeIPv4(b []byte, from netip.AddrPort, to *Name, class byte, number uint16, payload int) {
	b[0], b[1] = 4<<4|ipv4Header/4, class
	binary.BigEndian.PutUint16(b[2:], uint16(ipv4Header+udpHeader+payload))
	binary.BigEndian.PutUint16(b[4:], number)
	binary.BigEndian.PutUint16(b[6:], 1<<14)
	b[8], b[9], b[10], b[11] = hops, unix.IPPROTO_UDP, 0, 0
	own := from.Addr().As4()
	copy(b[12:], own[:])
	copy(b[16:20], (*unix.RawSockaddrInet4)(unsafe.Pointer(&to.raw)).Addr[:])
}

// writeIPv6 writes the header of RFC 8200 §3.
//
//	| 6, class, flow label (4) | length (2) | UDP | hops | from (16) | to (16) |
func writeIPv6(b []byte, from netip.AddrPort, to *Name, class byte, payload int) {
	binary.BigEndian.PutUint32(b, 6<<28|uint32(class)<<20)
	binary.BigEndian.PutUint16(b[4:], uint16(udpHeader+payload))
	b[6], b[7] = unix.IPPROTO_UDP, hops
	own := from.Addr().As16()
	copy(b[8:], own[:])
	copy(b[24:40], to.raw.Addr[:])
}

// writeUDP writes the header of RFC 768 behind an IP header of n bytes whose last are the two addresses. The checksum is
// over them, the protocol and the length as well, and never 0.
func writeUDP(b []byte, n int, from, to uint16, payload int) {
	addresses := 8
	if n == ipv6Header {
		addresses = 32
	}
	u := b[n : n+udpHeader+payload]
	binary.BigEndian.PutUint16(u, from)
	binary.NativeEndian.PutUint16(u[2:], to) // as it stands in an address
	binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
	u[6], u[7] = 0, 0
	sum := onesSum(b[n-addresses:n+len(u)], uint64(unix.IPPROTO_UDP+len(u)))
	if sum == 0xffff {
		sum = 0 // so that 0xffff goes out, which means the same
	}
	binary.BigEndian.PutUint16(u[6:], ^sum)
}

// onesSum is the sum in ones' complement of 16-bit words, with more added (RFC 1071).
func onesSum(b []byte, more uint64) uint16 {
	sum, carry := more, uint64(0)
	for ; len(b) >= 8; b = b[8:] {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b), carry)
	}
	var rest [8]byte
	copy(rest[:], b)
	sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(rest[:]), carry)
	sum, carry = bits.Add64(sum, 0, carry)
	sum += carry
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum)
}
