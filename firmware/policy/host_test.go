package policy

import "testing"

func TestSplitHost(t *testing.T) {
	for _, c := range []struct {
		in, host string
		port     uint16
		ok       bool
	}{
		{"sip.carrier.example", "sip.carrier.example", 0, true},
		{"sip.carrier.example:5061", "sip.carrier.example", 5061, true},
		{"SIP-1.Carrier.Example", "SIP-1.Carrier.Example", 0, true},
		{"192.0.2.1", "192.0.2.1", 0, true},
		{"192.0.2.1:5060", "192.0.2.1", 5060, true},
		{"2001:db8::1", "2001:db8::1", 0, true},
		{"[2001:db8::1]", "2001:db8::1", 0, true},
		{"[2001:db8::1]:5061", "2001:db8::1", 5061, true},
		{"carrier", "carrier", 0, true},
		{"", "", 0, false},
		{"192.0.2.300", "", 0, false},
		{"192.0.2", "", 0, false},
		{"192.0.2.1:0", "", 0, false},
		{"carrier.example:0", "", 0, false},
		{"carrier.example:65536", "", 0, false},
		{"carrier.example:", "", 0, false},
		{"carrier..example", "", 0, false},
		{"-carrier.example", "", 0, false},
		{"carrier_a.example", "", 0, false},
		{"carrier.example.", "", 0, false},
		{"sip:carrier.example", "", 0, false},
		{"carrier.example/x", "", 0, false},
		{"alice@carrier.example", "", 0, false},
		{"fe80::1%eth0", "", 0, false},
		{"*.carrier.example", "", 0, false},
	} {
		host, port, err := SplitHost(c.in)
		if (err == nil) != c.ok || err == nil && (host != c.host || port != c.port) {
			t.Errorf("SplitHost(%q) = %q, %d, %v", c.in, host, port, err)
		}
	}
}
