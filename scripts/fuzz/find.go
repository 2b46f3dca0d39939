package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// target is one fuzz target.
type target struct{ folder, name string }

func (t target) String() string { return t.folder + " " + t.name }

// find lists the fuzz targets below a folder, in the order of their names. Modules of their own are left out.
func find(root string) ([]target, error) {
	begins := regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`)
	var targets []target
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && leftOut(path, e.Name()):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("look for fuzz targets: %w", err)
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return fmt.Errorf("look for fuzz targets: %w", err)
		}
		for _, m := range begins.FindAllSubmatch(source, -1) {
			targets = append(targets, target{filepath.ToSlash(folder), string(m[1])})
		}
		return nil
	})
	slices.SortFunc(targets, func(a, b target) int { return cmp.Or(cmp.Compare(a.folder, b.folder), cmp.Compare(a.name, b.name)) })
	return targets, err
}

// leftOut tells whether a folder holds no packages of the module.
func leftOut(path, name string) bool {
	if strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "out" {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}
