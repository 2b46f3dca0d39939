// Command sbom lists what others have written of what an image is made of: as CycloneDX 1.5 for programs, and with all their terms for
// people. That is the modules that the program says it was built from, Go's library, what was built into the web page, and the packages
// of Debian whose list scripts/image leaves beside the image.
//
//	go run ./scripts/sbom -program FILE -packages FILE -tree DIR -page FILE -release TEXT -built SECONDS -bom FILE -terms FILE
//
// DIR is where the packages were unpacked, and the file after -page the list that webui/licenses.config.ts makes. Who has no terms is
// an error. The same input makes the same bytes.
package main

import (
	"debug/buildinfo"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// wanted is what the command line says.
type wanted struct {
	program, packages, tree, page string
	release                       string
	built                         int64
	bom, terms                    string
}

func run() error {
	var w wanted
	flag.StringVar(&w.program, "program", "", "the box's program")
	flag.StringVar(&w.packages, "packages", "", "list of Debian's packages: name, version, SHA-256")
	flag.StringVar(&w.tree, "tree", "", "where they were unpacked")
	flag.StringVar(&w.page, "page", "", "list of what was built into the page, with terms")
	flag.StringVar(&w.release, "release", "", "what the image calls itself")
	flag.Int64Var(&w.built, "built", 0, "Unix seconds")
	flag.StringVar(&w.bom, "bom", "", "file to write: CycloneDX")
	flag.StringVar(&w.terms, "terms", "", "file to write: terms, as text")
	flag.Parse()
	if w.program == "" || w.packages == "" || w.tree == "" || w.page == "" || w.release == "" || w.built == 0 || w.bom == "" || w.terms == "" || flag.NArg() != 0 {
		return fmt.Errorf("-program, -packages, -tree, -page, -release, -built, -bom and -terms are all needed")
	}
	parts, err := gather(w)
	if err != nil {
		return err
	}
	if err := create(w.bom, func(f io.Writer) error { return writeBOM(f, w.release, w.built, parts) }); err != nil {
		return err
	}
	return create(w.terms, func(f io.Writer) error { return writeTerms(f, w.release, parts, commonLicences) })
}

// gather is everything of others that the image holds.
func gather(w wanted) ([]part, error) {
	info, err := buildinfo.ReadFile(w.program)
	if err != nil {
		return nil, err
	}
	list, err := os.ReadFile(w.packages)
	if err != nil {
		return nil, err
	}
	page, err := os.ReadFile(w.page)
	if err != nil {
		return nil, err
	}
	modules := modules(info)
	if err := findModules(modules); err != nil {
		return nil, err
	}
	web, err := web(page, "webui")
	if err != nil {
		return nil, err
	}
	packages := debian(string(list))
	if err := findPackages(packages, w.tree); err != nil {
		return nil, err
	}
	return slices.Concat(modules, web, packages), nil
}

func create(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := write(f); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Close()
}
