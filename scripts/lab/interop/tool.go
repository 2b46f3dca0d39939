package interop

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"tollgate/scripts/lab"
)

// Program is a media program that speaks and hears SRTP with keys by SDES, in two processes.
type Program interface {
	// Speak is the command that sends a file of a codec's octets at their pace; Hear the one that writes what comes to one.
	Speak(Stream) []string
	Hear(Stream) ([]string, error)
}

// Stream is one direction of a call as a program has to know it.
type Stream struct {
	Suite string
	Key   []byte // with the salt behind it
	Codec Codec
	At    netip.AddrPort // where the packets go to
	File  string         // of octets
	SSRC  uint32         // of the packets that are heard
}

// Tool is a peer that is such a program.
type Tool struct {
	world   *World
	program Program
	codec   Codec
	keys    keys
	name    string
	ssrc    uint32
	said    string // file

	at, listens  netip.AddrPort // where it wants packets, and where it is ready for them
	to           netip.AddrPort // where it speaks to
	edits        int
	source, sink *lab.Process
	heard        string // file
	from         int64  // octet of it
}

// Use makes a program the peer of a conversation, with one suite.
func (c *Conversation) Use(program Program, codec Codec, suite string, sound []byte) (*Tool, error) {
	w := c.world
	t := &Tool{world: w, program: program, codec: codec, keys: newKeys(suite), name: c.id(), ssrc: c.Near.SSRC}
	t.said = w.Lab.Path(t.name + ".said")
	if err := os.WriteFile(t.said, sound, 0o600); err != nil {
		return nil, fmt.Errorf("write a sound: %w", err)
	}
	t.move()
	c.Far = t
	return t, nil
}

// move takes another port.
func (t *Tool) move() { t.at = netip.AddrPortFrom(t.world.Sink.Address, t.world.port()) }

// Answer answers an offer of the box's.
func (t *Tool) Answer(offer string) (string, error) {
	if err := t.keys.take(offer); err != nil {
		return "", err
	}
	d := answers[direction(offer)]
	if err := t.follow(offer, d); err != nil {
		return "", err
	}
	return t.describe(d), nil
}

// Offer describes the peer.
func (t *Tool) Offer(change bool) (string, error) {
	if change {
		t.move()
	}
	return t.describe("sendrecv"), nil
}

// Take does what an answer says.
func (t *Tool) Take(answer string) error {
	if err := t.keys.take(answer); err != nil {
		return err
	}
	return t.follow(answer, "sendrecv")
}

func (t *Tool) describe(direction string) string {
	t.edits++
	return describe(t.at, t.edits, "RTP/SAVP", t.codec, direction) + t.keys.line()
}

// follow speaks and hears as a description of the box's says. What runs and still fits goes on.
func (t *Tool) follow(description, direction string) (err error) {
	to, err := audioAt(description)
	if err != nil {
		return err
	}
	if t.listens != t.at {
		t.stop(&t.sink)
		t.listens = t.at
		t.heard, t.from = t.world.Lab.Path(fmt.Sprintf("%s-%d.heard", t.name, t.edits)), 0
		command, err := t.program.Hear(Stream{t.keys.suite, t.keys.theirs, t.codec, t.at, t.heard, t.ssrc})
		if err != nil {
			return err
		}
		if t.sink, err = t.start(t.world.Sink, "hears", command); err != nil {
			return err
		}
	}
	if t.source != nil && (to != t.to || !speaks(direction)) {
		t.stop(&t.source)
	}
	if t.source == nil && speaks(direction) {
		t.source, err = t.start(t.world.Source, "speaks", t.program.Speak(Stream{t.keys.suite, t.keys.ours, t.codec, to, t.said, 0}))
	}
	t.to = to
	return err
}

func (t *Tool) start(h *lab.Host, what string, command []string) (*lab.Process, error) {
	return h.Start(fmt.Sprintf("%s-%s-%d", t.name, what, t.edits), command[0], command[1:]...)
}

func (t *Tool) stop(p **lab.Process) {
	if *p != nil {
		(*p).Stop(2 * time.Second)
		*p = nil
	}
}

// Octets are what was heard since Mark.
func (t *Tool) Octets() ([]byte, error) {
	b, err := os.ReadFile(t.heard)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read what %s has heard: %w", t.name, err)
	}
	return b[min(t.from, int64(len(b))):], nil
}

// Mark forgets what was heard.
func (t *Tool) Mark() error {
	t.from = 0
	b, err := t.Octets()
	t.from = int64(len(b))
	return err
}

// Heard is what was heard since Mark.
func (t *Tool) Heard() ([]int16, error) {
	b, err := t.Octets()
	return t.codec.decode(b), err
}

// Close ends both programs.
func (t *Tool) Close() {
	t.stop(&t.source)
	t.stop(&t.sink)
}

// Said is what the programs have printed last, for whoever has to find out what went wrong.
func (t *Tool) Said() (text string) {
	for _, p := range []*lab.Process{t.source, t.sink} {
		if p != nil {
			text += p.Name + ":\n" + p.Tail(10) + "\n"
		}
	}
	return text
}
