package numbering

import (
	"fmt"
	"strconv"
	"strings"
)

// pattern is one line of a plan: every number it fits, digit by digit.
type pattern struct {
	digits []uint16 // for each place the set of digits, as bits
	head   string   // the digits before the last keep ones, when they are fixed
	code   string   // calling code; "" for short numbers
	keep   int      // how many of the last digits follow the calling code
	class  Class
}

const anyDigit = 1<<10 - 1

// parsePattern reads the fields of a line: "0590xxxxxx", "+590/9" or "-", "overseas".
func parsePattern(text, target, class string) (pattern, error) {
	p := pattern{class: Class(class)}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case '0' <= c && c <= '9':
			p.digits = append(p.digits, 1<<(c-'0'))
		case c == 'x':
			p.digits = append(p.digits, anyDigit)
		case c == '[' && i+4 < len(text) && text[i+2] == '-' && text[i+4] == ']' && text[i+1] <= text[i+3]:
			p.digits = append(p.digits, digitRange(text[i+1]-'0', text[i+3]-'0'))
			i += 4
		default:
			return p, fmt.Errorf("pattern %q: unexpected %q", text, c)
		}
	}
	if target == "-" {
		return p, nil
	}
	code, keep, ok := strings.Cut(strings.TrimPrefix(target, "+"), "/")
	n, err := strconv.Atoi(keep)
	if !ok || err != nil || n < 1 || n > len(p.digits) || len(p.digits)-n > len(text) {
		return p, fmt.Errorf("pattern %q: target %q is not like +33/9", text, target)
	}
	p.code, p.keep, p.head = code, n, text[:len(p.digits)-n]
	if strings.Trim(p.head, "0123456789") != "" {
		return p, fmt.Errorf("pattern %q: what %q leaves out is not fixed", text, target)
	}
	return p, nil
}

func digitRange(low, high byte) uint16 {
	var set uint16
	for d := low; d <= high; d++ {
		set |= 1 << (d & 0x0f)
	}
	return set
}

// fits tells whether the whole of digits, which are ASCII digits, is a number of the pattern.
func (p pattern) fits(digits string) bool {
	if len(digits) != len(p.digits) {
		return false
	}
	for i, set := range p.digits {
		if set&(1<<(digits[i]-'0')) == 0 {
			return false
		}
	}
	return true
}

// number makes the Number of digits, which the pattern fits, in a plan with the given calling code.
func (p pattern) number(digits, home string) Number {
	if p.code == "" {
		return Number{Digits: digits, Class: p.class, CallingCode: home}
	}
	return Number{
		E164: "+" + p.code + digits[len(digits)-p.keep:], Digits: digits, Class: p.class, CallingCode: p.code,
	}
}
