package interop

import (
	"context"
	"fmt"
	"strings"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/peer"
)

// Engine is rtpengine on a machine of the carriers' network, between the box and telephones that speak in the clear.
type Engine struct {
	*peer.RTPEngine
	phones *lab.Host
}

// StartEngine runs rtpengine.
func (w *World) StartEngine(ctx context.Context) (*Engine, error) {
	h, err := w.Machine("engine", 50)
	if err != nil {
		return nil, err
	}
	phones, err := w.Machine("phones", 51)
	if err != nil {
		return nil, err
	}
	e, err := peer.StartRTPEngine(ctx, h, "--interface="+h.Address.String())
	return &Engine{e, phones}, err
}

// Manner is how rtpengine is to speak with the box.
type Manner struct {
	Suite string // by SDES; "": keys by DTLS
	ICE   bool   // with DTLS: it makes connectivity checks
}

// Anchored is a telephone behind rtpengine.
type Anchored struct {
	*Speaker
	engine *Engine
	manner Manner
	id     string
}

// Anchor makes a telephone behind rtpengine the peer of a conversation.
func (c *Conversation) Anchor(e *Engine, m Manner) (*Anchored, error) {
	s, err := newSpeaker(e.phones, e.phones.Address, PCMA, 5000, Tone(PCMA, FarTone))
	if err != nil {
		return nil, err
	}
	a := &Anchored{Speaker: s, engine: e, manner: m, id: c.id()}
	c.Far = a
	return a, nil
}

// The two ends of a call, as rtpengine tells them apart.
const (
	boxTag   = "box"
	phoneTag = "phone"
)

// Answer has rtpengine take the box's offer to the telephone, and its answer back.
func (a *Anchored) Answer(offer string) (string, error) {
	inside, err := a.command("offer", boxTag, "", offer, false)
	if err != nil {
		return "", err
	}
	to, err := audioAt(inside)
	if err != nil {
		return "", err
	}
	d := answers[direction(inside)]
	a.Speak(to, speaks(d))
	return a.command("answer", boxTag, phoneTag, a.Describe(d), true)
}

// Offer has rtpengine take the telephone's offer to the box. A telephone that has changed is at another port of its own,
// behind rtpengine, which stays where it is.
func (a *Anchored) Offer(change bool) (string, error) {
	if change {
		if err := a.move(); err != nil {
			return "", err
		}
	}
	return a.command("offer", phoneTag, "", a.Describe("sendrecv"), true)
}

// Take has rtpengine take the box's answer to the telephone.
func (a *Anchored) Take(answer string) error {
	inside, err := a.command("answer", phoneTag, boxTag, answer, false)
	if err != nil {
		return err
	}
	to, err := audioAt(inside)
	if err != nil {
		return err
	}
	a.Speak(to, true)
	return nil
}

// command has rtpengine rewrite a description, towards the box or away from it.
func (a *Anchored) command(what, from, to, description string, towardsBox bool) (string, error) {
	c := map[string]any{
		"command": what, "call-id": a.id, "from-tag": from, "sdp": description, "replace": []string{"origin", "session-connection"},
		"ICE": "remove", "transport-protocol": "RTP/AVP", "rtcp-mux": []string{"demux"},
	}
	if to != "" {
		c["to-tag"] = to
	}
	if c["SDES"] = a.manner.suites(); towardsBox {
		a.manner.ask(c, what == "offer")
	}
	out, err := a.engine.Describe(c)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if towardsBox {
		err = a.manner.kept(out)
	}
	return out, err
}

// ask has rtpengine speak with the box in a manner.
func (m Manner) ask(c map[string]any, offer bool) {
	switch {
	case m.Suite != "":
		c["transport-protocol"], c["DTLS"] = "RTP/SAVP", "off"
	default:
		c["transport-protocol"] = "UDP/TLS/RTP/SAVP"
		if c["rtcp-mux"] = []string{"accept"}; offer {
			c["rtcp-mux"] = []string{"require"}
		}
	}
	if m.ICE {
		c["ICE"] = "force"
	}
}

// kept makes sure that a description of rtpengine's says what it was told to say.
func (m Manner) kept(description string) error {
	lines := strings.Count(description, "\r\na=crypto:")
	one := lines == 1 && strings.Contains(description, " "+m.Suite+" inline:")
	if m.Suite != "" && !one || m.Suite == "" && (lines > 0 || m.ICE != strings.Contains(description, "\r\na=ice-ufrag:")) {
		return fmt.Errorf("rtpengine was to speak %+v and says\n%s", m, description)
	}
	return nil
}

// suites has every suite left out but one, those that the box does not speak too; or keys by SDES altogether.
func (m Manner) suites() (list []string) {
	if m.Suite == "" {
		return []string{"off"}
	}
	more := []string{"AES_192_CM_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_32", "F8_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_32", "NULL_HMAC_SHA1_80", "NULL_HMAC_SHA1_32"}
	for _, s := range append(more, Suites...) {
		if s != m.Suite {
			list = append(list, "no-"+s)
		}
	}
	return list
}

// Mark forgets what was heard.
func (a *Anchored) Mark() error {
	a.Speaker.Mark()
	return nil
}

// Heard is what was heard since Mark.
func (a *Anchored) Heard() ([]int16, error) {
	return a.Codec.decode(a.Speaker.Heard()), nil
}
