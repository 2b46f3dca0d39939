package credential

import (
	"math"
	"strings"
	"unicode"
)

// A password is worth what its cheapest reading costs whoever guesses: each part is either of a pattern that guessing programs
// try, or nothing but characters. That is what zxcvbn does (Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX
// Security 2016); these are its patterns, and the keyboards of more countries. Written anew because the tables have to be read
// where they lie: a box that reads no password spends no time and no memory on them.

// pattern is a part of a password, from its character number from up to to, that somebody may guess as one.
type pattern struct {
	from, to int
	bits     float64
}

// patterns are those of a text.
func patterns(text []rune) (found []pattern) {
	for _, of := range []func([]rune) []pattern{wordsIn, keysIn, repetitionsIn, sequencesIn, datesIn} {
		found = append(found, of(text)...)
	}
	return found
}

// estimate is how many random bits a password is worth to who tries to guess it.
func estimate(password string) float64 {
	text := []rune(password)
	text = once(text[:min(len(text), judged)])
	if len(text) == 0 {
		return 0
	}
	one := math.Log2(characters(text))
	ending := make([][]pattern, len(text)+1)
	for _, p := range patterns(text) {
		ending[p.to] = append(ending[p.to], p)
	}
	least := make([]float64, len(text)+1) // of the first characters
	for n := 1; n <= len(text); n++ {
		least[n] = least[n-1] + one
		for _, p := range ending[n] {
			least[n] = min(least[n], least[p.from]+p.bits)
		}
	}
	return least[len(text)]
}

// once is the part that a text repeats, when it is nothing but repetitions, and else the text.
func once(text []rune) []rune {
	s := string(text)
	for n := 1; n <= len(text)/2; n++ {
		if len(text)%n == 0 && strings.Repeat(string(text[:n]), len(text)/n) == s {
			return text[:n]
		}
	}
	return text
}

// characters is how many there are of the kinds that a text uses.
func characters(text []rune) (n float64) {
	var lower, upper, digit, other float64
	for _, r := range text {
		switch {
		case unicode.IsLower(r):
			lower = 26
		case unicode.IsUpper(r):
			upper = 26
		case unicode.IsDigit(r):
			digit = 10
		default:
			other = 33
		}
	}
	return lower + upper + digit + other
}

// mixed is what capitals among small letters, or keys pressed with shift among others, are worth: few of the one kind among many of
// the other are soon tried.
func mixed(some, others int) float64 {
	ways, choose := 1.0, 1.0
	for i := 1; i <= min(some, others); i++ {
		choose *= float64(some+others-i+1) / float64(i)
		ways += choose
	}
	return math.Log2(ways)
}

// repetitionsIn finds a character three times or more.
func repetitionsIn(text []rune) (found []pattern) {
	for from := 0; from < len(text); {
		to := from + 1
		for to < len(text) && unicode.ToLower(text[to]) == unicode.ToLower(text[from]) {
			to++
		}
		if to-from > 2 {
			found = append(found, pattern{from, to, math.Log2(characters(text[from:to]) * float64(to-from))})
		}
		from = to
	}
	return found
}

// sequencesIn finds three or more neighbours of the alphabet or of the digits, forwards or backwards.
func sequencesIn(text []rune) (found []pattern) {
	for from := 0; from+1 < len(text); {
		step := text[from+1] - text[from]
		to := from + 1
		for (step == 1 || step == -1) && to < len(text) && text[to]-text[to-1] == step && series(text[to]) != 0 && series(text[to]) == series(text[from]) {
			to++
		}
		if to-from > 2 {
			found = append(found, pattern{from, to, startBits(text[from]) + math.Log2(float64(to-from)) + float64((1-step)/2)})
		}
		from = max(to-1, from+1)
	}
	return found
}

// series is how many there are of what a character is one of; 0: it is of none.
func series(r rune) int {
	switch {
	case r >= 'a' && r <= 'z':
		return 'z' - 'a' + 1
	case r >= 'A' && r <= 'Z':
		return -('Z' - 'A' + 1)
	case r >= '0' && r <= '9':
		return '9' - '0' + 1
	}
	return 0
}

// startBits is what it costs to guess where a sequence begins.
func startBits(r rune) float64 {
	switch n := series(r); {
	case r == 'a' || r == '1':
		return 0
	case n < 0:
		return math.Log2(float64(-n)) + 1
	default:
		return math.Log2(float64(n))
	}
}
