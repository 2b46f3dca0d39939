package outlive

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tollgate/scripts/lab/dialog"
)

// Call is a call through the box.
type Call struct {
	Kind       string
	Inbound    bool // the carrier calls
	Held       bool
	Near, Far  *End // the office's and the carrier's
	version    int
	word       uint32
	firstSpeak uint16
}

// End is one end of a call: a dialog of a party, and its audio.
type End struct {
	*Audio
	*dialog.End // nil before there is a call
	party       *dialog.Party
	transport   string
}

// Place brings a call of a kind up and has both ends speak. word is what its packets carry, first the number of the first.
func (w *World) Place(ctx context.Context, kind string, inbound bool, word uint32, first uint16) (*Call, error) {
	trunk := kinds[0]
	for _, k := range kinds {
		if k.Name == kind {
			trunk = k
		}
	}
	c := &Call{Kind: kind, Inbound: inbound, word: word, firstSpeak: first}
	near, err := newAudio(w.Lab.PBX, w.PBX.At, word, first)
	if err != nil {
		return nil, err
	}
	far, err := newAudio(w.Carriers[kind].Host, w.Carriers[kind].At, word, first)
	if err != nil {
		near.Close()
		return nil, err
	}
	c.Near = &End{Audio: near, party: w.PBX, transport: "udp"}
	c.Far = &End{Audio: far, party: w.Carriers[kind], transport: trunk.Transport}
	caller, callee := c.Near, c.Far
	number := trunk.Prefix + map[string]string{"+33": "472105518", "+49": "30123456", "+44": "2079460000", "+34": "911234567", "+39": "0612345678"}[trunk.Prefix]
	user := number
	if inbound {
		caller, callee, user = c.Far, c.Near, trunk.Name
	}
	if err := c.connect(ctx, caller, callee, user, number, trunk); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return c, nil
}

func (c *Call) String() string {
	way := "out"
	if c.Inbound {
		way = "in"
	}
	return fmt.Sprintf("call %d, %s, %s", c.word, c.Kind, way)
}

// Close ends the audio.
func (c *Call) Close() {
	c.Near.Close()
	c.Far.Close()
}

func (c *Call) connect(ctx context.Context, caller, callee *End, user, number string, trunk Trunk) error {
	from := "+33123456700"
	if c.Inbound {
		from = number
	}
	id := fmt.Sprintf("%s-%d-%d", c.Kind, c.word, time.Now().UnixNano())
	caller.End = caller.party.Dial(caller.transport, id, from+"@"+domain, user)
	offer := ""
	if c.Inbound && trunk.SRTP == "required" {
		if trunk.Keying == "dtls" || trunk.Suites != "AES_CM_128_HMAC_SHA1_80" {
			return fmt.Errorf("this carrier offers AES-CM only")
		}
		offer = caller.offerKeys()
	} else {
		offer, _ = caller.describe(1, "sendrecv", "")
	}
	answered := make(chan error, 1)
	go func() { answered <- callee.takeCall(ctx) }()
	ok, err := caller.Invite(offer)
	if err != nil {
		return err
	}
	if err := <-answered; err != nil {
		return err
	}
	if strings.Contains(ok.Body(), "RTP/SAVP") {
		if err := caller.takeKeys(ok.Body()); err != nil {
			return err
		}
	}
	to, err := ok.AudioAt()
	if err != nil {
		return err
	}
	caller.start(to)
	return nil
}

// takeCall answers the next call of the box.
func (e *End) takeCall(ctx context.Context) error {
	end, a, err := e.party.Ringing(e.transport)
	if err != nil {
		return err
	}
	e.End = end
	body, err := e.describe(1, "sendrecv", a.Body())
	if err != nil {
		return err
	}
	if err := e.Accept(a, body); err != nil {
		return err
	}
	to, err := a.AudioAt()
	if err != nil {
		return err
	}
	if strings.Contains(body, "UDP/TLS") {
		ctx, cancel := context.WithTimeout(ctx, dialog.Patience)
		defer cancel()
		if err := e.shake(ctx, to); err != nil {
			return err
		}
	}
	e.start(to)
	return nil
}

// Hold has the office hold the call, or take it back.
func (c *Call) Hold(on bool) error {
	c.version++
	direction, other := "sendrecv", "sendrecv"
	if on {
		direction, other = "sendonly", "recvonly"
	}
	offer, err := c.Near.describe(1+c.version, direction, "")
	if err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() { answered <- c.Far.takeChange(1+c.version, other) }()
	if _, err := c.Near.Invite(offer); err != nil {
		return fmt.Errorf("%s: hold %v: %w", c, on, err)
	}
	c.Held = on
	c.Far.hush(on)
	return <-answered
}

// takeChange answers a re-INVITE of the box.
func (e *End) takeChange(version int, direction string) error {
	a, err := e.Expect("INVITE")
	if err != nil {
		return err
	}
	body, err := e.describe(version, direction, a.Body())
	if err != nil {
		return err
	}
	return e.Accept(a, body)
}

// HangUp ends the call from one end and has the other see that.
func (c *Call) HangUp(byFar bool) error {
	one, other := c.Near, c.Far
	if byFar {
		one, other = c.Far, c.Near
	}
	if err := one.HangUp(other.End); err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	return nil
}

// hearing are the ends that should hear something.
func (c *Call) hearing() []*End {
	if c.Held {
		return []*End{c.Far}
	}
	return []*End{c.Near, c.Far}
}

// Mark begins a new stretch of listening.
func (c *Call) Mark() {
	c.Near.mark()
	c.Far.mark()
}

// Heard waits until every end that should has heard the other since Mark, and tells when the last one did.
func (c *Call) Heard(until time.Time) (last time.Time, err error) {
	for _, e := range c.hearing() {
		for e.first.Load() == nil {
			if time.Now().After(until) {
				return last, fmt.Errorf("%s: the %s hears nothing%s", c, e.party.Name, e.why())
			}
			time.Sleep(5 * time.Millisecond)
		}
		if at := *e.first.Load(); at.After(last) {
			last = at
		}
	}
	return last, nil
}

// Faults is how many packets were not as they should be, at either end.
func (c *Call) Faults() error {
	for _, e := range []*End{c.Near, c.Far} {
		if n := e.wrong.Load(); n > 0 {
			return fmt.Errorf("%s: %d packets that the %s heard were wrong%s", c, n, e.party.Name, e.why())
		}
	}
	return nil
}

func (a *Audio) why() string {
	if why := a.last.Load(); why != nil {
		return ": " + *why
	}
	return ""
}

// RolledOver tells whether the numbers of what the carrier hears, encrypted, have begun anew.
func (c *Call) RolledOver() bool { return c.Far.rolls.Load() > 0 }

// Skip leaves numbers out at both ends.
func (c *Call) Skip(n uint16) {
	c.Near.skip(n)
	c.Far.skip(n)
}
