package stun

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
)

// The attributes of connectivity checks (RFC 8489 §18.3, RFC 8445 §16.1).
const (
	attrUsername       = 0x0006
	attrIntegrity      = 0x0008
	attrError          = 0x0009
	attrUseCandidate   = 0x0025
	attrFingerprint    = 0x8028
	attrIceControlled  = 0x8029
	integritySize      = sha1.Size
	fingerprintXOR     = 0x5354554e // RFC 8489 §14.7
	roleConflict       = 487        // RFC 8445 §7.3.1.1
	attributeHead      = 4
	integrityAttribute = attributeHead + integritySize
)

// Check is a connectivity check of ICE (RFC 8445 §7): a binding request with short-term credentials.
type Check struct {
	ID         ID
	Username   string // ours and the peer's fragment, with a colon between
	Nominates  bool   // the peer wants media to go where the check came from (USE-CANDIDATE)
	Controlled bool   // the peer believes that we decide
}

// The ways in which a check can be none.
var (
	ErrNoCheck = errors.New("this is no well-formed binding request")
	ErrForged  = errors.New("the binding request was not made with our password")
)

// ReadCheck reads a binding request whose MESSAGE-INTEGRITY (RFC 8489 §14.5) was made with a password, and nothing behind
// it but a FINGERPRINT.
func ReadCheck(b []byte, password string) (Check, error) {
	c := Check{}
	if len(b) < headerSize || binary.BigEndian.Uint16(b) != bindRequest || binary.BigEndian.Uint32(b[4:]) != cookie ||
		int(binary.BigEndian.Uint16(b[2:])) != len(b)-headerSize {
		return c, ErrNoCheck
	}
	copy(c.ID[:], b[8:headerSize])
	for rest := b[headerSize:]; len(rest) > 0; {
		kind, value, after, ok := attribute(rest)
		if !ok {
			return c, ErrNoCheck
		}
		switch kind {
		case attrUsername:
			c.Username = string(value)
		case attrUseCandidate:
			c.Nominates = true
		case attrIceControlled:
			c.Controlled = true
		case attrIntegrity:
			if !hmac.Equal(value, integrity(b[:len(b)-len(rest)], password)) {
				return c, ErrForged
			}
			return c, nil // what follows is not vouched for
		}
		rest = after
	}
	return c, ErrForged
}

// integrity is the HMAC over what stands before MESSAGE-INTEGRITY, with the length of the header as if it ended there.
func integrity(before []byte, password string) []byte {
	head := append([]byte(nil), before[:headerSize]...)
	binary.BigEndian.PutUint16(head[2:], uint16(len(before)-headerSize+integrityAttribute))
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(head)
	mac.Write(before[headerSize:])
	return mac.Sum(nil)
}

// Confirm answers a check: it has arrived, from where it says.
func (c Check) Confirm(from netip.AddrPort, password string) []byte {
	return seal(append(header(bindSuccess, c.ID), xorMapped(from, c.ID)...), password)
}

// Refuse answers a check of a peer that has the wrong idea of who decides: a box that implements ICE lite never does
// (RFC 8445 §6.1.1).
func (c Check) Refuse(password string) []byte {
	reason := "Role Conflict"
	b := append(header(bindError, c.ID), 0, attrError, 0, byte(attributeHead+len(reason)), 0, 0, roleConflict/100, roleConflict%100)
	b = append(b, reason...)
	return seal(append(b, 0, 0, 0), password) // padded
}

func header(kind uint16, id ID) []byte {
	b := make([]byte, headerSize, 128)
	binary.BigEndian.PutUint16(b, kind)
	binary.BigEndian.PutUint32(b[4:], cookie)
	copy(b[8:], id[:])
	return b
}

// xorMapped is XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
func xorMapped(a netip.AddrPort, id ID) []byte {
	addr, family := a.Addr().Unmap().AsSlice(), byte(familyIPv6)
	if len(addr) == 4 {
		family = familyIPv4
	}
	var mask [16]byte
	binary.BigEndian.PutUint32(mask[:], cookie)
	copy(mask[4:], id[:])
	b := []byte{0, attrXORMapped, 0, byte(attributeHead + len(addr)), 0, family}
	b = binary.BigEndian.AppendUint16(b, a.Port()^binary.BigEndian.Uint16(mask[:]))
	for i := range addr {
		b = append(b, addr[i]^mask[i])
	}
	return b
}

// seal appends MESSAGE-INTEGRITY and FINGERPRINT and sets the length.
func seal(b []byte, password string) []byte {
	mac := integrity(b, password)
	b = append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, attrIntegrity), integritySize), mac...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-headerSize+8))
	sum := crc32.ChecksumIEEE(b) ^ fingerprintXOR
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, attrFingerprint), 4)
	return binary.BigEndian.AppendUint32(b, sum)
}
