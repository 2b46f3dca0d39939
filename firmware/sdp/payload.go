package sdp

import "slices"

// counterpart returns the codec among others that is the same as c: under the same payload type if there is one, else
// with the same parameters, else the first.
func counterpart(c Codec, others []Codec) (Codec, bool) {
	for _, fits := range []func(Codec) bool{
		func(o Codec) bool { return o.Same(c) && o.PT == c.PT },
		func(o Codec) bool { return o.Same(c) && o.Fmtp == c.Fmtp },
		func(o Codec) bool { return o.Same(c) },
	} {
		if i := slices.IndexFunc(others, fits); i >= 0 {
			return others[i], true
		}
	}
	return Codec{}, false
}

// PayloadMap returns the payload types to change in packets that arrive on a leg: from the numbers of ours, the audio
// of our last description on that leg, which its peer sends with, to the numbers of theirs, the last description of the
// other leg's peer. Numbers that stay are left out; a nil map means that all stay.
func PayloadMap(ours, theirs *Audio) map[uint8]uint8 {
	var m map[uint8]uint8
	for _, c := range ours.Codecs {
		o, ok := equivalent(c, theirs.Codecs)
		if !ok || o.PT == c.PT {
			continue
		}
		if m == nil {
			m = map[uint8]uint8{}
		}
		m[c.PT] = o.PT
	}
	return m
}
