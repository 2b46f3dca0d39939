// Package sdp reads the session descriptions of both legs of a call and writes the ones that Tollgate sends.
//
// Reading is lenient and bounded (RFC 8866): what is not understood is skipped, what is too much or broken is refused
// with a Fault that carries a SIP status and a sentence. Writing is strict and afresh: a description that leaves is made
// from parsed fields only, so that nothing of the other side's origin, session name, tools, addresses or unknown
// attributes can leak across the border (RFC 5853 §3.1).
//
//	offer of leg A -> Parse -> Offer(anchor of leg B)          -> leg B
//	answer of leg B -> Parse -> Answer(offer of leg A, anchor) -> leg A
//
// One audio stream is carried, the first active one that Tollgate speaks, or a fax by T.38 where there is none; an answer
// rejects the others with port 0 (RFC 3264 §6). SDES keys are read, checked and made here (RFC 4568), and what a DTLS handshake goes by (RFC 5763).
//
// It is pure: no sockets, no clock, randomness is passed in. It leaves to others which codecs, suites and modes a peer
// may use (call, by the policy), carrying the packets (media) and the SIP around the description (ua, call).
package sdp

import "slices"

// Bounds of what is read. Real descriptions stay far below: the largest seen, with ICE candidates, had 8 KiB.
const (
	maxBytes      = 32 << 10
	maxLines      = 1000
	maxMedia      = 32
	maxFormats    = 64
	maxAttributes = 512 // of one media section
	maxCryptos    = 16
)

// Description is one parsed session description. It is not changed after Parse and may be shared.
type Description struct {
	connection *connection // at session level, nil when absent
	direction  Direction   // at session level, "" when absent
	attributes []attribute // at session level, those that count for its streams
	shares     shares      // at session level
	media      []section
	audio      *Audio
}

// Parse reads a description. The error is a *Fault: 400 when the text is broken, 488 when it is sound but asks for
// something Tollgate does not do, such as media to a multicast address.
func Parse(b []byte) (*Description, error) {
	lines, err := split(b)
	if err != nil {
		return nil, err
	}
	d := &Description{}
	for _, l := range lines {
		if err := d.read(l); err != nil {
			return nil, err
		}
	}
	if err := d.findAudio(); err != nil {
		return nil, err
	}
	return d, nil
}

// Audio returns the stream that is carried: the first m=audio with a port other than 0 and a transport that Tollgate speaks,
// else the first fax by T.38. It reports false when there is none.
func (d *Description) Audio() (*Audio, bool) { return d.audio, d.audio != nil }

// Streams returns how many media lines the description has, the rejected ones counted in.
func (d *Description) Streams() int { return len(d.media) }

// read takes one line: of the session before the first m=, of the last media section after it.
func (d *Description) read(l line) error {
	switch l.kind {
	case 'm':
		return d.readMedia(l)
	case 'c':
		return d.readConnection(l)
	case 'b':
		d.readBandwidth(l)
	case 'a':
		return d.readAttribute(l)
	}
	return nil // RFC 8866 §5: what is not understood is ignored; the rest has no bearing on the media
}

func (d *Description) readMedia(l line) error {
	if len(d.media) == maxMedia {
		return unacceptable(l.number, "there are more than %d media lines", maxMedia)
	}
	s, err := readSection(l)
	if err != nil {
		return err
	}
	d.media = append(d.media, s)
	return nil
}

func (d *Description) readConnection(l line) error {
	c := &connection{line: l.number, value: l.value}
	if s := d.last(); s == nil {
		d.connection = c
	} else if s.connection == nil { // RFC 8866 §5.7: further ones are for layered multicast
		s.connection = c
	}
	return nil
}

func (d *Description) readAttribute(l line) error {
	a := readAttribute(l)
	s := d.last()
	if s == nil {
		if dir, ok := directionOf(a.name); ok {
			d.direction = dir
		}
		if ofStreams(a.name) && len(d.attributes) < maxAttributes {
			d.attributes = append(d.attributes, a)
		}
		return nil
	}
	if len(s.attributes) == maxAttributes {
		return unacceptable(l.number, "a media section has more than %d attributes", maxAttributes)
	}
	s.attributes = append(s.attributes, a)
	return nil
}

// last returns the media section being read, nil at session level.
func (d *Description) last() *section {
	if len(d.media) == 0 {
		return nil
	}
	return &d.media[len(d.media)-1]
}

// findAudio reads the first audio section that is active and spoken; one for DTLS only when there is no other, because not
// every peer may use it, and a fax when there is no audio at all. The others will be rejected, so that whatever else they hold cannot spoil the call.
func (d *Description) findAudio() (err error) {
	index := -1
	for i := range d.media {
		s := &d.media[i]
		if s.spoken() && (index < 0 || !s.handshakes() && d.media[index].handshakes()) {
			index = i
		}
	}
	if index >= 0 {
		d.audio, err = d.readAudio(index)
		return err
	}
	if index = slices.IndexFunc(d.media, func(s section) bool { return s.isFax() }); index >= 0 {
		d.audio, err = d.readFax(index)
	}
	return err
}
