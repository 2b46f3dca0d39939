package branch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Program returns the box's program for a test: TOLLGATE_BINARY, or built from the tree into folder.
func Program(folder string) (string, error) {
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
