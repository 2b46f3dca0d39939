package numbering

import "strings"

// The formats, as policy.NumberFormat spells them.
const (
	formatE164       = "e164"
	formatPlain      = "plain"
	formatDoubleZero = "00"
	formatNational   = "national"
)

// Write writes n in a format of policy.NumberFormat; an unknown format counts as e164. Short numbers are their digits in
// every format. In the national format numbers of other countries, and all numbers of a generic plan, begin with 00, or
// with the country's international prefix where 00 could be misread.
func (p *Plan) Write(n Number, format string) string {
	if n.E164 == "" {
		return n.Digits
	}
	bare := strings.TrimPrefix(n.E164, "+")
	switch format {
	case formatPlain:
		return bare
	case formatDoubleZero:
		return "00" + bare
	case formatNational:
		if home, ok := p.national(n.CallingCode, strings.TrimPrefix(bare, n.CallingCode)); ok {
			return home.Digits
		}
		return p.exit + bare
	}
	return n.E164
}
