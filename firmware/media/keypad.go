package media

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// keypad presses keys towards a leg's peer, as telephone events in the place of the audio that it would get: source, numbers
// and pace of the packets are those of the audio, so that nothing has to be renumbered. To a peer that gets no audio it
// sends them itself, from the box's own source.
//
//	audio   1 2 3 4 5 6 7 8 9
//	leaves  1 e e e E E E 8 9    the event's timestamp is that of 2; E: over, three times (RFC 4733 §2.5.1.4)
type keypad struct {
	queue   [8]Press
	waiting int  // how many of them are to come; the first one may be under way
	beating bool // somebody beats time

	pressing bool
	alone    bool   // the packets are the box's own
	sent     int    // packets of this event
	last     int    // of them, those that say it is over
	began    uint32 // the event's timestamp
	duration uint16 // as it was said last
	rest     int    // packets of audio that go before the next event
	audio    time.Time
}

const (
	eventVolume = 10 // -10 dBm0, as telephones do
	eventOver   = 0x80
	ends        = 3
	restBetween = 3 // packets: keys are told apart by 40 ms of silence (ITU-T Q.24)
	beat        = 20 * time.Millisecond
	silence     = 3 * beat // without audio for that long, the keypad sends alone

	shortestPress = 40 * time.Millisecond
	longestPress  = 6 * time.Second
)

// errPress is returned by Leg.Press when the peer takes no events, no such key, or presses faster than they leave.
var errPress = errors.New("media: the key press cannot be sent")

// Press presses a key towards the leg's peer, behind those that are under way. It returns at once.
func (l *Leg) Press(p Press) error {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	h, idle, taken := l.half, false, false
	h.rtp.do(func() {
		if h.keypad == nil {
			h.keypad = new(keypad)
		}
		k := h.keypad
		if h.events == nil || k.waiting == len(k.queue) || strings.IndexByte(eventKeys, p.Key) < 0 {
			return
		}
		p.Duration = min(max(p.Duration, shortestPress), longestPress)
		if taken = true; !k.beating {
			k.beating, idle, k.audio = true, true, time.Now()
		}
		k.queue[k.waiting] = p
		k.waiting++
	})
	if !taken {
		return errPress
	}
	if idle {
		r := l.session.relay
		r.handshakes.Go(func() { r.pressAlone(h) })
	}
	return nil
}

// pressAlone beats time for a keypad until it has nothing left to press, for the case that no audio does.
func (r *Relay) pressAlone(h *half) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for more := true; more; {
		select {
		case <-r.ended:
			return
		case now := <-t.C:
			more = false
			h.rtp.do(func() { more = h.rtp.owner.Load().beat(h, now) })
		}
	}
}

// beat sends an event's next packet if no audio comes that could carry it. It reports whether keys wait.
func (w *worker) beat(h *half, now time.Time) (more bool) {
	k := h.keypad
	switch {
	case k.waiting == 0 || h.events == nil:
		k.waiting, k.pressing, k.beating = 0, false, false
		return false
	case now.Sub(k.audio) < silence && !(k.pressing && k.alone):
		return true
	case k.pressing && !k.alone: // the audio has stopped in the middle of the key: it is pressed long enough
		k.done()
		return true
	}
	packet := append(h.opening.packet(now), 0, 0, 0, 0)
	k.alone = true
	if k.press(h.events, packet, uint32(now.UnixMilli()*int64(h.events.Rate)/1000)) {
		w.emit(h, packet, false)
	}
	return true
}

// replace makes an event's next packet out of one of audio that is about to leave.
func (w *worker) replace(h *half, packet []byte) []byte {
	k := h.keypad
	k.audio = w.now
	if k.pressing && k.alone || h.events == nil {
		return packet
	}
	n := headerSize(packet)
	if n+4 > cap(packet) {
		return packet
	}
	k.alone = false
	event := packet[:n+4]
	if !k.press(h.events, event, binary.BigEndian.Uint32(packet[4:])) {
		return packet
	}
	event[0] &^= 0x20 // no padding
	return event
}

// press writes the next packet of the first key that waits, at a moment of the clock. It reports false when none is due.
func (k *keypad) press(e *Events, packet []byte, at uint32) bool {
	if k.rest > 0 {
		k.rest--
		return false
	}
	if !k.pressing {
		k.pressing, k.sent, k.last, k.began, k.duration = true, 0, 0, at, 0
	}
	p := k.queue[0]
	whole := min(uint32(p.Duration*time.Duration(e.Rate)/time.Second), 0xffff)
	if k.last == 0 { // afterwards the duration stays
		step := uint32(e.Rate) * uint32(beat/time.Millisecond) / 1000
		k.duration = uint16(min(at-k.began+step, whole))
	}
	packet[1] = e.Send
	if k.sent == 0 {
		packet[1] |= 0x80
	}
	k.sent++
	binary.BigEndian.PutUint32(packet[4:], k.began)
	b := packet[len(packet)-4:]
	b[0], b[1] = byte(strings.IndexByte(eventKeys, p.Key)), eventVolume
	binary.BigEndian.PutUint16(b[2:], k.duration)
	if uint32(k.duration) == whole {
		b[1] |= eventOver
		if k.last++; k.last == ends {
			k.done()
		}
	}
	return true
}

// done takes the first key off the queue.
func (k *keypad) done() {
	copy(k.queue[:], k.queue[1:])
	k.waiting--
	k.pressing, k.rest = false, restBetween
}
