package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Documents made to exhaust time, memory or stack are refused quickly. The stack matters most: running out of it cannot
// be recovered from.
func TestHostileDocumentsAreRefusedQuickly(t *testing.T) {
	fill := func(s string) string { return strings.Repeat(s, MaxDocument/len(s)) }
	docs := map[string]string{
		"too large":       strings.Repeat("#", MaxDocument+1),
		"brackets":        fill("["),
		"closed brackets": strings.Repeat("[", 400_000) + strings.Repeat("]", 400_000),
		"braces":          fill("{"),
		"dashes":          fill("- "),
		"questions":       fill("? "),
		"colons":          fill(": "),
		"commas":          "[" + fill("a,")[2:],
		"entries":         fill("- a\n"),
		"quotes":          fill(`"" `),
		"anchors":         fill("&a "),
		"tags":            fill("! "),
		"documents":       fill("---\n"),
		"text":            fill("a"),
		"lines":           fill("a\n"),
		"blanks":          fill(" "),
		"tabs":            fill("\t"),
		"bytes":           fill("\xff"),
		"nulls":           fill("\x00"),
		"literal":         "a: |\n" + fill(" a\n")[6:],
		"keys":            manyKeys(),
		"depth":           deep(),
		"billion laughs":  "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\n",
	}
	for name, doc := range docs {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, err := Parse([]byte(doc)); err == nil {
				t.Error("accepted")
			} else if n := len(err.Error()); n > 50_000 {
				t.Errorf("%d bytes of faults", n)
			}
			if took := time.Since(start); took > 20*time.Second { // what is quadratic takes minutes
				t.Errorf("took %v", took)
			}
		})
	}
}

func manyKeys() string {
	var b strings.Builder
	for i := 0; b.Len() < MaxDocument-16; i++ {
		fmt.Fprintf(&b, "k%d: v\n", i)
	}
	return b.String()
}

func deep() string {
	var b strings.Builder
	for i := 0; b.Len() < MaxDocument-2000; i++ {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// As many faults as a document may hold do not drown the reader.
func TestAtMostAHundredFaultsAreTold(t *testing.T) {
	doc := small + "routes:\n" + strings.Repeat("  - x: y\n", 900)
	_, err := Parse([]byte(doc))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != faultsShown+1 || !strings.Contains(lines[faultsShown], "more faults follow") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}
