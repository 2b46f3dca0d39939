// Package stun writes the binding requests of STUN (RFC 8489) and reads the answers: under which address and port a
// server sees the sender. It also reads the connectivity checks of ICE and answers them (RFC 8445).
//
//	 0                   1                   2                   3
//	|0 0|     message type          |         length in bytes       |
//	|                     magic cookie 0x2112A442                   |
//	|                                                               |
//	|                    transaction ID (96 bits)                   |
//	|                                                               |
//	|  attribute: type              |  length                       |
//	|  value, padded to a multiple of 4 ...
//
// An answer counts only with the random transaction ID of a request, so that nobody off the path can make one up. It
// leaves to others: sockets, repeating what was lost, and whom to ask (edge, trunk).
package stun

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

const (
	headerSize  = 20
	cookie      = 0x2112A442
	bindRequest = 0x0001 // RFC 8489 §18.2 and §5: method binding, class request
	bindSuccess = 0x0101
	bindError   = 0x0111

	attrMapped    = 0x0001 // RFC 8489 §14.1
	attrXORMapped = 0x0020 // RFC 8489 §14.2

	familyIPv4 = 1
	familyIPv6 = 2
)

// ID is the transaction ID of a request, to be drawn at random for each.
type ID [12]byte

// Request is a binding request without attributes.
func Request(id ID) []byte {
	b := make([]byte, headerSize)
	binary.BigEndian.PutUint16(b, bindRequest)
	binary.BigEndian.PutUint32(b[4:], cookie)
	copy(b[8:], id[:])
	return b
}

// Answers tells whether a datagram looks like an answer to a binding request, and to which. No SIP message does: STUN
// begins with two zero bits and has the magic cookie (RFC 8489 §5, RFC 7983).
func Answers(b []byte) (id ID, ok bool) {
	if len(b) < headerSize || binary.BigEndian.Uint32(b[4:]) != cookie {
		return id, false
	}
	if t := binary.BigEndian.Uint16(b); t != bindSuccess && t != bindError {
		return id, false
	}
	copy(id[:], b[8:headerSize])
	return id, true
}

// The ways in which an answer can be of no use.
var (
	ErrMalformed = errors.New("this is no well-formed STUN answer")
	ErrRefused   = errors.New("the STUN server refused the request")
	ErrNoAddress = errors.New("the STUN server names no address")
)

// Mapped reads where the server sees the sender from an answer. Attributes that are not known are passed over; the one
// that address translators do not rewrite comes first (RFC 8489 §14.2).
func Mapped(b []byte) (netip.AddrPort, error) {
	id, ok := Answers(b)
	if !ok || int(binary.BigEndian.Uint16(b[2:])) != len(b)-headerSize {
		return netip.AddrPort{}, ErrMalformed
	}
	if binary.BigEndian.Uint16(b) == bindError {
		return netip.AddrPort{}, ErrRefused
	}
	var plain, xored netip.AddrPort
	for rest := b[headerSize:]; len(rest) > 0; {
		kind, value, after, ok := attribute(rest)
		if !ok {
			return netip.AddrPort{}, ErrMalformed
		}
		switch kind {
		case attrXORMapped:
			xored = address(value, id, true)
		case attrMapped:
			plain = address(value, id, false)
		}
		rest = after
	}
	switch {
	case xored.IsValid():
		return xored, nil
	case plain.IsValid():
		return plain, nil
	}
	return netip.AddrPort{}, ErrNoAddress
}

// attribute cuts off the first attribute.
func attribute(b []byte) (kind uint16, value, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	kind = binary.BigEndian.Uint16(b)
	n := int(binary.BigEndian.Uint16(b[2:]))
	padded := (n + 3) &^ 3
	if len(b) < 4+padded {
		return 0, nil, nil, false
	}
	return kind, b[4 : 4+n], b[4+padded:], true
}

// address reads (XOR-)MAPPED-ADDRESS; the zero value when it is malformed.
func address(v []byte, id ID, xored bool) netip.AddrPort {
	var mask [16]byte
	if xored {
		binary.BigEndian.PutUint32(mask[:], cookie)
		copy(mask[4:], id[:])
	}
	if len(v) < 4 {
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16(v[2:]) ^ binary.BigEndian.Uint16(mask[:])
	raw := v[4:]
	size := map[byte]int{familyIPv4: 4, familyIPv6: 16}[v[1]]
	if size == 0 || len(raw) != size || port == 0 {
		return netip.AddrPort{}
	}
	plain := make([]byte, size)
	for i := range plain {
		plain[i] = raw[i] ^ mask[i]
	}
	a, _ := netip.AddrFromSlice(plain)
	return netip.AddrPortFrom(a, port)
}
