package main

import (
	"math"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/call"
	"tollgate/firmware/doctor"
	"tollgate/firmware/media"
	"tollgate/firmware/quality"
)

// shownQuality shows how the audio of a leg comes across; nil before any was agreed on.
func shownQuality(c call.Snapshot, r media.Role) *api.Quality {
	l := []call.LegSnapshot{c.Caller, c.Callee}[r]
	if l.Codec == "" {
		return nil
	}
	x := l.Media.Crossing
	in, out := c.Rate(r)
	shown := &api.Quality{Codec: l.Codec, RoundTrip: milliseconds(x.RoundTrip), In: shownStream(x.In, in), Unreachable: x.Unreachable}
	shown.In.Duplicates += l.Media.Replays // on an encrypted leg they do not get as far as being counted
	if x.Reports {
		h := shownStream(x.Out, out)
		shown.Out = &h
	}
	return shown
}

func shownStream(s quality.Stream, r *quality.Rating) api.Heard {
	h := api.Heard{
		Packets: s.Expected, Lost: s.Lost, LossPercent: rounded(100 * s.LossRate()), Late: s.Late, Duplicates: s.Duplicates, Jitter: milliseconds(s.Jitter),
	}
	if r != nil {
		h.R, h.MOS = rounded(r.R), rounded(r.MOS)
	}
	return h
}

func milliseconds(d time.Duration) float64 { return rounded(float64(d) / float64(time.Millisecond)) }

// rounded keeps two digits: more would be noise.
func rounded(x float64) float64 { return math.Round(100*x) / 100 }

// shownDiagnosis shows why a call is silent, in every language of the page.
func shownDiagnosis(d *call.Diagnosis) *api.Diagnosis {
	if d == nil {
		return nil
	}
	shown := &api.Diagnosis{
		Rule: d.Rule, Leg: d.Role.String(), Since: d.Since, Over: moment(d.Over), Tried: []string{}, Healed: d.Healed,
		Sentence: api.InWords{English: d.Sentence(doctor.English), French: d.Sentence(doctor.French)},
		Remedy:   api.InWords{English: d.Advice(doctor.English), French: d.Advice(doctor.French)},
	}
	for _, r := range d.Tried {
		shown.Tried = append(shown.Tried, string(r))
	}
	return shown
}
