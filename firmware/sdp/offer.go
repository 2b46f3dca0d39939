package sdp

import "slices"

// Offer makes the offer for the other leg from d, an offer of this one: the audio stream alone, at the anchor's
// addresses, with d's codecs as far as the anchor allows them, in the anchor's order and under d's payload types.
//
// The error is a *Fault with status 488 when d has no audio or no codec is left.
func (d *Description) Offer(a Anchor) ([]byte, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if d.audio == nil {
		return nil, unacceptable(0, "the offer has no audio stream that can be carried")
	}
	if d.audio.Fax != nil {
		return write(&a, []media{faxStream{a.Local.Port(), d.audio.Fax}}), nil
	}
	codecs, err := a.offered(d.audio.Codecs)
	if err != nil {
		return nil, err
	}
	s := stream{
		proto:     a.proto(),
		anchor:    a,
		mux:       a.Mux,
		codecs:    codecs,
		cryptos:   a.Cryptos,
		dtls:      a.DTLS,
		direction: a.direction(d.audio.Direction),
		zrtp:      a.zrtp(codecs, d.audio),
	}
	s.ptime, s.maxPtime = a.packets(d.audio)
	return write(&a, []media{s}), nil
}

// offered filters and orders codecs by the allow-list, and swaps those of G.711 where that has to be.
func (a *Anchor) offered(codecs []Codec) ([]Codec, error) {
	var kept []Codec
	for _, c := range codecs {
		if a.allows(c) {
			kept = append(kept, c)
		}
	}
	if a.Swap || !slices.ContainsFunc(kept, Codec.Voice) {
		kept = a.swapped(codecs, kept)
	}
	slices.SortStableFunc(kept, func(x, y Codec) int {
		i, _ := a.rank(x)
		j, _ := a.rank(y)
		return i - j
	})
	kept, err := sound(kept, "no codec of the offer is allowed towards the other side")
	if err != nil {
		return nil, err
	}
	return a.Events.settle(kept, nil), nil
}
