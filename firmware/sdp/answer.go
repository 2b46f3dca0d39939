package sdp

import "slices"

// Answer makes the answer to offer from d, the answer of the other leg: as many media lines as the offer has, in its
// order, the audio stream at the anchor's addresses and every other line rejected with port 0 (RFC 3264 §6).
//
// The codecs are those of d that the offer has, in d's order, under the offer's payload types; see PayloadMap for the
// packets. The transport is the offer's.
//
// The error is a *Fault with status 488 when d rejects the audio, when no codec is common to both, or when the offer's
// transport and the anchor's keys do not fit together: an offer of SRTP is never answered in the clear.
func (d *Description) Answer(offer *Description, a Anchor) ([]byte, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if offer.audio == nil {
		return nil, unacceptable(0, "the offer has no audio stream that can be carried")
	}
	if d.audio == nil {
		return nil, unacceptable(0, "the other side rejects the audio stream")
	}
	if (d.audio.Fax == nil) != (offer.audio.Fax == nil) {
		return nil, unacceptable(0, "one side speaks and the other sends a fax")
	}
	if err := a.fits(offer.audio); err != nil {
		return nil, err
	}
	if a.Mid = ""; a.Mux && offer.audio.Mux && offer.audio.Fax == nil {
		a.Mid = offer.audio.Mid
	}
	lines := make([]media, len(offer.media))
	s, err := d.audio.answered(offer.audio, a)
	if err != nil {
		return nil, err
	}
	for i := range offer.media {
		lines[i] = rejected{&offer.media[i]}
	}
	lines[offer.audio.Index] = s
	return write(&a, lines), nil
}

// fits checks the anchor's keys against the transport and the keys of the offer.
func (a *Anchor) fits(offer *Audio) error {
	switch {
	case (a.DTLS != nil) != offer.Handshakes():
		return unacceptable(0, "the offer and the answer do not both have keys by DTLS")
	case a.DTLS != nil && (a.DTLS.Setup == SetupEither || a.DTLS.Setup == offer.DTLS.Setup):
		return unacceptable(0, "the answer to setup %s cannot be %s (RFC 4145 §4.1)", offer.DTLS.Setup, a.DTLS.Setup)
	case a.DTLS != nil:
		return nil
	case len(a.Cryptos) == 0 && offer.Secure():
		return unacceptable(0, "the offer is for SRTP, and the answer has no key")
	case len(a.Cryptos) == 0:
		return nil
	case len(a.Cryptos) > 1:
		return unacceptable(0, "an answer has one crypto line (RFC 4568 §5.1.2)")
	}
	ours := a.Cryptos[0]
	if theirs, ok := Tagged(offer.Cryptos, ours.Tag); !ok || theirs.Suite != ours.Suite {
		return unacceptable(0, "the offer has no crypto line %d for %s", ours.Tag, ours.Suite)
	}
	return nil
}

// answered makes the stream of an answer out of a, the audio of the other leg's answer.
func (a *Audio) answered(offer *Audio, anchor Anchor) (media, error) {
	if a.Fax != nil {
		return faxStream{anchor.Local.Port(), a.Fax}, nil
	}
	codecs, err := a.common(offer, &anchor)
	if err != nil {
		return nil, err
	}
	ptime, maxPtime := anchor.packets(a)
	return stream{
		proto:     offer.Proto,
		anchor:    anchor,
		mux:       anchor.Mux && offer.Mux,
		codecs:    codecs,
		cryptos:   anchor.Cryptos,
		dtls:      anchor.DTLS,
		ptime:     ptime,
		maxPtime:  maxPtime,
		direction: anchor.direction(a.Direction).within(offer.Direction),
		zrtp:      anchor.zrtp(codecs, a),
	}, nil
}

// common returns the codecs of a that the offer has and the anchor allows, under the offer's payload types
// (RFC 3264 §6.1). Where that leaves no speech, the encodings of G.711 stand for one another.
func (a *Audio) common(offer *Audio, anchor *Anchor) ([]Codec, error) {
	kept := a.matching(offer, anchor, counterpart)
	if !slices.ContainsFunc(kept, Codec.Voice) {
		kept = a.matching(offer, anchor, equivalent)
	}
	kept, err := sound(kept, "the two sides have no allowed codec in common")
	if err != nil {
		return nil, err
	}
	return anchor.Events.settle(kept, offer), nil
}

// matching returns the codecs of an offer that match those of a and that the anchor allows, in a's order.
func (a *Audio) matching(offer *Audio, anchor *Anchor, match func(Codec, []Codec) (Codec, bool)) []Codec {
	var kept []Codec
	for _, c := range a.Codecs {
		theirs, ok := match(c, offer.Codecs)
		if !ok || !anchor.allows(theirs) {
			continue
		}
		twice := slices.ContainsFunc(kept, func(k Codec) bool { return k.PT == theirs.PT })
		if !twice {
			c.PT, c.Name = theirs.PT, theirs.Name
			kept = append(kept, c)
		}
	}
	return kept
}
