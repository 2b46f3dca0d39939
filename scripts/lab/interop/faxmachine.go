package interop

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/pion/srtp/v3"
)

// machine is a run of faxmachine.c.
type machine struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	notes   strings.Builder
	over    chan struct{}

	mu     sync.Mutex // guards everything below, and what else a line has
	ended  bool
	result error
}

// start starts one: what is "send" or "receive", of a file of TIFF, on a line of PCMA, PCMU or T38, with modems "v17" or "v27".
func (m *machine) start(binary, what, file, line, modems string) error {
	m.command, m.over = exec.Command(binary, what, file, line, modems), make(chan struct{})
	m.command.Stderr = &m.notes
	in, err := m.command.StdinPipe()
	out, err2 := m.command.StdoutPipe()
	if err = errors.Join(err, err2); err == nil {
		err = m.command.Start()
	}
	if err != nil {
		return fmt.Errorf("start a fax machine: %w", err)
	}
	m.in, m.out = in, bufio.NewReader(out)
	return nil
}

// end takes the result of a machine that ends.
func (m *machine) end() {
	m.ended, m.result = true, m.command.Wait()
	close(m.over)
}

// Wait waits for the end of the fax and says how it went.
func (m *machine) Wait(d time.Duration) (string, error) {
	select {
	case <-m.over:
		return strings.TrimSpace(m.notes.String()), m.result
	case <-time.After(d):
		return "", fmt.Errorf("the fax is not through after %s", d)
	}
}

// Close ends it.
func (m *machine) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.in.Close(); !m.ended {
		m.end()
	}
}

// Machine is a fax machine on a line of G.711: what it says depends on what it hears, 20 ms by 20 ms.
type Machine struct {
	machine
	silence []byte // 20 ms of it

	heard []byte
	begun bool
}

// cushion is how much a machine lets come before it listens, against packets that come late.
const cushion = 5 * frame

// NewMachine starts one: what, file and modems as faxmachine.c has them.
func NewMachine(binary, what, file string, c Codec, modems string) (*Machine, error) {
	name, quiet := "PCMA", byte(0xd5)
	if c.Type == PCMU.Type {
		name, quiet = "PCMU", 0xff
	}
	m := &Machine{silence: bytes.Repeat([]byte{quiet}, frame)}
	return m, m.start(binary, what, file, name, modems)
}

// hear adds what has come.
func (m *Machine) hear(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = append(m.heard, b...)
	m.begun = m.begun || len(m.heard) >= cushion
}

// say is what the machine says next; nil while it has not heard enough for that. It then waits instead of hearing silence that nobody
// has sent, so that a machine that is busy with other tests makes a fax slower and no worse. Once it has ended it is silent.
func (m *Machine) say() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := bytes.Clone(m.silence)
	switch {
	case m.ended:
		return b
	case m.begun && len(m.heard) < frame:
		return nil
	case m.begun:
		m.heard = m.heard[copy(b, m.heard[:frame]):]
	}
	_, err := m.in.Write(b)
	if err == nil {
		_, err = io.ReadFull(m.out, b)
	}
	if err != nil {
		m.end()
		return bytes.Clone(m.silence)
	}
	return b
}

// SecureFax is a fax machine at the carrier's end that speaks SRTP with keys by SDES.
type SecureFax struct {
	*Machine
	codec Codec
	keys  keys
	conn  net.PacketConn
	at    netip.AddrPort
	done  chan struct{}
	edits int
}

// UseFax makes a fax machine the peer of a conversation, and another the office's end of it.
func (c *Conversation) UseFax(near, far *Machine) error {
	conn, err := c.world.Sink.ListenPacket(netip.AddrPortFrom(c.world.Sink.Address, 0).String())
	if err != nil {
		return err
	}
	f := &SecureFax{Machine: far, codec: c.Near.Codec, keys: newKeys(Suites[0]), conn: conn, done: make(chan struct{})}
	f.at = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	c.Near.connect(near)
	c.Far = f
	return nil
}

func (f *SecureFax) describe() string {
	f.edits++
	return describe(f.at, f.edits, "RTP/SAVP", f.codec, "sendrecv") + f.keys.line()
}

// Answer answers an offer of the box's and connects the machine.
func (f *SecureFax) Answer(offer string) (string, error) {
	if err := f.Take(offer); err != nil {
		return "", err
	}
	return f.describe(), nil
}

// Offer describes the machine.
func (f *SecureFax) Offer(bool) (string, error) { return f.describe(), nil }

// Take connects the machine to where the box says.
func (f *SecureFax) Take(answer string) error {
	if err := f.keys.take(answer); err != nil {
		return err
	}
	to, err := audioAt(answer)
	if err != nil {
		return err
	}
	const profile = srtp.ProtectionProfileAes128CmHmacSha1_80
	ours, err := srtp.CreateContext(f.keys.ours[:16], f.keys.ours[16:], profile)
	if err != nil {
		return fmt.Errorf("use our key: %w", err)
	}
	theirs, err := srtp.CreateContext(f.keys.theirs[:16], f.keys.theirs[16:], profile)
	if err != nil {
		return fmt.Errorf("use the box's key: %w", err)
	}
	go f.listen(theirs)
	go f.speak(ours, net.UDPAddrFromAddrPort(to))
	return nil
}

func (f *SecureFax) listen(theirs *srtp.Context) {
	for b := make([]byte, 2000); ; {
		n, _, err := f.conn.ReadFrom(b)
		if err != nil {
			return
		}
		if b[1]&0x7f != f.codec.Type {
			continue
		}
		if packet, err := theirs.DecryptRTP(nil, b[:n], nil); err == nil {
			f.hear(packet[12:])
		}
	}
}

func (f *SecureFax) speak(ours *srtp.Context, to *net.UDPAddr) {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for seq := uint16(0); ; {
		select {
		case <-f.done:
			return
		case <-t.C:
		}
		said := f.say()
		if said == nil {
			continue
		}
		seq++
		b := make([]byte, 12, 12+frame)
		b[0], b[1] = 2<<6, f.codec.Type
		binary.BigEndian.PutUint16(b[2:], seq)
		binary.BigEndian.PutUint32(b[4:], uint32(seq)*frame)
		binary.BigEndian.PutUint32(b[8:], 77)
		if sealed, err := ours.EncryptRTP(nil, append(b, said...), nil); err == nil {
			_, _ = f.conn.WriteTo(sealed, to) // what is lost is not heard
		}
	}
}

// Mark and Heard are of tones, which a fax machine does not tell.
func (f *SecureFax) Mark() error             { return nil }
func (f *SecureFax) Heard() ([]int16, error) { return nil, nil }

// Close ends it.
func (f *SecureFax) Close() {
	close(f.done)
	f.conn.Close()
	f.Machine.Close()
}

var _ Far = (*SecureFax)(nil)
