package sdp

import "slices"

// Only returns the description without the codecs that its author may not speak by an allow-list of encoding names; nil
// allows all. telephone-event and CN stay. The error is a *Fault with status 488 when no speech is left.
func (d *Description) Only(names []string) (*Description, error) {
	if names == nil || d.audio == nil || d.audio.Fax != nil {
		return d, nil
	}
	allowed := Anchor{Codecs: names}
	audio := *d.audio
	audio.Codecs = slices.DeleteFunc(slices.Clone(audio.Codecs), func(c Codec) bool { return !allowed.allows(c) })
	if !slices.ContainsFunc(audio.Codecs, Codec.Voice) {
		return nil, unacceptable(0, "no codec of the description is among those allowed")
	}
	less := *d
	less.audio = &audio
	return &less, nil
}
