package sdp

import "strings"

// Fresh makes an offer from nothing but the anchor's allow-list, for a caller who sent none (RFC 3264 §5, delayed offer).
// Telephone events are offered with it. The error says that no codec of the list is known.
func Fresh(a Anchor) ([]byte, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	var codecs []Codec
	for _, name := range a.Codecs {
		if c, ok := usual(name); ok {
			codecs = append(codecs, c)
		}
	}
	if len(codecs) == 0 {
		return nil, unacceptable(0, "no codec may be offered to the other side")
	}
	codecs = append(codecs, Codec{PT: 101, Name: telephoneEvent, Rate: 8000, Channels: 1, Fmtp: "0-16"})
	s := stream{proto: a.proto(), anchor: a, mux: a.Mux, codecs: codecs, cryptos: a.Cryptos, dtls: a.DTLS, ptime: 20, direction: a.direction(SendRecv)}
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
