package main

import (
	"strings"
	"testing"
)

func run(t *testing.T, lines string, strict bool) (string, int) {
	t.Helper()
	var w strings.Builder
	r := newReport(&w)
	if err := r.read(strings.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
	code := r.close(strict)
	return w.String(), code
}

const passing = `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`

const skipping = passing + `{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:1: needs root\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
`

const failing = passing + `{"Action":"output","Package":"q","Test":"TestC","Output":"    c_test.go:1: 1 is not 2\n"}
{"Action":"fail","Package":"q","Test":"TestC"}
{"Action":"output","Package":"q","Output":"FAIL\tq\t0.1s\n"}
{"Action":"fail","Package":"q"}
`

const unbuilt = passing + `{"Action":"build-output","ImportPath":"r","Output":"r.go:1: syntax error\n"}
{"Action":"build-fail","ImportPath":"r"}
`

func TestTheReportFailsWhenItShould(t *testing.T) {
	for name, c := range map[string]struct {
		lines  string
		strict bool
		code   int
		says   string
	}{
		"all pass":         {passing, true, 0, "1 passed, 0 failed, 0 skipped"},
		"a skip at home":   {skipping, false, 0, "1 passed, 0 failed, 1 skipped"},
		"a skip in CI":     {skipping, true, 1, "skipped: p TestB: b_test.go:1: needs root"},
		"a failure":        {failing, false, 1, "1 is not 2"},
		"counted once":     {failing, false, 1, "1 passed, 1 failed, 0 skipped"},
		"a build failure":  {unbuilt, false, 1, "r.go:1: syntax error"},
		"no test ran":      {"", false, 1, "0 passed"},
		"go's own trouble": {"go: cannot find module\n", false, 1, "cannot find module"},
	} {
		says, code := run(t, c.lines, c.strict)
		if code != c.code || !strings.Contains(says, c.says) {
			t.Errorf("%s: exit %d and %q, want exit %d and %q", name, code, says, c.code, c.says)
		}
	}
}
