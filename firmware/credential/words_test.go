package credential

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

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
	var lines []string
	for word, place := range places {
		if strings.ContainsAny(word, " \n") {
			t.Fatalf("%q does not fit into a line", word)
		}
		lines = append(lines, fmt.Sprintf("%s %d\n", word, wordBits(place)))
	}
	slices.Sort(lines)
	want := strings.Join(lines, "")
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
