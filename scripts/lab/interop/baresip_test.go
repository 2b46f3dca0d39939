package interop_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/capture"
	"tollgate/scripts/lab/interop"
	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/tone"
)

// office builds a branch whose carrier has telephones by baresip behind Kamailio, as the office has them without encryption.
func office(t *testing.T, w branch.Wishes) *branch.Branch {
	t.Helper()
	possible(t, branch.Programs()...)
	w.Binary = binary
	b := branch.New(w)
	t.Cleanup(func() {
		if t.Failed() && b.Box != nil && b.Box.Process != nil {
			t.Logf("the box said:\n%s", b.Box.Process.Tail(60))
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// telephones are a call between the office's and the carrier's. Until the first hold each is judged by what it has recorded.
// baresip records nothing more afterwards, though it speaks and hears: what follows is judged on the office's link, where
// both ways are in the clear, the carrier's having been decrypted by the box.
type telephones struct {
	b             *branch.Branch
	phone, public *peer.Phone
}

// until repeats a judgement for some seconds.
func until(judge func() (said string, enough bool, err error)) (string, error) {
	for begun := time.Now(); ; {
		said, enough, err := judge()
		if err != nil || enough {
			return said, err
		}
		if time.Since(begun) > 8*time.Second {
			return "", fmt.Errorf("not heard as it should be: %s", said)
		}
	}
}

// recorded waits until either has recorded the other.
func (c telephones) recorded() (string, error) {
	return until(func() (said string, enough bool, err error) {
		if err := errors.Join(c.phone.Mark(), c.public.Mark()); err != nil {
			return "", false, err
		}
		time.Sleep(interop.Listening)
		near, err := c.phone.HeardSince()
		if err != nil {
			return "", false, err
		}
		far, err := c.public.HeardSince()
		n, f := tone.Judge(near, c.public.Tone, c.phone.Tone), tone.Judge(far, c.phone.Tone, c.public.Tone)
		return fmt.Sprintf("%s recorded %s; %s recorded %s", c.phone.Name, n, c.public.Name, f), n.Heard() && f.Heard(), err
	})
}

// passing waits until both ways of the call pass the box with their tones, and the carrier's telephone is sent as much; or
// until nothing does.
func (c telephones) passing(yes bool) (string, error) {
	return until(func() (string, bool, error) {
		begun := time.Now()
		time.Sleep(interop.Listening)
		inside, outside := c.b.Captures()
		to, from, err := c.ways(inside, c.phone.Host.Address, begun)
		if err != nil {
			return "", false, err
		}
		sent, _, err := c.ways(outside, c.public.Host.Address, begun)
		n, f := tone.Judge(to, c.public.Tone, c.phone.Tone), tone.Judge(from, c.phone.Tone, c.public.Tone)
		said := fmt.Sprintf("to %s %s, from it %s; %d octets to %s", c.phone.Name, n, f, len(sent), c.public.Name)
		if !yes {
			return said, len(to)+len(from)+len(sent) == 0, err
		}
		return said, n.Heard() && f.Heard() && len(sent) > tone.Rate/2, err
	})
}

// ways are the payloads that have passed a link to and from a telephone since a moment, taken as PCMA.
func (c telephones) ways(file string, at netip.Addr, since time.Time) (to, from []int16, err error) {
	packets, err := capture.Read(file)
	if err != nil {
		return nil, nil, err
	}
	var late []capture.Packet
	for _, p := range packets {
		if p.At.After(since) {
			late = append(late, p)
		}
	}
	for _, s := range capture.Streams(late, 1) {
		switch at {
		case s.Destination.Addr():
			to = append(to, s.Decoded()["PCMA"]...)
		case s.Source.Addr():
			from = append(from, s.Decoded()["PCMA"]...)
		}
	}
	return to, from, nil
}

// held runs a call: tones both ways, and either side holds it, when nothing passes, and takes it back.
func held(t *testing.T, b *branch.Branch, c branch.Conversation) {
	t.Helper()
	call := telephones{b, b.Phones[0], b.Subscribers[0]}
	if c.To == b.Phones[1] {
		call = telephones{b, b.Phones[1], b.Subscribers[1]}
	}
	step(t, "forget the call before", errors.Join(c.From.DropRecordings(), c.To.DropRecordings()))
	c.From.Forget()
	c.To.Forget()
	step(t, "call", c.From.Dial(t.Context(), c.Number))
	heard(t, "answer", c.To.Answered(t.Context()), call.recorded)
	for _, p := range []*peer.Phone{c.From, c.To} {
		heard(t, p.Name+" holds", p.Hold(true), func() (string, error) { return call.passing(false) })
		heard(t, p.Name+" resumes", p.Hold(false), func() (string, error) { return call.passing(true) })
	}
	step(t, "hang up", c.From.HangUp(t.Context()))
	step(t, "the end", c.To.Ended(t.Context()))
}

// A telephone answers with each suite it has, and offers the first alone.
func TestBaresipIsHeardAndHearsWithEachSuiteItHas(t *testing.T) {
	t.Parallel()
	b := office(t, branch.Wishes{})
	for i, suite := range []string{"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"} {
		step(t, suite, b.Encrypt(t.Context(), suite))
		t.Run(suite, func(t *testing.T) {
			t.Run("called", func(t *testing.T) { t.Parallel(); held(t, b, b.Outgoing()) })
			if i == 0 {
				t.Run("calling", func(t *testing.T) { t.Parallel(); held(t, b, b.Incoming()) })
			}
		})
	}
}

func TestBaresipIsHeardAndHearsWithKeysByDTLS(t *testing.T) {
	t.Parallel()
	b := office(t, branch.Wishes{DTLS: true})
	for _, suite := range []string{"AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"} {
		step(t, suite, b.Encrypt(t.Context(), suite))
		t.Run(suite, func(t *testing.T) {
			t.Run("called", func(t *testing.T) { t.Parallel(); held(t, b, b.Outgoing()) })
			t.Run("calling", func(t *testing.T) { t.Parallel(); held(t, b, b.Incoming()) })
		})
	}
}
