package scenario_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/scripts/lab/scenario"
)

// binary is the program under test: TOLLGATE_BINARY, or built once for this run.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if os.Getuid() != 0 {
			return m.Run()
		}
		folder, err := os.MkdirTemp("", "tollgate-binary-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		if binary, err = program(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func program(folder string) (string, error) {
	if name := os.Getenv("TOLLGATE_BINARY"); name != "" {
		return filepath.Abs(name)
	}
	name := filepath.Join(folder, "tollgate")
	build := exec.Command("go", "build", "-o", name, "tollgate/firmware")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the box: %w\n%s", err, out)
	}
	return name, nil
}

func TestEveryFlowTakesItsLadder(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root to make network namespaces")
		}
		t.Skip("needs root to make network namespaces")
	}
	for _, g := range scenario.Groups() {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			err := scenario.Run(t.Context(), binary, g, os.Getenv("TOLLGATE_KEEP"), func(r scenario.Result) {
				t.Run(r.Flow, func(t *testing.T) {
					if r.Err != nil {
						t.Error(r.Err)
					}
				})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFlowsHaveNamesOfTheirOwn(t *testing.T) {
	for _, g := range scenario.Groups() {
		known := map[string]bool{}
		for _, f := range g.Flows {
			if known[f.Name] || strings.TrimSpace(f.Name) == "" {
				t.Errorf("%s: two flows are called %q", g.Name, f.Name)
			}
			known[f.Name] = true
		}
	}
}
