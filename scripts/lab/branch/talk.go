package branch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/tone"
)

// Conversation is a call to be placed.
type Conversation struct {
	From, To *peer.Phone
	Number   string // as From dials it
	Seconds  float64
	// CalledHangsUp lets To end the call.
	CalledHangsUp bool
	// During is run while both are connected; may be nil.
	During func(context.Context) error
}

// Outgoing is a call of the first phone to the carrier's first subscriber, dialled as French offices dial.
func (b *Branch) Outgoing() Conversation {
	return Conversation{From: b.Phones[0], To: b.Subscribers[0], Number: "0987654321", Seconds: 3}
}

// Incoming is a call of the carrier's second subscriber to the second phone; the phone hangs up.
func (b *Branch) Incoming() Conversation {
	return Conversation{From: b.Subscribers[1], To: b.Phones[1], Number: "+33123456702", Seconds: 3, CalledHangsUp: true}
}

// Talk places a call, lets both sides play their tones for a while, hangs up and waits until everybody knows.
func (b *Branch) Talk(ctx context.Context, c Conversation) error {
	if err := errors.Join(c.From.DropRecordings(), c.To.DropRecordings()); err != nil {
		return err
	}
	c.To.Forget()
	if err := c.From.Dial(ctx, c.Number); err != nil {
		return err
	}
	if err := c.To.Answered(ctx); err != nil {
		return fmt.Errorf("%s: %w", c.To.Name, errNoCall)
	}
	if err := wait(ctx, time.Duration(c.Seconds*float64(time.Second))); err != nil {
		return err
	}
	var fault error
	if c.During != nil {
		fault = c.During(ctx)
	}
	return errors.Join(fault, end(ctx, c))
}

// end hangs up on the side that is to, and waits until the other has noticed.
func end(ctx context.Context, c Conversation) error {
	ends, learns := c.From, c.To
	if c.CalledHangsUp {
		ends, learns = c.To, c.From
	}
	if err := ends.HangUp(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, restAfterCall)
	defer cancel()
	return learns.Ended(ctx)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Heard judges what a phone heard in its last call with another: the other's tone and nobody else's.
func (b *Branch) Heard(who, other *peer.Phone) (tone.Judgement, error) {
	samples, err := who.Heard()
	if err != nil {
		return tone.Judgement{}, err
	}
	return tone.Judge(samples, other.Tone, b.tonesBut(other.Tone)...), nil
}

// tonesBut are the tones of all phones but one.
func (b *Branch) tonesBut(hertz float64) []float64 {
	var others []float64
	for _, p := range b.Everyone() {
		if p.Tone != hertz {
			others = append(others, p.Tone)
		}
	}
	return others
}

// pair returns the phone of a name and the one it talks with in the usual calls.
func (b *Branch) pair(name string) (who, other *peer.Phone) {
	for _, c := range []Conversation{b.Outgoing(), b.Incoming()} {
		switch name {
		case c.From.Name:
			return c.From, c.To
		case c.To.Name:
			return c.To, c.From
		}
	}
	return nil, nil
}
