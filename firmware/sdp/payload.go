package sdp

import (
	"slices"
	"strings"
)

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
		o, ok := counterpart(c, theirs.Codecs)
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

// Common returns the encoding names of preferred that other has too, for an Anchor: what may be offered to a peer who
// prefers preferred on behalf of one who allows other. An empty list of theirs allows everything. The result is nil when
// everything is allowed, and empty but not nil when nothing is.
func Common(preferred, other []string) []string {
	switch {
	case len(preferred) == 0 && len(other) == 0:
		return nil
	case len(preferred) == 0:
		return slices.Clone(other)
	case len(other) == 0:
		return slices.Clone(preferred)
	}
	both := []string{}
	for _, p := range preferred {
		if slices.ContainsFunc(other, func(o string) bool { return strings.EqualFold(o, p) }) {
			both = append(both, p)
		}
	}
	return both
}
