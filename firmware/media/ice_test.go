package media

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"tollgate/firmware/stun"
)

var testICE = ICE{Ufrag: "boxU", Pwd: "password-of-the-box-itself", PeerUfrag: "peer"}

// bindingRequest makes a connectivity check by hand.
func bindingRequest(username, password string, id byte, attributes ...uint16) []byte {
	b := []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, id, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	add := func(kind uint16, value []byte) {
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, kind), uint16(len(value)))
		b = append(b, value...)
		b = append(b, make([]byte, -len(value)&3)...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20))
	}
	add(0x0006, []byte(username))
	for _, a := range attributes {
		value := []byte{}
		if a == 0x8029 || a == 0x802a {
			value = make([]byte, 8)
		}
		add(a, value)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20+24))
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(b)
	add(0x0008, mac.Sum(nil))
	return b
}

const (
	useCandidate = 0x0025
	controlled   = 0x8029
	controlling  = 0x802a
)

// asks sends a check and returns the answer.
func asks(t *testing.T, from *net.UDPConn, to netip.AddrPort, check []byte) []byte {
	t.Helper()
	write(t, from, to, check)
	b, _, ok := read(t, from, patience)
	if !ok {
		t.Fatal("a check is not answered")
	}
	return b
}

// asksInVain sends a check that nobody may answer.
func asksInVain(t *testing.T, who string, from *net.UDPConn, to netip.AddrPort, check []byte) {
	t.Helper()
	write(t, from, to, check)
	silent(t, from, who)
}

func newICECall(t *testing.T) (*call, *handshaker) {
	t.Helper()
	c, h := newDTLSCall(t, true)
	h.agree(h.terms(aesCM), withICE)
	return c, h
}

func withICE(p *Params) {
	ice := testICE
	p.ICE, p.Mux = &ice, true
	p.ExtraSources = []netip.Prefix{netip.MustParsePrefix("127.0.2.77/32")} // a further candidate
}

func TestAConnectivityCheckWithTheLegsCredentialsIsAnswered(t *testing.T) {
	call, h := newICECall(t)
	answer := asks(t, h.rtp, h.boxRTP(), bindingRequest("boxU:peer", testICE.Pwd, 1, controlling))
	if seen, err := stun.Mapped(answer); err != nil || seen != addrOf(h.rtp) {
		t.Errorf("answered %x: %v, %v", answer, seen, err)
	}
	for name, check := range map[string][]byte{
		"another password": bindingRequest("boxU:peer", "password-of-somebody-else", 2, controlling),
		"another peer":     bindingRequest("boxU:else", testICE.Pwd, 3, controlling),
		"another leg":      bindingRequest("else:peer", testICE.Pwd, 4, controlling, useCandidate),
		"no integrity":     bindingRequest("boxU:peer", testICE.Pwd, 5)[:32],
	} {
		asksInVain(t, name, h.rtp, h.boxRTP(), check)
	}
	call.stats(Callee, "not counted", func(s LegStats) bool { return s.AuthFailures == 4 })
	if _, err := stun.Mapped(asks(t, h.rtp, h.boxRTP(), bindingRequest("boxU:peer", testICE.Pwd, 6, controlled))); err != stun.ErrRefused {
		t.Errorf("a peer that leaves the choice to us is told %v, want a role conflict", err)
	}
	stranger := listen(t, "127.0.2.66")
	asksInVain(t, "a stranger to the filter", stranger, h.boxRTP(), bindingRequest("boxU:peer", testICE.Pwd, 7, controlling))
	h.meet(aesCM)
	call.converse(3)
}

func TestMediaGoesWhereTheChecksNominate(t *testing.T) {
	call, h := newICECall(t)
	h.rtp = listen(t, "127.0.2.77") // not the address of the description
	asks(t, h.rtp, h.boxRTP(), bindingRequest("boxU:peer", testICE.Pwd, 1, controlling, useCandidate))
	h.meet(aesCM)
	call.converse(3)
	h.agree(h.terms(aesCM), withICE, func(p *Params) { p.Remote = netip.MustParseAddrPort("127.0.2.9:4000") }) // the same checks
	call.converse(3)

	next := listen(t, "127.0.2.77")
	asks(t, next, h.boxRTP(), bindingRequest("boxU:peer", testICE.Pwd, 2, controlling, useCandidate))
	h.rtp = next
	call.converse(3)
	if s := h.leg.Stats(); s.AuthFailures+s.Strangers != 0 {
		t.Errorf("%+v", s)
	}
}

func TestChecksAreNothingWithoutICE(t *testing.T) {
	call, h := newDTLSCall(t, true)
	h.agree(h.terms(aesCM))
	asksInVain(t, "a peer without ICE", h.rtp, h.boxRTP(), bindingRequest("boxU:peer", testICE.Pwd, 1, controlling))
	call.stats(Callee, "not counted", func(s LegStats) bool { return s.Malformed == 1 })
	if err := h.leg.Set(Params{ICE: &testICE}); err == nil {
		t.Error("ICE without DTLS is taken")
	}
}
