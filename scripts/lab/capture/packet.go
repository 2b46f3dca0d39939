// Package capture reads packet captures and tells what an eavesdropper on the link would have learned.
//
// Read takes a classic pcap file (what tcpdump -w writes) and hands out its UDP and TCP packets. JudgeSignalling tells
// whether all signalling was TLS and of which versions; Streams finds RTP and tells what its payload decodes to and how
// random it is; Find looks for words that must not be there. Messages reads what Kamailio's sipdump wrote: the decrypted
// side of the same link.
//
// It leaves capturing itself to the lab and what counts as a failure to its callers.
package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"
)

// Protocols of a Packet. Fragment is everything but the first part of an IP datagram that came in parts.
const (
	UDP      = "udp"
	TCP      = "tcp"
	Fragment = "fragment"
)

// Packet is one IP packet with what it carries.
type Packet struct {
	At                  time.Time
	Protocol            string
	Source, Destination netip.AddrPort // port 0 in a Fragment
	DSCP                uint8          // how it is marked for routers (RFC 2474)
	Sequence            uint32         // TCP only
	Syn                 bool           // TCP only
	Payload             []byte
}

const (
	pcapMagicMicro = 0xa1b2c3d4
	pcapMagicNano  = 0xa1b23c4d
	linkEthernet   = 1
	maxFrame       = 1 << 18
)

// Read returns the UDP and TCP packets of a capture, in the order of arrival. A last record that was cut off, as in the
// file of a capture still running, is left out.
func Read(name string) ([]Packet, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read capture: %w", err)
	}
	defer f.Close()
	packets, err := decode(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read capture %s: %w", name, err)
	}
	return packets, nil
}

func decode(r io.Reader) ([]Packet, error) {
	var head [24]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("file header: %w", err)
	}
	order, unit, err := flavour(head[:4])
	if err != nil {
		return nil, err
	}
	if link := order.Uint32(head[20:]); link != linkEthernet {
		return nil, fmt.Errorf("link type %d: want Ethernet", link)
	}
	var packets []Packet
	for {
		at, frame, err := record(r, order, unit)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return packets, nil
		}
		if err != nil {
			return nil, err
		}
		if p, ok := parseEthernet(frame); ok {
			p.At = at
			packets = append(packets, p)
		}
	}
}

// flavour reads byte order and clock of the file from its magic number.
func flavour(magic []byte) (binary.ByteOrder, time.Duration, error) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(magic) {
		case pcapMagicMicro:
			return order, time.Microsecond, nil
		case pcapMagicNano:
			return order, time.Nanosecond, nil
		}
	}
	return nil, 0, errors.New("not a pcap file")
}

func record(r io.Reader, order binary.ByteOrder, unit time.Duration) (time.Time, []byte, error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return time.Time{}, nil, err
	}
	length := order.Uint32(head[8:])
	if length > maxFrame {
		return time.Time{}, nil, fmt.Errorf("record of %d bytes", length)
	}
	frame := make([]byte, length)
	_, err := io.ReadFull(r, frame)
	at := time.Unix(int64(order.Uint32(head[:4])), int64(order.Uint32(head[4:]))*int64(unit))
	return at, frame, err
}
