package event

import "strings"

// Printable keeps of a stranger's text what can be shown and sent on: at most 64 characters, none of them control characters.
func Printable(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			continue
		}
		if n++; n > 64 {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
