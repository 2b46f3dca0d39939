package rawudp

import (
	"net/netip"
	"testing"
)

var (
	here  = netip.MustParseAddrPort("192.0.2.1:67")
	there = netip.MustParseAddrPort("192.0.2.9:68")
)

func TestWhatIsBuiltIsParsed(t *testing.T) {
	p := Build([]byte("hello"), here, there, 64)
	payload, from, to, ok := Parse(append(p, 0, 0)) // Ethernet fills short frames up
	if !ok || string(payload) != "hello" || from != here || to != there {
		t.Errorf("%q from %v to %v, %v", payload, from, to, ok)
	}
	if ^sum(p[:IPSize], 0) != 0 {
		t.Errorf("the header's checksum does not hold: %x", p[:IPSize])
	}
}

func TestWhatIsNoWholePacketIsNone(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"nothing":              func([]byte) []byte { return nil },
		"IPv6":                 func(p []byte) []byte { p[0] = 0x65; return p },
		"TCP":                  func(p []byte) []byte { p[9] = 6; return p },
		"a fragment":           func(p []byte) []byte { p[6] = 0x20; return p },
		"a short header":       func(p []byte) []byte { p[0] = 0x44; return p },
		"a long header":        func(p []byte) []byte { p[0] = 0x4f; return p },
		"cut off":              func(p []byte) []byte { return p[:len(p)-1] },
		"longer than it says":  func(p []byte) []byte { p[25]++; return p },
		"shorter than its UDP": func(p []byte) []byte { p[24], p[25] = 0, UDPSize-1; return p },
	} {
		if payload, _, _, ok := Parse(change(Build([]byte("hello"), here, there, 64))); ok {
			t.Errorf("%s: taken as %q", name, payload)
		}
	}
}

var (
	here6  = netip.MustParseAddrPort("[fe80::1]:5353")
	there6 = netip.MustParseAddrPort("[ff02::fb]:5353")
)

func TestWhatIsBuiltOfIPv6IsParsed(t *testing.T) {
	for _, text := range []string{"hello", "hello!"} { // of which one has an octet without another
		p := Build6([]byte(text), here6, there6, 255)
		payload, from, to, hops, ok := Parse6(append(p, 0, 0))
		if !ok || string(payload) != text || from != here6 || to != there6 || hops != 255 {
			t.Errorf("%q from %v to %v, %d hops, %v", payload, from, to, hops, ok)
		}
		pseudo := []byte{0, 0, p[4], p[5], 0, 0, 0, 17} // RFC 8200 section 8.1
		if got := sum(p[8:], sum(pseudo, 0)); got != 0xffff {
			t.Errorf("the checksum does not hold: %#x", got)
		}
	}
}

func TestWhatIsNoWholePacketOfIPv6IsNone(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"nothing":              func([]byte) []byte { return nil },
		"IPv4":                 func(p []byte) []byte { p[0] = 0x45; return p },
		"a fragment":           func(p []byte) []byte { p[6] = 44; return p },
		"cut off":              func(p []byte) []byte { return p[:len(p)-1] },
		"no UDP within":        func(p []byte) []byte { p[4], p[5] = 0, UDPSize-1; return p },
		"longer than it says":  func(p []byte) []byte { p[45]++; return p },
		"shorter than its UDP": func(p []byte) []byte { p[44], p[45] = 0, UDPSize-1; return p },
	} {
		if payload, _, _, _, ok := Parse6(change(Build6([]byte("hello"), here6, there6, 255))); ok {
			t.Errorf("%s: taken as %q", name, payload)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Build([]byte("hello"), here, there, 64))
	f.Add(Build6([]byte("hello"), here6, there6, 255))
	f.Fuzz(func(t *testing.T, p []byte) {
		if payload, _, _, ok := Parse(p); ok && len(payload) > len(p)-IPSize-UDPSize {
			t.Errorf("%d octets in %d", len(payload), len(p))
		}
		if payload, _, _, _, ok := Parse6(p); ok && len(payload) > len(p)-IP6Size-UDPSize {
			t.Errorf("%d octets in %d of IPv6", len(payload), len(p))
		}
	})
}
