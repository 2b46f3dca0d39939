package branch_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

func pause(t *testing.T, seconds float64) {
	t.Helper()
	select {
	case <-time.After(time.Duration(seconds * float64(time.Second))):
	case <-t.Context().Done():
		t.Fatal(context.Cause(t.Context()))
	}
}

// invite is a call a stranger would try.
func invite(from *lab.Host, box netip.AddrPort, transport string) []byte {
	return fmt.Appendf(nil, "INVITE sip:+33899123456@%[2]s SIP/2.0\r\n"+
		"Via: SIP/2.0/%[3]s %[1]s:5060;branch=z9hG4bKstranger%[3]s;rport\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:+33123456701@%[1]s>;tag=s\r\nTo: <sip:+33899123456@%[2]s>\r\n"+
		"Call-ID: stranger-%[3]s@%[1]s\r\nCSeq: 1 INVITE\r\nContact: <sip:s@%[1]s:5060>\r\nContent-Length: 0\r\n\r\n",
		from.Address, box, transport)
}

// answered sends a message and tells what came back, or nil when nothing did within a second.
func answered(conn net.Conn, message []byte) []byte {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write(message); err != nil {
		return nil
	}
	b := make([]byte, 2000)
	n, _ := conn.Read(b)
	return b[:n]
}

func TestStrangersGetNoService(t *testing.T) {
	b := build(t, branch.Wishes{})
	outside, err := b.Lab.AddCarrier("stranger1", b.Lab.Net.Stranger)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := b.Lab.AddOffice("stranger2", b.Lab.Net.OfficeStranger)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from *lab.Host
		box  netip.Addr
	}{{outside, b.Lab.Net.BoxOutside}, {inside, b.Lab.Net.BoxInside}} {
		for transport, port := range map[string]uint16{"udp": 5060, "tcp": 5060, "tls": 5061} {
			box := netip.AddrPortFrom(c.box, port)
			if said := tryAs(t, c.from, box, transport); len(said) > 0 {
				t.Errorf("%s over %s was answered: %q", c.from.Name, transport, said)
			}
		}
	}
	bothWays(t, b) // and nobody else is the worse for it
}

// tryAs sends the stranger's INVITE and returns the answer; a connection that is not accepted gives none.
func tryAs(t *testing.T, from *lab.Host, box netip.AddrPort, transport string) []byte {
	t.Helper()
	network := "tcp"
	if transport == "udp" {
		network = "udp"
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	conn, err := from.Dial(ctx, network, box.String())
	if err != nil {
		return nil
	}
	if transport == "tls" {
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil
		}
		conn = secure
	}
	return answered(conn, invite(from, box, transport))
}

func TestTheCarrierSideOffersNoOldTLS(t *testing.T) {
	b := build(t, branch.Wishes{})
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := b.Lab.Carrier.Dial(t.Context(), "tcp", netip.AddrPortFrom(b.Lab.Net.BoxOutside, 5061).String())
		if err != nil {
			t.Fatal(err)
		}
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err = secure.HandshakeContext(ctx)
		cancel()
		conn.Close()
		if (err == nil) != want {
			t.Errorf("%s: handshake gave %v", tls.VersionName(version), err)
		}
	}
}
