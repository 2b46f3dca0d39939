package branch_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"tollgate/scripts/lab/branch"
)

// guess is one try of a program that guesses passwords.
func guess(from, box netip.Addr, method, number string, n int) []byte {
	return fmt.Appendf(nil, "%[3]s sip:%[4]s@%[2]s SIP/2.0\r\nVia: SIP/2.0/TCP %[1]s:5070;branch=z9hG4bKguess%[5]d;rport\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:%[5]d@%[1]s>;tag=g%[5]d\r\nTo: <sip:%[4]s@%[2]s>\r\nCall-ID: guess-%[5]d@%[1]s\r\nCSeq: 1 %[3]s\r\n"+
		"Contact: <sip:%[5]d@%[1]s:5070>\r\nAuthorization: Digest username=\"%[5]d\", realm=\"tollgate\", nonce=\"x\", uri=\"sip:%[4]s@%[2]s\", response=\"00\", "+
		"algorithm=MD5, cnonce=\"c\", qop=auth, nc=00000001\r\nContent-Length: 0\r\n\r\n", from, box, method, number, n)
}

// Whoever guesses passwords from the PBX's own address, over a connection, is banned; calls for help go on from there.
func TestWhoGuessesPasswordsIsBannedButMayCallForHelp(t *testing.T) {
	b := build(t, branch.Wishes{PBXTransport: "tcp", PBXRegisters: true})
	registered(t, b, true)
	from, box := b.Lab.Net.PBX, b.Lab.Net.BoxInside
	try := func(method, number string, n int) []byte {
		conn, err := b.Lab.PBX.Dial(t.Context(), "tcp", netip.AddrPortFrom(box, 5060).String())
		if err != nil {
			t.Fatal(err)
		}
		return answered(conn, guess(from, box, method, number, n))
	}
	said := 0
	for n := range 20 {
		if bytes.HasPrefix(try("REGISTER", "x", 1000+n), []byte("SIP/2.0 401")) {
			said++
		}
	}
	if said == 0 || said > 10 {
		t.Errorf("%d of 20 guesses were answered, want some and at most ten", said)
	}
	if got := try("INVITE", "+33472105518", 2000); len(got) > 0 {
		t.Errorf("a banned source is answered: %q", got)
	}
	if got := try("INVITE", "112", 2001); !bytes.HasPrefix(got, []byte("SIP/2.0 1")) {
		t.Errorf("a call for help from a banned source got %q", got)
	}
}
