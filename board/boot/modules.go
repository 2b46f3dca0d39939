package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Module is one line of the list of modules.
type Module struct {
	Path       string // absolute
	Parameters string // as modprobe takes them; may be empty
}

// ReadModules reads a list of modules that was made together with the image: one a line, in the order in which they need one
// another, a path and then parameters. Empty lines and those that begin with # count nothing. A list that is not there is
// empty: a kernel may have everything built in.
func ReadModules(path string) ([]Module, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of modules: %w", err)
	}
	return parseModules(string(text))
}

func parseModules(text string) ([]Module, error) {
	var list []Module
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		file, parameters, _ := strings.Cut(line, " ")
		if !filepath.IsAbs(file) {
			return nil, fmt.Errorf("line %d of the list of modules: %q is no absolute path", n+1, file)
		}
		list = append(list, Module{Path: file, Parameters: strings.TrimSpace(parameters)})
	}
	return list, nil
}

// LoadModules loads modules in their order and returns how many are there now. One that cannot be loaded, as for hardware
// that this machine does not have, keeps none of the others from it.
func LoadModules(list []Module) (int, error) {
	var faults []error
	loaded := 0
	for _, m := range list {
		if err := load(m); err != nil {
			faults = append(faults, err)
			continue
		}
		loaded++
	}
	return loaded, errors.Join(faults...)
}

func load(m Module) error {
	file, err := os.Open(m.Path)
	if err != nil {
		return fmt.Errorf("load a kernel module: %w", err)
	}
	defer file.Close()
	flags := 0
	if !strings.HasSuffix(m.Path, ".ko") { // .ko.xz, .ko.zst, .ko.gz: the kernel unpacks it
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	if err := unix.FinitModule(int(file.Fd()), m.Parameters, flags); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load the kernel module %s: %w", filepath.Base(m.Path), err)
	}
	return nil
}
