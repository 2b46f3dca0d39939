package credential

import (
	_ "embed"
	"math"
	"math/bits"
	"unicode"
)

// wordList are the words that guessing programs begin with: passwords that were stolen elsewhere, English words and names, in the
// order of their bytes. Each is two capitals and the rest of it: how many letters it has in common with the one before ("A" is
// none), and how many bits its place in the order of frequency is worth ("A" is none). Line breaks mean nothing.
//
//go:embed words.txt
var wordList string

// longestWord bounds the words of the list.
const longestWord = 31

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

// wordsIn finds words, also with characters that stand for letters, which cost nothing more: every guessing program tries them. All
// words of the list are held against all places of the text at once: a bit stands for a place. text has no more than 64 characters.
func wordsIn(text []rune) (found []pattern) {
	letters := lettersOf(text)
	var begins [longestWord + 1]uint64 // by how many letters of the word: where so many of it begin
	begins[0] = ^uint64(0)
	for at := 0; at < len(wordList); {
		if wordList[at] == '\n' {
			at++
			continue
		}
		n, worth := int(wordList[at]-'A'), float64(wordList[at+1]-'A')
		for at += 2; at < len(wordList) && wordList[at] != '\n' && !capital(wordList[at]); at++ {
			begins[n+1] = begins[n] & (letters[wordList[at]%128] >> n)
			n++
		}
		for left := begins[n]; left != 0; left &= left - 1 {
			from := bits.TrailingZeros64(left)
			found = append(found, pattern{from, from + n, worth + capitals(text[from:from+n])})
		}
	}
	return found
}

func capital(b byte) bool { return b-'A' < 26 }

// lettersOf tells where each letter may be read in a text.
func lettersOf(text []rune) (places [128]uint64) {
	for i, r := range text {
		r = unicode.ToLower(r)
		for _, letter := range string(r) + readings(r) {
			if letter <= unicode.MaxASCII {
				places[letter] |= 1 << i
			}
		}
	}
	return places
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
