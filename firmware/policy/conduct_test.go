package policy

import "testing"

func TestHowACarrierIsDealtWithFollowsFromWhetherTheBoxRegisters(t *testing.T) {
	p := mustParse(t, example)
	registers, static := p.Trunks[0], p.Trunks[1]
	if registers.Registration != RegisterEach || static.Registration != "" {
		t.Errorf("registration %q and %q, want each and none", registers.Registration, static.Registration)
	}
	if static.Health != HealthOptions {
		t.Errorf("a trunk that does not register is watched by %q, want options", static.Health)
	}
	if registers.UDPOversize != "" || static.UDPOversize != OversizeTCP {
		t.Errorf("oversize %q with tls and %q with udp, want none and tcp", registers.UDPOversize, static.UDPOversize)
	}
	if got := p.Network.DNSServers[0].String(); got != "192.0.2.53:53" {
		t.Errorf("name server %s, want port 53 filled in", got)
	}
	if got := p.Network.TimeServers[0].String(); got != "192.0.2.53:123" {
		t.Errorf("time server %s, want port 123 filled in", got)
	}
	if got := p.Network.STUNServers[0].String(); got != "203.0.113.200:3478" {
		t.Errorf("STUN server %s, want port 3478 filled in", got)
	}
}
