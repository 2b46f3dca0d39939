package interop

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"time"
)

// T38 is a fax machine that speaks T.38 in UDP: what it says is spandsp's, the frames around it (UDPTL) are the lab's. At the
// carrier's end it answers a telephone call first, as fax machines do.
type T38 struct {
	machine
	codec Codec
	keys  keys
	conn  net.PacketConn
	at    netip.AddrPort
	edits int
	done  chan struct{}

	heard []ifp
}

// ifp is a packet of T.38.
type ifp struct {
	number uint16
	data   []byte
}

// NewT38 starts one at either end of a conversation: what, file and modems as faxmachine.c has them.
func (c *Conversation) NewT38(near bool, binary, what, file, modems string) (*T38, error) {
	host, address := c.world.Sink, c.world.Sink.Address
	if near {
		host, address = c.world.Lab.PBX, c.world.PBX.At
	}
	conn, err := host.ListenPacket(netip.AddrPortFrom(address, c.world.port()).String())
	if err != nil {
		return nil, err
	}
	f := &T38{codec: c.Near.Codec, keys: newKeys(Suites[0]), conn: conn, at: conn.LocalAddr().(*net.UDPAddr).AddrPort(), done: make(chan struct{})}
	if !near {
		c.Far = f
	}
	return f, f.start(binary, what, file, "T38", modems)
}

// describeT38 describes a fax at an address.
func describeT38(at netip.AddrPort, version int) string {
	return fmt.Sprintf("v=0\r\no=- 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=image %d udptl t38\r\n"+
		"a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n",
		version, at.Addr(), at.Addr(), at.Port())
}

func (f *T38) describe() string {
	f.edits++
	return describeT38(f.at, f.edits)
}

// OfferT38 has the office ask for T.38 where nobody is to be asked; the error is how that was refused.
func (c *Conversation) OfferT38() error {
	_, err := c.near.Invite(describeT38(netip.AddrPortFrom(c.world.PBX.At, c.world.port()), 9))
	return err
}

// AskT38 has one end ask for T.38 in the middle of a call, and the other accept.
func (c *Conversation) AskT38(byFar bool, near, far *T38) error {
	asks, answers, asking, answering := c.near, c.far, near, far
	if byFar {
		asks, answers, asking, answering = c.far, c.near, far, near
	}
	answered := make(chan error, 1)
	go func() {
		invite, err := answers.Expect("INVITE")
		if err == nil {
			if err = answers.Accept(invite, answering.describe()); err == nil {
				err = answering.Take(invite.Body())
			}
		}
		answered <- err
	}()
	ok, err := asks.Invite(asking.describe())
	if other := <-answered; other != nil {
		return other
	}
	if err != nil {
		return err
	}
	return asking.Take(ok.Body())
}

// Answer answers a telephone call. Nothing is said in it: it is to become a fax.
func (f *T38) Answer(offer string) (string, error) {
	if err := f.keys.take(offer); err != nil {
		return "", err
	}
	return f.Offer(false)
}

// Offer describes the machine as a telephone.
func (f *T38) Offer(bool) (string, error) {
	f.edits++
	return describe(f.at, f.edits, "RTP/SAVP", f.codec, "sendrecv") + f.keys.line(), nil
}

var imageAt = regexp.MustCompile(`(?s)c=IN IP4 (\S+).*m=image (\d+) udptl t38`)

// Take begins a fax with where the box says; while it speaks of audio there is nothing to do.
func (f *T38) Take(description string) error {
	at := imageAt.FindStringSubmatch(description)
	if at == nil {
		return nil
	}
	to, err := netip.ParseAddrPort(at[1] + ":" + at[2])
	if err != nil {
		return fmt.Errorf("read where the fax is: %w", err)
	}
	go f.listen()
	go f.speak(net.UDPAddrFromAddrPort(to))
	return nil
}

func (f *T38) listen() {
	for b := make([]byte, 2000); ; {
		n, _, err := f.conn.ReadFrom(b)
		if err != nil {
			return
		}
		if packet, ok := unframed(b[:n]); ok {
			f.mu.Lock()
			f.heard = append(f.heard, packet)
			f.mu.Unlock()
		}
	}
}

func (f *T38) speak(to *net.UDPAddr) {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-f.done:
			return
		case <-f.over:
			return
		case <-t.C:
		}
		for _, packet := range f.turn() {
			_, _ = f.conn.WriteTo(packet.framed(), to) // what is lost is not heard
		}
	}
}

// turn tells the machine what it has heard in 20 ms, and returns what it says.
func (f *T38) turn() (said []ifp) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil
	}
	for _, packet := range append(f.heard, ifp{}) {
		head := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, uint16(len(packet.data))), packet.number)
		if _, err := f.in.Write(append(head, packet.data...)); err != nil {
			break // it has ended, as is seen below
		}
	}
	f.heard = nil
	for {
		var head [4]byte
		_, err := io.ReadFull(f.out, head[:])
		packet := ifp{number: binary.BigEndian.Uint16(head[2:]), data: make([]byte, binary.BigEndian.Uint16(head[:]))}
		if err == nil {
			_, err = io.ReadFull(f.out, packet.data)
		}
		if err != nil {
			f.end()
		}
		if err != nil || len(packet.data) == 0 {
			return said
		}
		said = append(said, packet)
	}
}

// framed is the packet as UDPTL has it, repeating nothing (T.38 section 9.1): its number, its length, what is in it, and none before it.
func (p ifp) framed() []byte {
	b := append(binary.BigEndian.AppendUint16(nil, p.number), byte(len(p.data)))
	return append(append(b, p.data...), 0, 0)
}

// unframed reads a packet of fewer than 128 octets.
func unframed(b []byte) (ifp, bool) {
	if len(b) < 5 || b[2] >= 128 || len(b) < 3+int(b[2]) {
		return ifp{}, false
	}
	return ifp{binary.BigEndian.Uint16(b), append([]byte(nil), b[3:3+int(b[2])]...)}, true
}

// Mark and Heard are of tones, which a fax machine does not tell.
func (f *T38) Mark() error             { return nil }
func (f *T38) Heard() ([]int16, error) { return nil, nil }

// Close ends it.
func (f *T38) Close() {
	close(f.done)
	f.conn.Close()
	f.machine.Close()
}

var _ Far = (*T38)(nil)
