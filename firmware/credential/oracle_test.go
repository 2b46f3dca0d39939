package credential

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/matching"
)

// madeUp is a password as people make them up: parts that mean something to them, one after the other.
func madeUp(r *rand.Rand) string {
	words := strings.FieldsFunc(wordList, func(r rune) bool { return r == '\n' || unicode.IsUpper(r) }) // some of them without their beginning
	word := func() string { return words[r.IntN(len(words))] }
	parts := []func() string{
		word,
		func() string { w := word(); return strings.ToUpper(w[:1]) + w[1:] },
		func() string {
			return []string{"qwerty", "asdfgh", "zxcvb", "qazwsx", "poiuyt", "4567", "789456"}[r.IntN(7)]
		},
		func() string { return []string{"abcdef", "aaaa", "4321", "xyz", "111111"}[r.IntN(5)] },
		func() string {
			return []string{"19", "20"}[r.IntN(2)] + string(rune('0'+r.IntN(5))) + string(rune('0'+r.IntN(10)))
		},
		func() string { return []string{"12/03/1987", "1.4.2001", "p4ssw0rd", "m0nk3y", "$unshine"}[r.IntN(5)] },
		func() string { return string(rune(33+r.IntN(94))) + string(rune(33+r.IntN(94))) },
	}
	var b strings.Builder
	for range 1 + r.IntN(5) {
		b.WriteString(parts[r.IntN(len(parts))]())
	}
	return b.String()
}

// Where the two differ much, it is that zxcvbn knows no years and fewer spellings; its reading of digits as letters takes seconds,
// and is left out.
func TestNothingIsWorthMuchMoreThanByZxcvbn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 { // zxcvbn reads its keyboards anew for each
		p := madeUp(r)
		theirs := zxcvbn.PasswordStrength(string(once([]rune(p))), nil, matching.FilterL33tMatcher).Entropy
		if ours := estimate(p); ours > theirs+8 {
			t.Errorf("%q: %.1f bits, by zxcvbn %.1f", p, ours, theirs)
		}
	}
}
