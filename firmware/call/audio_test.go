package call

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// handset is where a peer of a scene has its audio: packets that it really sends, and gets.
type handset struct {
	t    *testing.T
	conn *net.UDPConn
	box  netip.AddrPort // once the box has said where
	seq  uint16
}

// newHandset opens one. The scene's peers must have their audio at this machine: see scene.hear.
func newHandset(t *testing.T, s *scene) *handset {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.really, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &handset{t: t, conn: c, seq: 100}
}

// hear lets the peers of a scene have audio. Descriptions name other addresses, since those of this machine are refused.
func (s *scene) hear() { s.really = netip.MustParseAddr("127.0.0.9") }

// at writes the handset's port into a description.
func (h *handset) at(description string) string {
	port := h.conn.LocalAddr().(*net.UDPAddr).Port
	return strings.NewReplacer("m=audio 4000 ", fmt.Sprintf("m=audio %d ", port), "m=image 4000 ", fmt.Sprintf("m=image %d ", port)).Replace(description)
}

var mediaPort = regexp.MustCompile(`m=(?:audio|image) ([1-9]\d*) `)

// knows takes the box's port out of its description. inside is the side that the handset is on.
func (h *handset) knows(description []byte, inside bool) {
	h.t.Helper()
	found := mediaPort.FindSubmatch(description)
	if found == nil {
		h.t.Fatalf("no port in\n%s", description)
	}
	port, _ := strconv.Atoi(string(found[1]))
	c := mediaConfig(1, 2)
	addr := c.Outside.Address
	if inside {
		addr = c.Inside.Address
	}
	h.box = netip.AddrPortFrom(addr, uint16(port))
}

func (h *handset) write(packet []byte) {
	h.t.Helper()
	if _, err := h.conn.WriteToUDPAddrPort(packet, h.box); err != nil {
		h.t.Fatal(err)
	}
}

// say sends an RTP packet.
func (h *handset) say(pt uint8, timestamp uint32, payload []byte) {
	h.t.Helper()
	b := make([]byte, 12, 12+len(payload))
	b[0], b[1] = 0x80, pt
	binary.BigEndian.PutUint16(b[2:], h.seq)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	binary.BigEndian.PutUint32(b[8:], 0x5eed)
	h.seq++
	h.write(append(b, payload...))
}

// read takes what comes; nil: nothing did, in time.
func (h *handset) read() []byte {
	h.t.Helper()
	b := make([]byte, 2048)
	h.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := h.conn.Read(b)
	if err != nil {
		h.t.Errorf("nothing comes: %v", err)
		return nil
	}
	return b[:n]
}
