package media

import (
	"encoding/binary"
	"time"
)

// Press is one press of a key of a telephone.
type Press struct {
	Key      byte // 0 to 9, *, #, A to D, or ! for a flash of the hook
	Duration time.Duration
}

// Events are the telephone events (RFC 4733) of a leg whose peer has agreed on them, where key presses do not simply cross as
// they are.
type Events struct {
	Send uint8 // the payload type that the peer takes them in
	Rate int   // their clock, Hz
	// Receive is the payload type that the peer sends them in, and Pressed is told of each press, one after the other. Then
	// they do not cross to the other leg. Pressed must not wait; nil: they cross.
	Receive uint8
	Pressed func(Press)
}

// eventKeys are the keys by their number (RFC 4733 §3.2).
const eventKeys = "0123456789*#ABCD!"

// pressed is a press on its way to whom it is told.
type pressed struct {
	to    func(Press)
	press Press
}

// tellPresses tells of presses until the relay is closed.
func (r *Relay) tellPresses() {
	for {
		select {
		case <-r.ended:
			return
		case p := <-r.presses:
			p.to(p.press)
		}
	}
}

// listener reads the presses of a leg's peer. An event is told once, whatever is repeated or lost:
//
//	event | E  volume | duration
//	  5   | 0    10   |    160     marked, the same timestamp in each packet of the event
//	  5   | 0    10   |    320
//	  5   | 1    10   |    480     three times: over
type listener struct {
	open      bool   // an event has begun and was not told
	begun     bool   // there was one at all
	event     byte   // of the last one
	timestamp uint32 // of the last one
	duration  uint16 // as it was said last
	before    uint32 // the duration of its segments before this one (RFC 4733 §2.5.1.3)
}

// events takes telephone events out of what the leg's peer sends, and tells whether the packet was one.
func (w *worker) events(h *half, packet []byte) bool {
	e := h.events
	timestamp := binary.BigEndian.Uint32(packet[4:])
	if packet[1]&0x7f != e.Receive {
		if late := timestamp - h.listener.timestamp; h.listener.open && int32(late) > int32(h.listener.duration)+int32(e.Rate/10) {
			w.tell(h) // its end was lost, and speech goes on
		}
		return false
	}
	if p := payload(packet); len(p) >= 4 {
		w.hear(h, timestamp, p[0], p[1]&0x80 != 0, binary.BigEndian.Uint16(p[2:]))
	}
	return true
}

// hear takes one packet of an event.
func (w *worker) hear(h *half, timestamp uint32, event byte, over bool, duration uint16) {
	l := &h.listener
	switch behind := int32(timestamp - l.timestamp); {
	case l.begun && behind < 0: // overtaken by the next one
		return
	case l.begun && behind == 0 && !l.open: // told already
		return
	case l.begun && behind == 0:
		l.duration = max(l.duration, duration)
	case l.open && event == l.event && timestamp == l.timestamp+uint32(l.duration): // the next segment of a long press
		l.before += uint32(l.duration)
		l.timestamp, l.duration = timestamp, duration
	default:
		if l.open {
			w.tell(h)
		}
		*l = listener{open: true, begun: true, event: event, timestamp: timestamp, duration: duration}
	}
	if over {
		w.tell(h)
	}
}

// tell tells of the event that is open. What cannot be told in time is lost: packets do not wait.
func (w *worker) tell(h *half) {
	l := &h.listener
	l.open = false
	if int(l.event) >= len(eventKeys) {
		return // no key
	}
	units := time.Duration(l.before) + time.Duration(l.duration)
	p := Press{Key: eventKeys[l.event], Duration: units * time.Second / time.Duration(h.events.Rate)}
	select {
	case w.presses <- pressed{h.events.Pressed, p}:
	default:
		w.log.Warn("a key press is lost: nobody takes it")
	}
}
