package netfilter

import "testing"

func TestThePageIsForTheInsideOnly(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	l.accepts("192.0.2.1:443")
	l.accepts("198.51.100.2:443")
	l.office.connects("192.0.2.50", "192.0.2.1:443")
	if l.counts()["inside_page"] == 0 {
		t.Error("the page was opened but not counted")
	}
	l.probe(t, []probe{
		{"source not allowed", l.lan, tcpPacket("192.0.2.200:4000", "192.0.2.1:443", flagSYN), "inside_page_refused", nil},
		{"at the outside address", l.lan, tcpPacket("192.0.2.50:4000", "198.51.100.2:443", flagSYN), "inside_page_refused", nil},
		{"from outside", l.wan, tcpPacket("203.0.113.5:4000", "198.51.100.2:443", flagSYN), "outside_page_refused", nil},
		{"from outside to the inside address", l.wan, tcpPacket("203.0.113.5:4000", "192.0.2.1:443", flagSYN), "outside_page_refused", nil},
		{"from the gateway", l.wan, tcpPacket("198.51.100.1:4000", "192.0.2.1:443", flagSYN), "outside_page_refused", nil},
		{"from outside with an inside source", l.wan, tcpPacket("192.0.2.50:4000", "192.0.2.1:443", flagSYN), "forged", nil},
	})
}

func TestWithOnePortTheSourceDecidesTheSide(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := onePortLab(t, onePort())
	sip := l.receiver("192.0.2.2:5060")
	l.accepts("192.0.2.2:8443")
	l.accepts("192.0.2.2:5061")
	l.office.connects("192.0.2.50", "192.0.2.2:8443")
	l.carrier.connects("203.0.113.5", "192.0.2.2:5061")
	l.probe(t, []probe{
		{"pbx", l.wan, udpPacket("192.0.2.10:5060", "192.0.2.2:5060", hello), "inside_udp_5060_pbx", sip},
		{"carrier on the same port", l.wan, udpPacket("203.0.113.5:5060", "192.0.2.2:5060", hello), "outside_udp_5060_trunk_carrier-a", sip},
		{"other host inside", l.wan, udpPacket("192.0.2.50:5060", "192.0.2.2:5060", hello), "inside_sip_refused", nil},
		{"stranger", l.wan, udpPacket("198.51.100.99:5060", "192.0.2.2:5060", hello), "outside_sip_refused", nil},
		{"page for the gateway", l.wan, tcpPacket("192.0.2.1:4000", "192.0.2.2:8443", flagSYN), "outside_page_refused", nil},
		{"page for the carrier", l.wan, tcpPacket("203.0.113.5:4000", "192.0.2.2:8443", flagSYN), "outside_page_refused", nil},
		{"page for the world", l.wan, tcpPacket("198.51.100.99:4000", "192.0.2.2:8443", flagSYN), "outside_page_refused", nil},
		{"page from elsewhere inside", l.wan, tcpPacket("10.9.9.9:4000", "192.0.2.2:8443", flagSYN), "inside_page_refused", nil},
		{"SIP from the gateway", l.wan, udpPacket("192.0.2.1:5060", "192.0.2.2:5060", hello), "outside_sip_refused", nil},
		{"TLS from inside", l.wan, tcpPacket("192.0.2.10:4000", "192.0.2.2:5061", flagSYN), "inside_dropped", nil},
		{"our own address", l.wan, udpPacket("192.0.2.2:5060", "192.0.2.2:5060", hello), "forged", nil},
	})
}

func TestSetUpModeServesThePageAndNothingElse(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, setUp())
	l.accepts("192.0.2.1:443")
	l.office.connects("192.0.2.50", "192.0.2.1:443")
	l.probe(t, []probe{
		{"SIP inside", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", hello), "inside_dropped", nil},
		{"media inside", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:20000", hello), "inside_dropped", nil},
		{"page from a port not named", l.wan, tcpPacket("203.0.113.5:4000", "192.0.2.1:443", flagSYN), "other_port", nil},
		{"SIP from a port not named", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "other_port", nil},
	})
}
