package sdp

import "slices"

// Answers checks d, a peer's answer, against the offer of ours that it got (RFC 3264 §6). What belongs to the keys is
// left to Accepted. The error is a *Fault with status 488.
func (d *Description) Answers(offer *Description) error {
	switch {
	case len(d.media) != len(offer.media):
		return unacceptable(0, "the answer has %d media lines, the offer %d", len(d.media), len(offer.media))
	case offer.audio == nil:
		return unacceptable(0, "the offer has no audio stream that can be carried")
	case d.audio == nil:
		return unacceptable(0, "the answer rejects the audio stream")
	case d.audio.Index != offer.audio.Index:
		return unacceptable(0, "the answer accepts media line %d, which was not offered", d.audio.Index+1)
	case d.audio.Secure() != offer.audio.Secure(), d.audio.Handshakes() != offer.audio.Handshakes():
		return unacceptable(0, "the answer is for %s, the offer for %s", d.audio.Proto, offer.audio.Proto)
	case (d.audio.Fax == nil) != (offer.audio.Fax == nil):
		return unacceptable(0, "the answer is for %s, the offer for %s", d.audio.Proto, offer.audio.Proto)
	case d.audio.Fax != nil:
		return nil
	}
	known := func(c Codec) bool {
		_, ok := counterpart(c, offer.audio.Codecs)
		return ok && c.Voice()
	}
	if !slices.ContainsFunc(d.audio.Codecs, known) {
		return unacceptable(0, "the answer has no codec of the offer")
	}
	return nil
}
