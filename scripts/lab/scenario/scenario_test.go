package scenario_test

import (
	"os"
	"strings"
	"testing"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/scenario"
)

// binary is the program under test: TOLLGATE_BINARY, or built once for this run.
var binary string

func TestMain(m *testing.M) {
	os.Exit(branch.WithProgram(m.Run, func(name string) { binary = name }))
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
