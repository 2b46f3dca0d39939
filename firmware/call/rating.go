package call

import (
	"tollgate/firmware/media"
	"tollgate/firmware/quality"
)

// Rate judges what is heard of both directions of one leg, as if the box were a listener and the peer another: in of what
// the peer sends, out of what it is sent. The way is that across both legs, since that is what people wait for. A rating
// is nil when there is nothing to judge by: no audio or no report yet, or a codec that G.113 knows nothing of.
func (s Snapshot) Rate(r media.Role) (in, out *quality.Rating) {
	l, other := s.Caller, s.Callee
	if r == media.Callee {
		l, other = other, l
	}
	codec, known := quality.CodecNamed(l.Codec)
	if !known {
		return nil, nil
	}
	x := l.Media.Crossing
	judge := func(q quality.Stream) *quality.Rating {
		way := quality.MouthToEar(codec, x.RoundTrip, other.Media.Crossing.RoundTrip, q.Jitter)
		rating := quality.Rate(codec, q.LossRate(), way)
		return &rating
	}
	if x.In.Expected > 0 {
		in = judge(x.In)
	}
	if x.Reports && x.Out.Expected > 0 {
		out = judge(x.Out)
	}
	return in, out
}
