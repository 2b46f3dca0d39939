package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// finding is what a target said of its failure, without the progress before it, and the input that it failed on: the machine
// that it was found on may be gone tomorrow.
func (t target) finding(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "fuzz: ") {
			b.WriteString(line)
		}
	}
	if m := written.FindStringSubmatch(text); m != nil {
		if input, err := os.ReadFile(filepath.Join(t.folder, m[1])); err == nil {
			b.WriteString(m[1] + ":\n" + string(input))
		}
	}
	return b.String()
}

// written is how go test names the file of an input that failed.
var written = regexp.MustCompile(`Failing input written to (\S+)`)
