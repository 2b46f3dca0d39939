package netfilter

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// serviceName makes a name for counter and sets out of what the service is; nft takes letters, digits, _ - and dots.
func (b *builder) serviceName(s Service) string {
	name := fmt.Sprintf("%s_%s_%d_%s", s.Side, s.Protocol, s.Port, slug(s.Name))
	taken := func(name string) bool {
		return slices.ContainsFunc(b.services, func(o service) bool { return o.counter == name && o.Name != s.Name })
	}
	free := name
	for i := 2; taken(free); i++ {
		free = fmt.Sprintf("%s_%d", name, i)
	}
	return free
}

const slugBytes, commentBytes = 48, 120 // the kernel takes 255 and nft 128

// slug keeps what may stand in a name.
func slug(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, strings.TrimSpace(name))
	return name[:min(len(name), slugBytes)]
}

// clean keeps a comment printable, free of quotes, and short enough.
func clean(comment string) string {
	comment = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' || r == utf8.RuneError {
			return '\''
		}
		return r
	}, comment)
	for len(comment) > commentBytes {
		_, size := utf8.DecodeLastRuneInString(comment)
		comment = comment[:len(comment)-size]
	}
	return comment
}
