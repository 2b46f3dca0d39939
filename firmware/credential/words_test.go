package credential

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/ccojocar/zxcvbn-go/frequency"
)

var update = flag.Bool("update", false, "write words.txt")

func TestTheListOfWordsIsThatOfZxcvbn(t *testing.T) {
	places := map[string]int{}
	for _, list := range frequency.Lists {
		for i, word := range list.List {
			word = strings.ToLower(word)
			if before, known := places[word]; !known || i+1 < before {
				places[word] = i + 1
			}
		}
	}
	words := slices.Sorted(maps.Keys(places))
	var list strings.Builder
	before := ""
	for _, word := range words {
		if len(word) > longestWord || strings.ContainsFunc(word, func(r rune) bool { return r == '\n' || r > unicode.MaxASCII || unicode.IsUpper(r) }) {
			t.Fatalf("%q does not fit into the list", word)
		}
		common := 0
		for common < min(len(word), len(before)) && word[common] == before[common] {
			common++
		}
		if common < 2 {
			list.WriteByte('\n')
		}
		list.WriteByte('A' + byte(common))
		list.WriteByte('A' + byte(wordBits(places[word])))
		list.WriteString(word[common:])
		before = word
	}
	want := list.String() + "\n"
	if *update {
		if err := os.WriteFile("words.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != wordList {
		t.Error("words.txt is another list; go test ./firmware/credential -run Words -update writes it")
	}
}
