package interop

import (
	"fmt"
	"strings"
	"time"

	"tollgate/scripts/lab/dialog"
	"tollgate/scripts/lab/tone"
)

// Tones of the two ends, and others that must not be heard.
const (
	NearTone = 620
	FarTone  = 1150
)

// Far is the audio of a peer at the carrier's end of a call.
type Far interface {
	// Answer describes the peer in answer to an offer of the box's, and does what both say.
	Answer(offer string) (string, error)
	// Offer describes the peer first. With change it is somewhere else than before, or speaks another codec.
	Offer(change bool) (string, error)
	// Take does what the box's answer to Offer says.
	Take(answer string) error
	// Mark forgets what was heard; Heard is what was heard since.
	Mark() error
	Heard() ([]int16, error)
	Close()
}

// Conversation is a call between the office and a peer.
type Conversation struct {
	Near *Speaker
	Far  Far

	world *World
	trunk Trunk
	near  *dialog.End
	far   *dialog.End
}

// Talk prepares a conversation by a trunk. The office speaks near's codec; what it hears is in that, too.
func (w *World) Talk(trunk string, c Codec, sound []byte) (*Conversation, error) {
	w.mu.Lock()
	w.calls++
	n := w.calls
	w.mu.Unlock()
	near, err := newSpeaker(w.Lab.PBX, w.PBX.At, c, 1000+uint32(n), sound)
	if err != nil {
		return nil, err
	}
	talk := &Conversation{Near: near, world: w}
	for _, t := range trunks() {
		if t.Name == trunk {
			talk.trunk = t
		}
	}
	return talk, nil
}

// Close ends the audio of both ends.
func (c *Conversation) Close() {
	c.Near.Close()
	if c.Far != nil {
		c.Far.Close()
	}
}

func (c *Conversation) id() string { return fmt.Sprintf("%s-%d", c.trunk.Name, time.Now().UnixNano()) }

// numbers of the peers, by the prefix of their trunk.
var numbers = map[string]string{"+44": "+442079460000", "+39": "+390612345678", "+49": "+4930123456", "+34": "+34911234567", "+31": "+31201234567"}

// Out has the office call the peer.
func (c *Conversation) Out() error {
	c.world.placing.Lock()
	defer c.world.placing.Unlock()
	c.near = c.world.PBX.Dial("udp", c.id(), "+33123456700@"+domain, numbers[c.trunk.Prefix])
	answered := make(chan error, 1)
	go func() {
		end, invite, err := c.world.Carriers[c.trunk.Name].Ringing("tls")
		if err == nil {
			c.far, err = end, c.accept(end, invite)
		}
		answered <- err
	}()
	return c.ask("sendrecv", answered)
}

// In has the peer call the office.
func (c *Conversation) In() error {
	c.world.placing.Lock()
	defer c.world.placing.Unlock()
	c.far = c.world.Carriers[c.trunk.Name].Dial("tls", c.id(), numbers[c.trunk.Prefix]+"@"+domain, c.trunk.Name)
	return c.offer(false, func() (*dialog.End, dialog.Arrival, error) { return c.world.PBX.Ringing("udp") })
}

// Hold has the office hold the call, or take it back.
func (c *Conversation) Hold(on bool) error {
	answered := make(chan error, 1)
	go func() {
		invite, err := c.far.Expect("INVITE")
		if err == nil {
			err = c.accept(c.far, invite)
		}
		answered <- err
	}()
	return c.ask(map[bool]string{true: "sendonly", false: "sendrecv"}[on], answered)
}

// Change has the peer describe itself anew: from another place, or in another codec.
func (c *Conversation) Change() error {
	return c.offer(true, func() (*dialog.End, dialog.Arrival, error) {
		invite, err := c.near.Expect("INVITE")
		return c.near, invite, err
	})
}

// ask sends an offer of the office's and waits for the other end.
func (c *Conversation) ask(direction string, answered <-chan error) error {
	ok, err := c.near.Invite(c.Near.Describe(direction))
	if far := <-answered; far != nil {
		return far
	}
	if err != nil {
		return err
	}
	to, err := ok.AudioAt()
	if err != nil {
		return err
	}
	c.Near.Speak(to, true)
	return nil
}

// accept answers an offer of the box's with what the peer says.
func (c *Conversation) accept(end *dialog.End, invite dialog.Arrival) error {
	body, err := c.Far.Answer(invite.Body())
	if err != nil {
		return err
	}
	return end.Accept(invite, body)
}

// offer sends what the peer says of itself, and has the office answer.
func (c *Conversation) offer(change bool, arrives func() (*dialog.End, dialog.Arrival, error)) error {
	body, err := c.Far.Offer(change)
	if err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() {
		answered <- c.take(arrives)
	}()
	ok, err := c.far.Invite(body)
	if near := <-answered; near != nil {
		return near
	}
	if err != nil {
		return err
	}
	return c.Far.Take(ok.Body())
}

// take has the office answer an offer of the box's; one without its codec is refused, as a telephone does, and the box may
// try another.
func (c *Conversation) take(arrives func() (*dialog.End, dialog.Arrival, error)) error {
	end, invite, err := arrives()
	if err == nil && !strings.Contains(invite.Body(), c.Near.Codec.line()) {
		if err = end.Refuse(invite, 488); err == nil {
			end, invite, err = arrives()
		}
	}
	if err != nil {
		return err
	}
	to, err := invite.AudioAt()
	if err != nil {
		return err
	}
	c.near = end
	c.Near.Speak(to, true)
	return end.Accept(invite, c.Near.Describe("sendrecv"))
}

// HangUp ends the call from the peer's end or the office's.
func (c *Conversation) HangUp(byFar bool) error {
	if byFar {
		return c.far.HangUp(c.near)
	}
	return c.near.HangUp(c.far)
}

// Listening is how long it is listened for a tone.
const Listening = 1500 * time.Millisecond

// Listen hears both ends for a while, and says what each heard: nil samples are silence.
func (c *Conversation) Listen(d time.Duration) (near, far []int16, err error) {
	c.Near.Mark()
	if err := c.Far.Mark(); err != nil {
		return nil, nil, err
	}
	time.Sleep(d)
	far, err = c.Far.Heard()
	return c.Near.Codec.decode(c.Near.Heard()), far, err
}

// settle bounds how long a peer may take to begin to speak or to hear.
const settle = 6 * time.Second

// Both waits until both ends hear one another's tone, and nothing else.
func (c *Conversation) Both() (string, error) {
	return c.until(func(near, far tone.Judgement) bool { return near.Heard() && far.Heard() })
}

// OnHold waits until the peer hears the office, and the office nobody: what a peer says that was told to be quiet is the
// peer's own business, so that it is silence that is waited for.
func (c *Conversation) OnHold() (string, error) {
	return c.until(func(near, far tone.Judgement) bool { return near.Strength[FarTone] < 100 && far.Heard() })
}

func (c *Conversation) until(enough func(near, far tone.Judgement) bool) (string, error) {
	for begun := time.Now(); ; {
		near, far, err := c.Listen(Listening)
		if err != nil {
			return "", err
		}
		n, f := tone.Judge(near, FarTone, NearTone, 850, 1480), tone.Judge(far, NearTone, FarTone, 850, 1480)
		said := fmt.Sprintf("office %s; peer %s", n, f)
		if enough(n, f) {
			return said, nil
		}
		if time.Since(begun) > settle {
			return said, fmt.Errorf("not heard as it should be: %s", said)
		}
	}
}
