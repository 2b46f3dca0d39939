package nat

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/capture"
)

// answerSTUN tells everybody who asks on a socket where he is seen (RFC 8489 §14.2).
func answerSTUN(conn net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(b)
		if err != nil {
			return
		}
		if n != 20 || binary.BigEndian.Uint16(b) != 1 {
			continue
		}
		source := from.(*net.UDPAddr).AddrPort()
		answer := append([]byte{1, 1, 0, 12}, b[4:20]...)
		answer = append(answer, 0, 0x20, 0, 8, 0, 1)
		answer = binary.BigEndian.AppendUint16(answer, source.Port()^0x2112)
		address := binary.BigEndian.Uint32(source.Addr().Unmap().AsSlice())
		answer = binary.BigEndian.AppendUint32(answer, address^0x2112A442)
		conn.WriteTo(answer, from)
	}
}

func TestSTUNServersNoticeANewAddressWhileNobodyCalls(t *testing.T) {
	t.Parallel()
	address := netip.MustParseAddr("198.51.100.40")
	b := build(t, branch.Wishes{Translation: lab.Symmetric, TrunkPlain: "udp", NewConnection: true, Latches: true, Amend: func(document string) string {
		return strings.Replace(document, "nat: learn\n", "nat: learn\n  stun_servers: ["+address.String()+"]\n", 1)
	}}, nil)
	server, err := b.Lab.AddCarrier("stun", address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.ListenPacket(address.String() + ":3478")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go answerSTUN(conn)
	time.Sleep(20 * time.Second) // the server is asked by then
	next := netip.MustParseAddr("198.51.100.3")
	if err := b.Lab.Router.Reconnect(next); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	followed := false
	for !followed && time.Since(began) < 25*time.Second {
		time.Sleep(200 * time.Millisecond)
		followed = seenAt(t, b).Addr() == next
	}
	if !followed {
		t.Fatal("the new address was not noticed")
	}
	t.Logf("noticed after %v", time.Since(began).Round(time.Second))
	if !strings.Contains(b.Box.Process.Output(), "by=STUN") {
		t.Error("it was not STUN that told")
	}
	talk(t, b, b.Incoming()) // the carrier calls the Contact that it was told
	takenBack := slices.ContainsFunc(fromBox(t, b, "REGISTER"), func(m capture.Message) bool {
		return strings.Contains(m.Text, "@198.51.100.1:") && strings.Contains(m.Text, ">;expires=0")
	})
	if !takenBack {
		t.Error("the old Contact was not taken back")
	}
}
