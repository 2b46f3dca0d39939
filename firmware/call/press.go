package call

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

// Key presses cross as they come, unless the policy says that a peer is told of them in another way:
//
//	audio (RFC 4733) of one peer -> the relay takes it out -> INFO to the other
//	INFO of one peer             -> the relay presses the key -> audio to the other

// relayType is the body of INFO that nearly everybody knows.
const relayType = "application/dtmf-relay"

// usualPress is how long a key is pressed when nobody says.
const usualPress = 160 * time.Millisecond

// pressedKey is a note: the peer of a leg has pressed a key, in its audio.
type pressedKey struct {
	leg   *Leg
	press media.Press
}

// eventsFor is how telephone events are described on a leg, on behalf of the other.
func (p *Party) eventsFor(other *Party) sdp.Events {
	switch {
	case p.DTMF == policy.DTMFInfo:
		return sdp.EventsNone
	case other.DTMF == policy.DTMFInfo:
		return sdp.EventsOwn
	}
	return sdp.EventsPass
}

// events are what the relay does with the telephone events of a leg, nil when its peer has agreed on none.
func (s *Session) events(l, other *Leg) *media.Events {
	ours, _ := l.said().Audio()
	theirs, _ := l.remote().Audio()
	receive, agreed := ours.TelephoneEvents()
	send, too := theirs.TelephoneEvents()
	if !agreed || !too || !receive.Same(send) {
		return nil
	}
	e := &media.Events{Send: send.PT, Rate: send.Rate, Receive: receive.PT}
	if other.Party.DTMF == policy.DTMFInfo {
		e.Pressed = func(p media.Press) { s.inbox.Post(pressedKey{l, p}) }
	}
	return e
}

// tellPress tells the other leg's peer by INFO of a key.
func (s *Session) tellPress(n pressedKey) {
	if n.leg != s.caller && n.leg != s.callee {
		return // it has left the call
	}
	other := s.other(n.leg)
	if other == nil || other.Dialog == nil || other.gone || len(s.passing) >= infoWindow {
		s.log.Info("key press not passed on", "from", n.leg.Party.Peer.Name)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	out, err := s.send(ctx, other, other.Dialog.RequestWith(sip.INFO, writePress(n.press), relayType))
	if err != nil {
		s.log.Info("key press not passed on", "to", other.Party.Peer.Name, "err", err)
		return
	}
	s.awaits(out, nil)
}

// pressesKey takes a key press out of an INFO and has the relay press it towards a leg, where the policy wants that and the
// leg's peer has agreed on telephone events. It reports false when the INFO is to be passed on.
func (s *Session) pressesKey(from, to *Leg, in *ua.Incoming) bool {
	converts := to.Party.DTMF == policy.DTMFRFC4733 || to.Party.DTMF != policy.DTMFInfo && from.Party.DTMF == policy.DTMFInfo
	if !converts || to.remote() == nil || to.said() == nil || s.events(to, from) == nil {
		return false
	}
	press, ok := readPress(in.BodyType(), in.Body())
	if !ok {
		s.answer(in, ua.Reply{Status: 400})
		return true
	}
	if err := to.media.Press(press); err != nil {
		s.answer(in, ua.Reply{Status: 503})
		return true
	}
	s.answer(in, ua.Reply{Status: 200})
	return true
}

func writePress(p media.Press) []byte {
	return fmt.Appendf(nil, "Signal=%c\r\nDuration=%d\r\n", p.Key, p.Duration.Milliseconds())
}

// readPress reads application/dtmf-relay, lines of a name and a value, and application/dtmf, the key alone. Keys may be
// written as numbers of RFC 4733 §3.2 too.
func readPress(contentType string, body []byte) (media.Press, bool) {
	p := media.Press{Duration: usualPress}
	if contentType != relayType {
		key, ok := keyOf(strings.TrimSpace(string(body)))
		p.Key = key
		return p, ok
	}
	found := false
	for line := range strings.Lines(string(body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "signal":
			p.Key, found = keyOf(value)
		case "duration":
			if ms, err := strconv.ParseUint(value, 10, 16); err == nil && ms > 0 {
				p.Duration = time.Duration(ms) * time.Millisecond
			}
		}
	}
	return p, found
}

// keyOf reads a key: 0 to 9, *, #, A to D, ! for the hook, or 10 to 16 for those from * on.
func keyOf(s string) (byte, bool) {
	const keys = "0123456789*#ABCD!"
	if n, err := strconv.ParseUint(s, 10, 8); err == nil && len(s) == 2 && n < uint64(len(keys)) {
		return keys[n], true
	}
	if s = strings.ToUpper(s); len(s) == 1 && strings.Contains(keys, s) {
		return s[0], true
	}
	return 0, false
}
