package sdp

import "strings"

// Fresh makes an offer for a caller who sent none (RFC 3264 §5, delayed offer), from the encoding names that may be spoken
// with that caller; none: from the anchor's allow-list. Telephone events are offered with it. The error is a *Fault with
// status 488 when no codec is left.
func Fresh(a Anchor, names []string) ([]byte, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if names == nil {
		names = a.Codecs
	}
	var codecs []Codec
	for _, name := range names {
		if c, ok := usual(name); ok {
			codecs = append(codecs, c)
		}
	}
	codecs, err := a.offered(append(codecs, Codec{PT: 101, Name: telephoneEvent, Rate: 8000, Channels: 1, Fmtp: "0-16"}))
	if err != nil {
		return nil, err
	}
	s := stream{proto: a.proto(), anchor: a, mux: a.Mux, codecs: codecs, cryptos: a.Cryptos, dtls: a.DTLS, direction: a.direction(SendRecv)}
	s.ptime, s.maxPtime = a.packets(&Audio{Ptime: 20})
	return write(&a, []media{s}), nil
}

// usual returns a codec by its name under the payload type it usually has (RFC 3551 §6).
func usual(name string) (Codec, bool) {
	for _, pt := range []uint8{0, 3, 4, 8, 9, 15, 18} {
		if c, ok := staticCodec(pt); ok && strings.EqualFold(c.Name, name) {
			return c, true
		}
	}
	if strings.EqualFold(name, "opus") {
		return Codec{PT: 96, Name: "opus", Rate: 48000, Channels: 2}, true
	}
	return Codec{}, false
}
