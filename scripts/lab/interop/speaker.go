package interop

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"tollgate/scripts/lab"
)

// frame is the octets of a packet: 20 ms.
const frame = 160

// Speaker is an end that speaks RTP in the clear: it says a sound from its beginning and keeps what it hears.
type Speaker struct {
	Codec Codec
	SSRC  uint32

	host *lab.Host
	done chan struct{}

	mu    sync.Mutex // guards everything below
	conn  net.PacketConn
	at    netip.AddrPort
	sound []byte
	fax   *Machine // says and hears instead, when there is one
	next  int      // octet of sound
	to    *net.UDPAddr
	mute  bool
	seq   uint16
	heard []byte
	edits int // of the description
}

// newSpeaker opens a port on a machine.
func newSpeaker(h *lab.Host, at netip.Addr, c Codec, ssrc uint32, sound []byte) (*Speaker, error) {
	s := &Speaker{Codec: c, SSRC: ssrc, host: h, at: netip.AddrPortFrom(at, 0), done: make(chan struct{}), sound: sound}
	if err := s.move(); err != nil {
		return nil, err
	}
	go s.speak()
	return s, nil
}

// move takes a port that it did not have before.
func (s *Speaker) move() error {
	conn, err := s.host.ListenPacket(netip.AddrPortFrom(s.at.Addr(), 0).String())
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
	}
	s.conn, s.at = conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
	go s.listen(conn)
	return nil
}

// Close ends it.
func (s *Speaker) Close() {
	close(s.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.Close()
}

// Describe writes its description.
func (s *Speaker) Describe(direction string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edits++
	return describe(s.at, s.edits, "RTP/AVP", s.Codec, direction)
}

// describe writes the description of one stream of audio, to which others add keys.
func describe(at netip.AddrPort, version int, proto string, c Codec, direction string) string {
	return fmt.Sprintf("v=0\r\no=- 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d %s %d\r\n%sa=ptime:20\r\na=%s\r\n",
		version, at.Addr(), at.Addr(), at.Port(), proto, c.Type, c.line(), direction)
}

// Speak has it speak to an address from now on, or be quiet.
func (s *Speaker) Speak(to netip.AddrPort, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to, s.mute = net.UDPAddrFromAddrPort(to), !yes
}

// Hush has it be quiet, or go on.
func (s *Speaker) Hush(quiet bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = quiet
}

// Mark forgets what was heard.
func (s *Speaker) Mark() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = nil
}

// Heard are the octets that were heard since Mark, as they came.
func (s *Speaker) Heard() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte(nil), s.heard...)
}

func (s *Speaker) speak() {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-t.C:
			s.say()
		}
	}
}

// say sends the next packet.
func (s *Speaker) say() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to == nil || s.mute {
		return
	}
	said := s.piece()
	if said == nil {
		return
	}
	b := make([]byte, 12, 12+frame)
	s.seq++
	b[0], b[1] = 2<<6, s.Codec.Type
	binary.BigEndian.PutUint16(b[2:], s.seq)
	binary.BigEndian.PutUint32(b[4:], uint32(s.next))
	binary.BigEndian.PutUint32(b[8:], s.SSRC)
	_, _ = s.conn.WriteTo(append(b, said...), s.to) // what is lost is not heard
	s.next += frame
}

// piece is what is said next; nil when there is no more.
func (s *Speaker) piece() []byte {
	switch {
	case s.fax != nil:
		return s.fax.say()
	case s.next+frame > len(s.sound):
		return nil
	}
	return s.sound[s.next : s.next+frame]
}

// connect puts a fax machine on the line.
func (s *Speaker) connect(m *Machine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fax = m
}

func (s *Speaker) listen(conn net.PacketConn) {
	for b := make([]byte, 2000); ; {
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			return
		}
		s.hear(b[:n])
	}
}

// hear keeps the octets of a packet. RTCP has payload types of its own (RFC 5761 §4).
func (s *Speaker) hear(b []byte) {
	if len(b) < 12 || b[0]>>6 != 2 || b[1]&0x7f >= 64 && b[1]&0x7f < 96 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b[1]&0x7f != s.Codec.Type {
		return // another codec than it speaks
	}
	s.heard = append(s.heard, b[12:]...)
	if s.fax != nil {
		s.fax.hear(b[12:])
	}
}
