package branch

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/capture"
)

// Marks of what an Intruder sends: a tone that no phone plays, and sources that no phone has.
const (
	IntruderTone = 2000.0 // hertz
	intruderSSRC = 0x0badcafe
)

// Media ports of the box, as in the policy of a branch.
const firstMediaPort, lastMediaPort = 20000, 20999

// Intruder sends to the media ports of the box from a host that has no business there, and keeps account of what he gets
// for it.
type Intruder struct {
	Sent atomic.Uint64
	Got  atomic.Uint64 // packets, from whomever

	conn net.PacketConn
	box  netip.Addr
	seq  uint16
	done sync.WaitGroup
	end  context.CancelFunc
}

// Intrude has an intruder begin on a host. He sends three times as many packets as the peers do to each port that ports
// tells him of, and knocks at all of the others in turn, until Stop.
func Intrude(h *lab.Host, box netip.Addr, ports func() []uint16) (*Intruder, error) {
	conn, err := h.ListenPacket(netip.AddrPortFrom(h.Address, 0).String())
	if err != nil {
		return nil, fmt.Errorf("set up an intruder on %s: %w", h.Name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	i := &Intruder{conn: conn, box: box, end: cancel}
	i.done.Go(i.listen)
	i.done.Go(func() { i.attack(ctx, ports) })
	return i, nil
}

// Stop ends it.
func (i *Intruder) Stop() {
	i.end()
	i.conn.Close()
	i.done.Wait()
}

func (i *Intruder) listen() {
	for b := make([]byte, 2000); ; {
		if _, _, err := i.conn.ReadFrom(b); err != nil {
			return
		}
		i.Got.Add(1)
	}
}

// attack sends, each 20 ms, one plain packet, one encrypted one with a wrong tag and a report to each port, and a packet to
// fifty others: the whole range in less than half a second.
func (i *Intruder) attack(ctx context.Context, ports func() []uint16) {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for next := uint16(firstMediaPort); ; {
		for range 50 {
			i.send(next, i.plain())
			if next++; next > lastMediaPort {
				next = firstMediaPort
			}
		}
		for _, port := range ports() {
			for _, packet := range [][]byte{i.plain(), i.forged(intruderSSRC), i.report()} {
				i.send(port, packet)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (i *Intruder) send(port uint16, packet []byte) {
	if _, err := i.conn.WriteTo(packet, net.UDPAddrFromAddrPort(netip.AddrPortFrom(i.box, port))); err == nil {
		i.Sent.Add(1)
	}
}

func (i *Intruder) header(ssrc uint32) []byte {
	i.seq++
	b := []byte{0x80, 8, 0, 0}
	binary.BigEndian.PutUint16(b[2:], i.seq)
	b = binary.BigEndian.AppendUint32(b, uint32(i.seq)*160)
	return binary.BigEndian.AppendUint32(b, ssrc)
}

// plain is a packet of the tone in PCMA (ITU-T G.711), as loud as can be.
func (i *Intruder) plain() []byte {
	b := i.header(intruderSSRC)
	for range 40 {
		b = append(b, 0xaa, 0xaa, 0x2a, 0x2a)
	}
	return b
}

// forged is an SRTP packet whose tag is wrong.
func (i *Intruder) forged(ssrc uint32) []byte {
	b := i.header(ssrc)
	for range 170 {
		b = append(b, byte(rand.Uint32()))
	}
	return b
}

// report is a receiver report that ends the stream of its source (RFC 3550 §6.6).
func (i *Intruder) report() []byte {
	b := binary.BigEndian.AppendUint32([]byte{0x80, 201, 0, 1}, intruderSSRC)
	return binary.BigEndian.AppendUint32(append(b, 0x81, 203, 0, 1), intruderSSRC)
}

// Forge sends encrypted packets with wrong tags as those of a stream that come next, count of them as fast as rate a second,
// from a port of its own on the host where the stream comes from.
func Forge(ctx context.Context, h *lab.Host, to netip.AddrPort, s capture.Stream, count, rate int) error {
	conn, err := h.ListenPacket(netip.AddrPortFrom(h.Address, 0).String())
	if err != nil {
		return fmt.Errorf("forge packets on %s: %w", h.Name, err)
	}
	defer conn.Close()
	i := &Intruder{conn: conn, box: to.Addr(), seq: s.Sequence + 1000}
	for begun, n := time.Now(), 0; n < count && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		for due := int(time.Since(begun).Seconds() * float64(rate)); n < min(due, count); n++ {
			i.send(to.Port(), i.forged(s.SSRC))
		}
	}
	return ctx.Err()
}

// Scan knocks at all media ports of the box from a host and returns those about which the host learns anything: by an answer,
// or by being told that nobody is there.
func Scan(ctx context.Context, h *lab.Host, box netip.Addr) (learned []uint16, err error) {
	conns := map[uint16]net.Conn{}
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for port := uint16(firstMediaPort); port <= lastMediaPort; port++ {
		c, err := h.Dial(ctx, "udp", netip.AddrPortFrom(box, port).String())
		if err != nil {
			return nil, fmt.Errorf("scan from %s: %w", h.Name, err)
		}
		conns[port] = c
		if _, err := c.Write([]byte("\x80\x08knock knock")); err != nil {
			learned = append(learned, port)
		}
	}
	if err := wait(ctx, time.Second); err != nil {
		return nil, err
	}
	for port, c := range conns {
		c.SetReadDeadline(time.Now())
		if _, err := c.Read(make([]byte, 2000)); err == nil || errors.Is(err, syscall.ECONNREFUSED) {
			learned = append(learned, port)
		}
	}
	slices.Sort(learned)
	return learned, nil
}

// Pinhole is a media port of the box and an address that it is open to.
type Pinhole struct {
	Local netip.AddrPort
	From  string
}

// Pinholes asks the box's packet filter for its open pinholes.
func (b *Box) Pinholes(ctx context.Context) ([]Pinhole, error) {
	out, err := exec.CommandContext(ctx, "ip", "netns", "exec", b.Host.Namespace, "nft", "-j", "list", "sets", "inet").Output()
	if err != nil {
		return nil, fmt.Errorf("ask the packet filter for its pinholes: %w", withStderr(err))
	}
	var listing struct {
		Nftables []struct {
			Set struct {
				Name string `json:"name"`
				Elem []any  `json:"elem"`
			} `json:"set"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal(out, &listing); err != nil {
		return nil, fmt.Errorf("read the packet filter's sets: %w", err)
	}
	var holes []Pinhole
	for _, n := range listing.Nftables {
		if !strings.Contains(n.Set.Name, "_rtp_") {
			continue
		}
		for _, e := range n.Set.Elem {
			hole, err := readPinhole(e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", n.Set.Name, err)
			}
			holes = append(holes, hole)
		}
	}
	return holes, nil
}

// readPinhole reads an element: source, own address and own port joined.
func readPinhole(e any) (Pinhole, error) {
	m, _ := e.(map[string]any)
	if inner, ok := m["elem"].(map[string]any); ok {
		m, _ = inner["val"].(map[string]any)
	}
	parts, _ := m["concat"].([]any)
	if len(parts) != 3 {
		return Pinhole{}, fmt.Errorf("no pinhole: %v", e)
	}
	local, err := netip.ParseAddr(fmt.Sprint(parts[1]))
	port, isNumber := parts[2].(float64)
	if err != nil || !isNumber {
		return Pinhole{}, fmt.Errorf("no pinhole: %v", e)
	}
	return Pinhole{Local: netip.AddrPortFrom(local, uint16(port)), From: fmt.Sprint(parts[0])}, nil
}
