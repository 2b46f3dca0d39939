package sdp

import (
	"slices"
)

// Events is how an anchor treats telephone events (RFC 4733).
type Events string

// The ways: as the other leg's peer has them; none, for a peer that signals key presses otherwise; or the box's own, on
// behalf of such a peer on the other leg.
const (
	EventsPass Events = ""
	EventsNone Events = "none"
	EventsOwn  Events = "own"
)

// TelephoneEvents returns the telephone events of the stream whose clock is that of its speech, else the first ones.
func (a *Audio) TelephoneEvents() (Codec, bool) {
	events := func(c Codec) bool { return c.Name == telephoneEvent }
	i := slices.IndexFunc(a.Codecs, func(c Codec) bool { return events(c) && c.Rate == a.clock() })
	if i < 0 {
		i = slices.IndexFunc(a.Codecs, events)
	}
	if i < 0 {
		return Codec{}, false
	}
	return a.Codecs[i], true
}

// clock is that of the stream's preferred speech.
func (a *Audio) clock() int {
	for _, c := range a.Codecs {
		if c.Voice() {
			return c.Rate
		}
	}
	return 0
}

// settle gives codecs the telephone events that the anchor wants; those of an offer that is being answered, if there are
// some, else a fresh payload type where nothing is answered.
func (e Events) settle(codecs []Codec, offer *Audio) []Codec {
	events := func(c Codec) bool { return c.Name == telephoneEvent }
	switch {
	case e == EventsNone:
		return slices.DeleteFunc(codecs, events)
	case e != EventsOwn || slices.ContainsFunc(codecs, events):
		return codecs
	case offer != nil:
		if c, ok := (&Audio{Codecs: append(slices.Clone(codecs), slices.DeleteFunc(slices.Clone(offer.Codecs), Codec.Voice)...)}).TelephoneEvents(); ok {
			codecs = append(codecs, c)
		}
		return codecs
	}
	for _, pt := range eventTypes() {
		if free(pt, codecs) {
			return append(codecs, Codec{PT: pt, Name: telephoneEvent, Rate: (&Audio{Codecs: codecs}).clock(), Channels: 1, Fmtp: "0-16"})
		}
	}
	return codecs
}

// eventTypes are the dynamic payload types (RFC 3551 §6), the usual one of telephone events first.
func eventTypes() []uint8 {
	types := []uint8{101}
	for pt := uint8(96); pt < 128; pt++ {
		types = append(types, pt)
	}
	return types
}
