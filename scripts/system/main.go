// Command system makes the read-only system of an image: one archive that the kernel unpacks into memory at every start. In it
// are the box's program, the kernel modules of a board with the order to load them in, and the roots of public certificates.
// No shell, no other program.
//
//	go run ./scripts/system -board virt -program FILE -tree DIR -data FILE -release TEXT -built SECONDS -o system.cpio
//
// DIR is where packages of Debian were unpacked: the kernel's and ca-certificates. The file after -data is an empty ext4 file
// system, compressed by gzip, for a data partition that was never used. The same input makes the same bytes.
package main

import (
	"embed"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What each board needs of the kernel: names of modules, one a line, with their reasons.
//
//go:embed *.modules
var lists embed.FS

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "system:", err)
		os.Exit(1)
	}
}

// wanted is what the command line says.
type wanted struct {
	board   string
	program string
	tree    string
	data    string
	keys    string // may be empty
	release string
	built   int64 // Unix seconds
	out     string
	bare    bool // the program alone
}

func run() error {
	var w wanted
	flag.StringVar(&w.board, "board", "", "virt or rpi")
	flag.StringVar(&w.program, "program", "", "the box's program for arm64")
	flag.StringVar(&w.tree, "tree", "", "where the packages were unpacked")
	flag.StringVar(&w.data, "data", "", "an empty file system, compressed")
	flag.StringVar(&w.keys, "keys", "", "public keys for updates; without, the box takes none")
	flag.StringVar(&w.release, "release", "", "what the system calls itself")
	flag.Int64Var(&w.built, "built", 0, "when, in Unix seconds: every file's date, and the earliest time the box believes in")
	flag.StringVar(&w.out, "o", "", "file to write")
	flag.BoolVar(&w.bare, "bare", false, "put in the program as the first process and nothing else; needs -program, -built and -o alone")
	flag.Parse()
	if w.bare && w.program != "" && w.built != 0 && w.out != "" {
		return write(w)
	}
	if w.board == "" || w.program == "" || w.tree == "" || w.data == "" || w.release == "" || w.built == 0 || w.out == "" || flag.NArg() != 0 {
		return fmt.Errorf("-board, -program, -tree, -data, -release, -built and -o are all needed")
	}
	return write(w)
}

func write(w wanted) error {
	out, err := os.Create(w.out)
	if err != nil {
		return err
	}
	defer out.Close()
	a := newArchive(out, w.built)
	if err := fill(a, w); err != nil {
		return err
	}
	if err := a.close(); err != nil {
		return fmt.Errorf("writing %s: %w", w.out, err)
	}
	return out.Close()
}

// fill puts the files in, in the order in which the kernel unpacks them.
func fill(a *archive, w wanted) error {
	if w.bare {
		return only(a, w.program)
	}
	for _, dir := range []string{"data", "dev", "etc", "etc/tollgate", "lib", "lib/modules", "proc", "run", "sbin", "sys", "tmp"} {
		a.dir(dir)
	}
	a.console()
	program, err := os.ReadFile(w.program)
	if err != nil {
		return err
	}
	a.file("sbin/tollgate", 0o755, program)
	data, err := os.ReadFile(w.data)
	if err != nil {
		return err
	}
	a.file("lib/data.ext4.gz", 0o644, data)
	if w.keys != "" {
		keys, err := os.ReadFile(w.keys)
		if err != nil {
			return err
		}
		a.file("etc/tollgate/update.keys", 0o644, keys)
	}
	a.link("sbin/init", "tollgate")
	a.link("init", "sbin/init")
	a.file("etc/tollgate/release", 0o644, fmt.Appendf(nil, "board=%s\nrelease=%s\nbuilt=%d\n", w.board, w.release, w.built))
	if err := modules(a, w); err != nil {
		return err
	}
	return roots(a, w.tree)
}

// only puts in one program, as the first process.
func only(a *archive, path string) error {
	program, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	a.dir("dev")
	a.console()
	a.file("init", 0o755, program)
	return nil
}

// modules puts in what the board needs of the kernel, and etc/tollgate/modules, which board/boot reads: its parts, and one file a line with
// those of the same part that it depends on.
func modules(a *archive, w wanted) error {
	names, err := readLists(w.board)
	if err != nil {
		return err
	}
	kernel, err := openKernel(filepath.Join(w.tree, "lib/modules"))
	if err != nil {
		return err
	}
	list, all, err := kernel.list(names)
	if err != nil {
		return err
	}
	for _, m := range all {
		content, err := os.ReadFile(m.path)
		if err != nil {
			return err
		}
		a.file("lib/modules/"+filepath.Base(m.path), 0o644, unsigned(content))
	}
	a.file("etc/tollgate/modules", 0o644, []byte(list))
	return nil
}

// parts is how many parts a list has: what the machine needs, what the program needs, what nothing waits for.
const parts = 3

func readLists(board string) (names [parts][]string, err error) {
	for _, file := range []string{board + ".modules", "every.modules"} {
		part := 0
		text, err := lists.ReadFile(file)
		if err != nil {
			return names, fmt.Errorf("no list of modules for a board called %q: say virt or rpi", board)
		}
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "#")
			if strings.TrimSpace(line) == "--" {
				if part++; part == parts {
					return names, fmt.Errorf("%s has more than %d parts", file, parts)
				}
				continue
			}
			names[part] = append(names[part], strings.Fields(line)...)
		}
	}
	return names, nil
}

// roots writes the certificates that ca-certificates installs as one file, where Go programs look for it.
func roots(a *archive, tree string) error {
	files, err := filepath.Glob(filepath.Join(tree, "usr/share/ca-certificates/mozilla/*.crt"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no certificates below %s: is ca-certificates unpacked there? %v", tree, err)
	}
	slices.Sort(files)
	var all []byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all = append(all, content...)
	}
	a.dir("etc/ssl")
	a.dir("etc/ssl/certs")
	a.file("etc/ssl/certs/ca-certificates.crt", 0o644, all)
	return nil
}
