package media

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/pion/rtp"

	"tollgate/firmware/policy"
)

// FuzzPacket: whatever comes in, plain or under a key, RTP or RTCP, nothing panics and nothing is written outside the
// buffers; what passes as plain RTP is RTP to another implementation too, and survives encryption.
func FuzzPacket(f *testing.F) {
	for _, v := range vectors() {
		f.Add(unhex(f, v.clear))
		f.Add(unhex(f, v.sealed))
	}
	f.Add(report(1))
	f.Add([]byte{0xbf, 0xc8, 0, 0, 0, 0, 0, 0})
	w := &worker{tools: newTools()}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > largest {
			return // receive drops it
		}
		for _, fl := range []*flow{{control: false}, {control: true}, {control: false, half: &half{terms: terms{mux: true}}}} {
			if fl.half == nil {
				fl.half = &half{}
			}
			fl.association = newAssociation(nil, fl, nil, netip.AddrPort{})
			fl.divert(netip.AddrPort{}, in)
			if control, v := fl.kind(in); v == passed {
				fuzzOpen(t, w, in, control)
			}
		}
	})
}

// fuzzOpen opens and seals a packet plain and under each suite.
func fuzzOpen(t *testing.T, w *worker, in []byte, control bool) {
	clear, v := w.open(&flow{half: &half{}}, bytes.Clone(in), control)
	if v == passed && !control {
		if err := (&rtp.Packet{}).Unmarshal(clear); err != nil && clear[0]&0x10 == 0 {
			t.Fatalf("%x passes as RTP: %v", clear, err)
		}
	}
	for _, suite := range policy.Suites() {
		o, errO := newOpener(*testKeys(suite, "k"))
		s, errS := newSealer(*testKeys(suite, "k"))
		if errO != nil || errS != nil {
			t.Fatal(errO, errS)
		}
		w.open(&flow{ciphers: ciphers{open: o}}, bytes.Clone(in), control)
		if v != passed {
			continue
		}
		seal := s.rtp
		if control {
			seal = s.rtcp
		}
		sealed, sv := seal(w.tools, w.out[:], bytes.Clone(clear))
		if sv != passed || len(sealed) > len(clear)+overhead {
			t.Fatalf("%s: sealing %d bytes makes %d, verdict %d", suite, len(clear), len(sealed), sv)
		}
	}
}

// FuzzHello: whatever comes as the beginning of a handshake, it is read within its bounds, and what gives way has no cookie.
func FuzzHello(f *testing.F) {
	f.Add(nullHello(), nullHello()[:40])
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var h hello
		if h.givesWayTo(first) {
			t.Error("the first one gives way to itself")
		}
		_, cookie, ok := readHello(second)
		if h.givesWayTo(second) && (!ok || cookie || !h.begun || h.proved) {
			t.Errorf("gives way to %x", second)
		}
	})
}
