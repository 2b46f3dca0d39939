package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEveryTargetOfTheModuleIsFound(t *testing.T) {
	targets, err := find("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []target{{"firmware/edge", "FuzzTheGate"}, {"firmware/sdp", "FuzzParse"}, {"firmware/policy", "FuzzParse"}} {
		if !slices.Contains(targets, want) {
			t.Errorf("%s is not found", want)
		}
	}
	if !slices.IsSortedFunc(targets, func(a, b target) int { return strings.Compare(a.folder, b.folder) }) {
		t.Errorf("they are not in order: %v", targets)
	}
}

func TestOnlyFuzzTargetsOfTheModuleAreFound(t *testing.T) {
	root := t.TempDir()
	for file, content := range map[string]string{
		"a/a_test.go":          "package a\n\nfunc FuzzOne(f *testing.F) {}\n\nfunc TestFuzz(t *testing.T) {}\n\n// func FuzzNone(f *testing.F) {}\n",
		"a/a.go":               "package a\n\nfunc FuzzNot(f *testing.F) {}\n",
		"own/go.mod":           "module own\n",
		"own/own_test.go":      "package own\n\nfunc FuzzOther(f *testing.F) {}\n",
		"a/testdata/b_test.go": "package b\n\nfunc FuzzData(f *testing.F) {}\n",
	} {
		name := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := find(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := []target{{"a", "FuzzOne"}}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestTheTimeIsSharedAmongTheTurns(t *testing.T) {
	for _, c := range []struct {
		all             time.Duration
		targets, atOnce int
		want            time.Duration
	}{{time.Hour, 20, 2, 6 * time.Minute}, {time.Hour, 21, 2, time.Hour / 11}, {time.Minute, 1, 4, time.Minute}, {time.Minute, 0, 2, time.Minute}} {
		if got := share(c.all, c.targets, c.atOnce); got != c.want {
			t.Errorf("%v for %d targets, %d at once: %v, want %v", c.all, c.targets, c.atOnce, got, c.want)
		}
	}
}

func TestAFindingIsToldWithItsInput(t *testing.T) {
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "testdata/fuzz/FuzzX"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "testdata/fuzz/FuzzX/a1"), []byte("go test fuzz v1\n[]byte(\"0\")\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := "fuzz: elapsed: 0s, gathering baseline coverage: 0/3 completed\n--- FAIL: FuzzX (0.01s)\n    x_test.go:3: taken\n    Failing input written to testdata/fuzz/FuzzX/a1\n"
	want := "--- FAIL: FuzzX (0.01s)\n    x_test.go:3: taken\n    Failing input written to testdata/fuzz/FuzzX/a1\ntestdata/fuzz/FuzzX/a1:\ngo test fuzz v1\n[]byte(\"0\")\n"
	if got := (target{folder, "FuzzX"}).finding(text); got != want {
		t.Errorf("told\n%swant\n%s", got, want)
	}
}

func TestTheEndOfTheTimeIsNoFault(t *testing.T) {
	const begun = "fuzz: elapsed: 20s, execs: 81997 (0/sec), new interesting: 11 (total: 157)\n"
	for text, want := range map[string]bool{
		begun + "--- FAIL: FuzzOne (20.03s)\n    context deadline exceeded\nFAIL\nexit status 1\nFAIL\ttollgate/a\t20.040s\n":             true,
		begun + "--- FAIL: FuzzOne (20.03s)\n    --- FAIL: FuzzOne (0.00s)\n        a_test.go:9: context deadline exceeded\n    \nFAIL\n": false,
		begun + "--- FAIL: FuzzOne (3.01s)\n    context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzOne/1\nFAIL\n":  false,
		begun + "--- FAIL: FuzzOne (3.01s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\nFAIL\n":                   false,
		begun + "panic: context deadline exceeded\n": false,
		"": false,
	} {
		if got := endedByTheClock(text); got != want {
			t.Errorf("%v, want %v, of:\n%s", got, want, text)
		}
	}
}
