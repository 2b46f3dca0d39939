package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kernel knows the modules of one kernel. Debian's packages hold no modules.dep: what depends on what is read from the
// modules themselves.
type kernel struct {
	files   map[string]string // name -> file
	builtin map[string]bool
	read    map[string]*module
}

// module is one, as its section .modinfo tells.
type module struct {
	name    string
	path    string
	needs   []string // must be loaded before it
	prefers []string // softdep pre: loaded before it where the kernel has them, named by module or by alias
	aliases []string
}

// openKernel lists the one kernel below dir (…/lib/modules).
func openKernel(dir string) (*kernel, error) {
	versions, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(versions) != 1 {
		return nil, fmt.Errorf("%d kernels in %s, one is wanted", len(versions), dir)
	}
	k := &kernel{files: map[string]string{}, builtin: map[string]bool{}, read: map[string]*module{}}
	root := filepath.Join(dir, versions[0].Name())
	builtin, err := os.ReadFile(filepath.Join(root, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Fields(string(builtin)) {
		k.builtin[moduleName(line)] = true
	}
	return k, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".ko") {
			k.files[moduleName(path)] = path
		}
		return err
	})
}

// moduleName is a module's name by its file; the kernel makes no difference between - and _.
func moduleName(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")
}

// order is every module that names need, each after those that it depends on. A name that is part of the kernel itself costs
// nothing; one that the kernel does not have is an error.
func (k *kernel) order(names []string) ([]*module, error) {
	var list []*module
	state := map[string]int{} // 1 being visited, 2 in the list
	var visit func(name string) error
	visit = func(name string) error {
		name = moduleName(name)
		if k.builtin[name] || state[name] == 2 {
			return nil
		}
		if state[name] == 1 {
			return fmt.Errorf("module %s depends on itself", name)
		}
		state[name] = 1
		m, err := k.module(name)
		if err != nil {
			return err
		}
		before, err := k.before(m)
		if err != nil {
			return err
		}
		for _, b := range before {
			if err := visit(b); err != nil {
				return fmt.Errorf("%s needs: %w", name, err)
			}
		}
		state[name] = 2
		list = append(list, m)
		return nil
	}
	for _, name := range names {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// list writes the list of modules that board/boot reads, for the names of each part, and returns the modules that are in it.
func (k *kernel) list(names [parts][]string) (string, []*module, error) {
	var text strings.Builder
	var all []*module
	part := map[*module]int{}
	var wanted []string
	for i := range names {
		wanted = append(wanted, names[i]...)
		order, err := k.order(wanted)
		if err != nil {
			return "", nil, err
		}
		if i > 0 {
			fmt.Fprintln(&text, "--")
		}
		for _, m := range order {
			if _, there := part[m]; there {
				continue
			}
			part[m] = i
			all = append(all, m)
			needs, err := k.within(m, func(b *module) bool { at, there := part[b]; return there && at == i })
			if err != nil {
				return "", nil, err
			}
			fmt.Fprintf(&text, "/lib/modules/%s <%s\n", filepath.Base(m.path), strings.Join(needs, ","))
		}
	}
	return text.String(), all, nil
}

// within names the files of those that are to be loaded before m, as far as they count.
func (k *kernel) within(m *module, counts func(*module) bool) (files []string, err error) {
	before, err := k.before(m)
	if err != nil {
		return nil, err
	}
	for _, name := range before {
		if k.builtin[moduleName(name)] {
			continue
		}
		b, err := k.module(moduleName(name))
		if err != nil {
			return nil, err
		}
		if file := filepath.Base(b.path); counts(b) && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return files, nil
}

// signatureMark ends a signed module; before it stand the length of the signature and what else is told of it (linux/module_signature.h).
const (
	signatureMark = "~Module signature appended~\n"
	signatureInfo = 12
)

// unsigned is a module without its signature, which a slow processor takes milliseconds to verify, for each module at every start. Debian's
// kernels load a module without one all the same, and whoever could change the modules could change the program beside them: all of a
// system is vouched for by the signature of the update that brought it, together.
func unsigned(module []byte) []byte {
	rest, signed := bytes.CutSuffix(module, []byte(signatureMark))
	if !signed || len(rest) < signatureInfo {
		return module
	}
	rest = rest[:len(rest)-signatureInfo]
	length := binary.BigEndian.Uint32(module[len(rest)+8:])
	if uint64(length) > uint64(len(rest)) {
		return module
	}
	return rest[:len(rest)-int(length)]
}

// before is what to load before m.
func (k *kernel) before(m *module) ([]string, error) {
	names := m.needs
	for _, soft := range m.prefers {
		soft = moduleName(soft)
		if k.builtin[soft] || k.files[soft] != "" {
			names = append(names, soft)
			continue
		}
		providers, err := k.providers(soft)
		if err != nil {
			return nil, err
		}
		names = append(names, providers...)
	}
	return names, nil
}

// providers are the modules that do an algorithm on every kind of processor: what a soft dependency names by its alias. None is
// fine, then the kernel has it inside.
func (k *kernel) providers(alias string) ([]string, error) {
	for name, path := range k.files {
		// Only algorithms are asked for by alias.
		if !strings.Contains(path, "/crypto/") {
			continue
		}
		if _, err := k.module(name); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, m := range k.read {
		for _, a := range m.aliases {
			if moduleName(a) == alias && strings.Contains(m.name, "generic") {
				names = append(names, m.name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// module reads one, once.
func (k *kernel) module(name string) (*module, error) {
	if m := k.read[name]; m != nil {
		return m, nil
	}
	path := k.files[name]
	if path == "" {
		return nil, fmt.Errorf("the kernel has no module %s", name)
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("%s is no kernel module: it has no .modinfo", path)
	}
	info, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	m := parseInfo(info)
	m.name, m.path = name, path
	k.read[name] = m
	return m, nil
}

// parseInfo reads .modinfo: key=value, ended by zero bytes.
func parseInfo(info []byte) *module {
	m := &module{}
	for entry := range bytes.SplitSeq(info, []byte{0}) {
		key, value, _ := strings.Cut(string(entry), "=")
		switch key {
		case "depends":
			for d := range strings.SplitSeq(value, ",") {
				if d != "" {
					m.needs = append(m.needs, d)
				}
			}
		case "softdep":
			m.prefers = append(m.prefers, softBefore(value)...)
		case "alias":
			m.aliases = append(m.aliases, value)
		}
	}
	return m
}

// softBefore takes what stands after "pre:" of a soft dependency: "pre: a b post: c".
func softBefore(value string) []string {
	var names []string
	pre := false
	for _, word := range strings.Fields(value) {
		switch word {
		case "pre:":
			pre = true
		case "post:":
			pre = false
		default:
			if pre {
				names = append(names, word)
			}
		}
	}
	return names
}
