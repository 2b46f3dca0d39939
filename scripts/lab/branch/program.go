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

// WithProgram runs the tests of a package with the box's program, built at most once, and returns the status to exit with.
// They learn its name by use. Without root every such test skips, and nothing is built.
func WithProgram(run func() int, use func(name string)) int {
	if os.Getuid() != 0 {
		return run()
	}
	folder, err := os.MkdirTemp("", "tollgate-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	name, err := Program(folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	use(name)
	return run()
}
