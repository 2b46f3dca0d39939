package machine

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/miekg/dns"

	"tollgate/scripts/lab"
)

// Lend has a machine of the office lend one address to whoever asks, as the office's router does (RFC 2131). It ends with the socket.
func Lend(h *lab.Host, address netip.Prefix, gateway netip.Addr) error {
	conn, err := h.ListenPacket("0.0.0.0:67")
	if err != nil {
		return fmt.Errorf("lend addresses: %w", err)
	}
	answer := map[dhcpv4.MessageType]dhcpv4.MessageType{
		dhcpv4.MessageTypeDiscover: dhcpv4.MessageTypeOffer, dhcpv4.MessageTypeRequest: dhcpv4.MessageTypeAck,
	}
	go func() {
		packet := make([]byte, 1500)
		for {
			n, _, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			asked, err := dhcpv4.FromBytes(packet[:n])
			if err != nil || answer[asked.MessageType()] == 0 {
				continue
			}
			reply, err := dhcpv4.NewReplyFromRequest(asked,
				dhcpv4.WithMessageType(answer[asked.MessageType()]), dhcpv4.WithYourIP(address.Addr().AsSlice()),
				dhcpv4.WithNetmask(net.CIDRMask(address.Bits(), 32)), dhcpv4.WithRouter(gateway.AsSlice()),
				dhcpv4.WithLeaseTime(uint32(time.Hour/time.Second)), dhcpv4.WithServerIP(h.Address.AsSlice()),
				dhcpv4.WithOption(dhcpv4.OptServerIdentifier(h.Address.AsSlice())))
			if err != nil {
				continue
			}
			_, _ = conn.WriteTo(reply.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68})
		}
	}()
	return nil
}

// Names has a machine answer for names, as a name server; it ends with the socket.
func Names(h *lab.Host, names map[string]netip.Addr) error {
	conn, err := h.ListenPacket(netip.AddrPortFrom(h.Address, 53).String())
	if err != nil {
		return fmt.Errorf("answer for names: %w", err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, asked *dns.Msg) {
		reply := new(dns.Msg).SetReply(asked)
		for _, q := range asked.Question {
			if a, known := names[q.Name[:len(q.Name)-1]]; known && q.Qtype == dns.TypeA {
				reply.Answer = append(reply.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: a.AsSlice()})
			}
		}
		_ = w.WriteMsg(reply)
	})}
	go func() { _ = server.ActivateAndServe() }()
	return nil
}

// Time has a machine say what time it is, as a time server (RFC 4330); it ends with the socket.
func Time(h *lab.Host) (io.Closer, error) {
	conn, err := h.ListenPacket(netip.AddrPortFrom(h.Address, 123).String())
	if err != nil {
		return nil, fmt.Errorf("tell the time: %w", err)
	}
	go func() {
		for b := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if n >= 48 {
				_, _ = conn.WriteTo(timeIs(time.Now(), b[40:48]), from)
			}
		}
	}()
	return conn, nil
}

// timeIs answers the question whose transmit time was asked: version 4, server, stratum 1; received and sent at the same moment.
func timeIs(now time.Time, asked []byte) []byte {
	const since1900 = 2208988800
	a := make([]byte, 48)
	a[0], a[1] = 4<<3|4, 1
	copy(a[24:], asked)
	stamp := uint64(uint32(now.Unix()+since1900))<<32 | uint64(now.Nanosecond())<<32/uint64(time.Second)
	binary.BigEndian.PutUint64(a[16:], stamp)
	binary.BigEndian.PutUint64(a[32:], stamp)
	binary.BigEndian.PutUint64(a[40:], stamp)
	return a
}
