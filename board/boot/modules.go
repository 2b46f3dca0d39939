package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Module is one line of the list of modules.
type Module struct {
	Path       string   // absolute
	Needs      []string // base names of files that are loaded before it, where they stand in the same part; unless All
	All        bool     // every line before it is loaded before it
	Parameters string   // as modprobe takes them; may be empty
}

// Modules is a list of modules in three parts, each loaded after those before it.
type Modules struct {
	First []Module // for the machine itself: its disk, the file system on it, the watchdog
	Next  []Module // for the program
	Last  []Module // what nothing waits for
}

// ReadModules reads a list of modules that was made together with the image: one a line, in the order in which they need one
// another: a path, then the names of those it needs after "<", between commas ("<" alone: none; without it, all lines before), and then
// parameters. A line "--" ends a part. Empty lines and those that begin with # count nothing. A list that is not there is
// empty: a kernel may have everything built in.
func ReadModules(path string) (Modules, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Modules{}, nil
	}
	if err != nil {
		return Modules{}, fmt.Errorf("read the list of modules: %w", err)
	}
	return parseModules(string(text))
}

func parseModules(text string) (all Modules, err error) {
	parts := []*[]Module{&all.First, &all.Next, &all.Last}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line == "--" {
			if parts = parts[1:]; len(parts) == 0 {
				return Modules{}, fmt.Errorf("line %d of the list of modules begins a fourth part", n+1)
			}
			continue
		}
		m, err := parseModule(line)
		if err != nil {
			return Modules{}, fmt.Errorf("line %d of the list of modules: %w", n+1, err)
		}
		*parts[0] = append(*parts[0], m)
	}
	return all, nil
}

func parseModule(line string) (Module, error) {
	file, rest, _ := strings.Cut(line, " ")
	if !filepath.IsAbs(file) {
		return Module{}, fmt.Errorf("%q is no absolute path", file)
	}
	m := Module{Path: file, All: true}
	rest = strings.TrimSpace(rest)
	if needs, found := strings.CutPrefix(rest, "<"); found {
		needs, rest, _ = strings.Cut(needs, " ")
		m.All = false
		if needs != "" {
			m.Needs = strings.Split(needs, ",")
		}
	}
	m.Parameters = strings.TrimSpace(rest)
	return m, nil
}

// LoadModules loads one part of a list and returns how many of it are there now: as many at a time as there are processors, each after
// those that it needs. One that cannot be loaded, as for hardware that this machine does not have, keeps none of the others from it.
func LoadModules(list []Module) (int, error) { return loadBy(list, runtime.NumCPU(), load) }

func loadBy(list []Module, atOnce int, load func(Module) error) (int, error) {
	faults := make([]error, len(list))
	ended := make([]chan struct{}, len(list))
	known := map[string]chan struct{}{}
	turns := make(chan struct{}, max(atOnce, 1))
	var all sync.WaitGroup
	for i, m := range list {
		before := ended[:i]
		if !m.All {
			before = nil
			for _, name := range m.Needs {
				if c := known[name]; c != nil { // further down it would be waited for in vain
					before = append(before, c)
				}
			}
		}
		ended[i] = make(chan struct{})
		known[filepath.Base(m.Path)] = ended[i]
		all.Go(func() {
			defer close(ended[i])
			for _, c := range before {
				<-c
			}
			turns <- struct{}{}
			defer func() { <-turns }()
			faults[i] = load(m)
		})
	}
	all.Wait()
	loaded := 0
	for _, err := range faults {
		if err == nil {
			loaded++
		}
	}
	return loaded, errors.Join(faults...)
}

// LoadLast loads modules that nothing waits for, one after the other, and lets everything else go first.
func LoadLast(list []Module) (int, error) {
	runtime.LockOSThread() // and not unlocked: the thread ends with this goroutine, for nothing else may run so late
	if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19); err != nil {
		return 0, fmt.Errorf("load kernel modules beside all else: %w", err)
	}
	var faults []error
	for _, m := range list {
		if err := load(m); err != nil {
			faults = append(faults, err)
		}
	}
	return len(list) - len(faults), errors.Join(faults...)
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
