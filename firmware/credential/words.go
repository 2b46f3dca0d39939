package credential

import (
	_ "embed"
	"math"
	"sort"
	"strings"
	"unicode"
)

// wordList are the words that guessing programs begin with: passwords that were stolen elsewhere, English words and names, one a
// line, in the order of their bytes, each with the bits of its place in the order of frequency. It is searched where it lies, and
// never copied.
//
//go:embed words.txt
var wordList string

// readings are the letters that a character stands for (p4$$w0rd).
func readings(r rune) string {
	switch r {
	case '4', '@':
		return "a"
	case '8':
		return "b"
	case '(', '{', '[', '<':
		return "c"
	case '3':
		return "e"
	case '6', '9':
		return "g"
	case '!':
		return "i"
	case '1', '|':
		return "il"
	case '0':
		return "o"
	case '$', '5':
		return "s"
	case '+':
		return "t"
	case '7':
		return "tl"
	case '%':
		return "x"
	case '2':
		return "z"
	}
	return ""
}

// wordsIn finds words, also with characters that stand for letters, which cost nothing more: every guessing program tries them.
func wordsIn(text []rune) (found []pattern) {
	for from := range text {
		var walk func(n int, lines span)
		walk = func(n int, lines span) {
			if bits, whole := lines.word(n); whole {
				found = append(found, pattern{from, from + n, bits + capitals(text[from:from+n])})
			}
			if from+n == len(text) {
				return
			}
			next := unicode.ToLower(text[from+n])
			for _, letter := range string(next) + readings(next) {
				if letter > unicode.MaxASCII {
					continue
				}
				if narrow := lines.with(n, byte(letter)); narrow.from < narrow.to {
					walk(n+1, narrow)
				}
			}
		}
		walk(0, span{0, len(wordList)})
	}
	return found
}

// span are lines of the list that begin with the same letters, by where the first begins and where the last ends.
type span struct{ from, to int }

// word says whether the word of n letters that all the lines begin with is one of the list, and what it costs to guess. It would
// be the first of them.
func (s span) word(n int) (bits float64, whole bool) {
	line, _, _ := strings.Cut(wordList[s.from:s.to], "\n")
	if n == 0 || len(line) <= n || line[n] != ' ' {
		return 0, false
	}
	for _, digit := range line[n+1:] {
		bits = 10*bits + float64(digit-'0')
	}
	return bits, true
}

// with are those of the lines that have a letter next, after n others.
func (s span) with(n int, letter byte) span {
	begins := func(at int) bool { return wordList[s.start(at)+n] >= letter }
	ends := func(at int) bool { return wordList[s.start(at)+n] > letter }
	from := sort.Search(s.to-s.from, func(i int) bool { return begins(s.from + i) })
	to := sort.Search(s.to-s.from, func(i int) bool { return ends(s.from + i) })
	return span{s.start(s.from + from), s.start(s.from + to)}
}

// start is where the line begins that a place in the list is in; the end of the span is the start of what follows it.
func (s span) start(at int) int {
	if at >= s.to {
		return s.to
	}
	return max(s.from, strings.LastIndexByte(wordList[s.from:at], '\n')+1+s.from)
}

// capitals is what it costs to guess which letters of a word are capital: one bit for the first, the last or all of them.
func capitals(word []rune) float64 {
	var upper, lower int
	for _, r := range word {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	switch {
	case upper == 0:
		return 0
	case lower == 0, upper == 1 && (unicode.IsUpper(word[0]) || unicode.IsUpper(word[len(word)-1])):
		return 1
	}
	return mixed(upper, lower)
}

// wordBits is how the list says what a word costs that has a place in the order of frequency, from 1: in whole bits.
func wordBits(place int) int { return int(math.Log2(float64(place))) }
