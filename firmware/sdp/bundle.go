package sdp

import (
	"fmt"
	"slices"
	"strings"
)

// Browsers bundle all streams on one port (RFC 8843) and name each (RFC 5888 §4). Of theirs Tollgate carries one, so that a
// bundle of ours is that one alone; who insists on a bundle takes nothing else.

// maxMid bounds a stream's name; those of browsers have one or two characters.
const maxMid = 64

// readMid returns the name of a section if the session bundles it.
func (d *Description) readMid(s *section) string {
	a, ok := s.attribute("mid")
	if !ok || !isToken(a.value) || len(a.value) > maxMid {
		return ""
	}
	for _, g := range d.attributes {
		if words := strings.Fields(g.value); g.name == "group" && len(words) > 0 && strings.EqualFold(words[0], "BUNDLE") && slices.Contains(words[1:], a.value) {
			return a.value
		}
	}
	return ""
}

// bundled tells whether the anchor's stream is written as the only one of a bundle, which shares one port with its RTCP
// (RFC 8843 §9.3).
func (a *Anchor) bundled() bool { return a.Mid != "" && a.Mux }

func (a *Anchor) writeGroup(b *strings.Builder) {
	if a.bundled() {
		fmt.Fprintf(b, "a=group:BUNDLE %s\r\n", a.Mid)
	}
}

func (a *Anchor) writeMid(b *strings.Builder) {
	if a.bundled() {
		fmt.Fprintf(b, "a=mid:%s\r\n", a.Mid)
	}
}
