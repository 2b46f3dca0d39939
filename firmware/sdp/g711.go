package sdp

import "tollgate/firmware/g711"

// The two encodings of ITU-T G.711 are converted into one another where the two sides share no codec, and only there: each
// leg then negotiates its own.
//
//	offer of leg A: PCMU -> offer to leg B: PCMA        answer of leg B: PCMA -> answer to leg A: PCMU

// twin returns the other encoding of G.711 under its usual payload type; false when the codec is none.
func (c Codec) twin() (Codec, bool) {
	if c.Rate != 8000 || c.Channels != 1 {
		return Codec{}, false
	}
	switch c.Name {
	case "PCMU":
		return staticCodec(8)
	case "PCMA":
		return staticCodec(0)
	}
	return Codec{}, false
}

// equivalent is counterpart, or else the other encoding of G.711 among others.
func equivalent(c Codec, others []Codec) (Codec, bool) {
	if o, ok := counterpart(c, others); ok {
		return o, true
	}
	if t, ok := c.twin(); ok {
		return counterpart(t, others)
	}
	return Codec{}, false
}

// swapped returns kept with the one encoding of G.711 among codecs, the other leg's, in the guise of the other, where that is
// allowed. Where codecs has both there is nothing to swap.
func (a *Anchor) swapped(codecs, kept []Codec) []Codec {
	var list []Codec
	for _, c := range codecs {
		t, ok := c.twin()
		if _, both := counterpart(t, codecs); ok && !both && a.allows(t) && free(t.PT, codecs) {
			list = append(list, t)
		} else if _, stays := counterpart(c, kept); stays {
			list = append(list, c)
		}
	}
	return list
}

// free tells whether no codec has a payload type.
func free(pt uint8, codecs []Codec) bool { return ofType(codecs, pt) < 0 }

// Swappable tells whether the offer that is made of a, the other leg's, differs with Swap: whether a peer who takes no codec
// of it may take the other encoding of G.711.
func (a *Audio) Swappable(anchor Anchor) bool {
	anchor.Swap = false
	before, err := anchor.offered(a.Codecs)
	if err != nil || Converts(&Audio{Codecs: before}, a) {
		return false
	}
	after := anchor.swapped(a.Codecs, before)
	return Converts(&Audio{Codecs: after}, a)
}

// Converts tells whether speech in a codec of ours has to be converted to be understood by who has described theirs.
func Converts(ours, theirs *Audio) bool { return len(Conversions(ours, theirs)) > 0 }

// Conversions returns what becomes of the speech of packets that arrive on a leg, by their payload types; ours and theirs
// are as for PayloadMap. A nil map means that all stays.
func Conversions(ours, theirs *Audio) map[uint8]g711.Conversion {
	var m map[uint8]g711.Conversion
	for _, c := range ours.Codecs {
		o, ok := equivalent(c, theirs.Codecs)
		if !ok || o.Same(c) {
			continue
		}
		if m == nil {
			m = map[uint8]g711.Conversion{}
		}
		m[c.PT] = map[string]g711.Conversion{"PCMU": g711.MuToA, "PCMA": g711.AToMu}[c.Name]
	}
	return m
}
