package netfilter

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

func TestSIPReachesThePortsOfItsSideFromListedSourcesOnly(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	inside, outside := l.receiver("192.0.2.1:5060"), l.receiver("198.51.100.2:5060")
	l.probe(t, []probe{
		{"pbx", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", hello), "inside_udp_5060_pbx", inside},
		{"other host inside", l.lan, udpPacket("192.0.2.50:5060", "192.0.2.1:5060", hello), "inside_sip_refused", nil},
		{"pbx to the outside address", l.lan, udpPacket("192.0.2.10:5060", "198.51.100.2:5060", hello), "inside_sip_refused", nil},
		{"carrier inside", l.lan, udpPacket("203.0.113.5:5060", "192.0.2.1:5060", hello), "inside_sip_refused", nil},
		{"carrier", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-a", outside},
		{"single address of the carrier", l.wan, udpPacket("203.0.113.64:9", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-a", outside},
		{"stranger", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
		{"carrier that has TLS only", l.wan, udpPacket("203.0.113.130:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
		{"carrier to the inside address", l.wan, udpPacket("203.0.113.5:5060", "192.0.2.1:5060", hello), "outside_sip_refused", nil},
		{"TCP stranger inside", l.lan, tcpPacket("192.0.2.50:4000", "192.0.2.1:5060", flagSYN), "inside_sip_refused", nil},
		{"TLS of the other carrier", l.wan, tcpPacket("203.0.113.5:4000", "198.51.100.2:5061", flagSYN), "outside_sip_refused", nil},
		{"TLS inside, where there is none", l.lan, tcpPacket("192.0.2.10:4000", "192.0.2.1:5061", flagSYN), "inside_dropped", nil},
	})
}

func TestSIPOverTCPConnectsFromListedSources(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	l.accepts("192.0.2.1:5060")
	l.accepts("198.51.100.2:5061")
	l.office.connects("192.0.2.10", "192.0.2.1:5060")
	l.carrier.connects("203.0.113.130", "198.51.100.2:5061")
	n := l.counts()
	if n["inside_tcp_5060_pbx"] == 0 || n["outside_tcp_5061_trunk_carrier-b"] == 0 || n["inside_sip_refused"]+n["outside_sip_refused"] > 0 {
		t.Errorf("counters: %v", n)
	}
}

func TestASourceRemovedIsOutAtOnceAlsoFromRunningConnections(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	ln, err := net.Listen("tcp", "192.0.2.1:5060") // nobody closes, so nothing else is on the wire
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var conn net.Conn
	l.office.do(func() { conn, err = dialFrom("192.0.2.10", "192.0.2.1:5060") })
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	without := twoPorts()
	without.Services = without.Services[2:]
	without.Services = append(without.Services, Service{Name: "pbx", Side: Inside, Protocol: TCP, Port: 5060,
		Sources: prefixes("192.0.2.11/32")})
	l.set(without)
	if _, err := conn.Write(hello); err != nil {
		t.Fatal(err)
	}
	_ = accepted.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := accepted.Read(make([]byte, 100)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v, of a source that is out", n, err)
	}
	if l.counts()["inside_sip_refused"] == 0 {
		t.Error("nothing was refused")
	}
}
