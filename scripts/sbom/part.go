package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
)

// part is something that others have written.
type part struct {
	Name    string
	Version string
	URL     string // a package URL (purl)
	SHA256  string // of the package that was taken; may be empty
	Licence string // SPDX identifier, where its makers give one
	Terms   []text
}

// text is a file with terms.
type text struct{ Name, Content string }

// termsName are the names that files with terms have.
var termsName = regexp.MustCompile(`(?i)^(un)?(licen[cs]es?|copying|notice|patents|ofl)(\.(md|txt))?$`)

// modules are what the program holds: Go's own library and every module it was linked from.
func modules(info *debug.BuildInfo) []part {
	list := []part{{Name: "stdlib", Version: info.GoVersion, URL: "pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		for m.Replace != nil {
			m = m.Replace
		}
		list = append(list, part{Name: m.Path, Version: m.Version, URL: "pkg:golang/" + strings.ToLower(m.Path) + "@" + escaped(m.Version)})
	}
	return list
}

// escaped is a version as a package URL has it.
func escaped(version string) string { return strings.ReplaceAll(url.QueryEscape(version), "+", "%20") }

// findModules reads the terms of Go and of modules where Go keeps them.
func findModules(list []part) error {
	args := []string{"list", "-m", "-f", "{{.Dir}}"}
	for _, p := range list[1:] {
		args = append(args, p.Name+"@"+p.Version)
	}
	dirs, err := ask("go", args...)
	if err != nil {
		return err
	}
	root, err := ask("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	for n, dir := range append(root, dirs...) {
		if list[n].Terms, err = termsIn(os.DirFS(dir)); err != nil {
			return fmt.Errorf("terms of %s: %w", list[n].Name, err)
		}
	}
	return nil
}

// ask runs a program that answers in lines.
func ask(name string, args ...string) ([]string, error) {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), nil
}

// termsIn reads all terms at the top of a folder, and those in folders below it named LICENSES, as REUSE has them.
func termsIn(dir fs.FS) ([]text, error) {
	var list []text
	for _, pattern := range []string{"*", "LICENSES/*"} {
		names, err := fs.Glob(dir, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			info, err := fs.Stat(dir, name)
			if err != nil {
				return nil, err
			}
			if info.IsDir() || pattern == "*" && !termsName.MatchString(name) {
				continue
			}
			content, err := fs.ReadFile(dir, name)
			if err != nil {
				return nil, err
			}
			list = append(list, text{name, string(content)})
		}
	}
	if len(list) == 0 {
		return nil, errors.New("there are none")
	}
	return list, nil
}

// web are what was built into the page: what its list names, and the fonts, which are no scripts and so not in it.
func web(list []byte, folder string) ([]part, error) {
	var built []struct{ Name, Version, Identifier, Text string }
	if err := json.Unmarshal(list, &built); err != nil {
		return nil, fmt.Errorf("the list of the page: %w", err)
	}
	var parts []part
	for _, b := range built {
		if b.Text == "" {
			return nil, fmt.Errorf("terms of %s: there are none", b.Name)
		}
		parts = append(parts, part{Name: b.Name, Version: b.Version, URL: npm(b.Name, b.Version), Licence: b.Identifier, Terms: []text{{"LICENSE", b.Text}}})
	}
	var page struct{ Dependencies map[string]string }
	content, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &page); err != nil {
		return nil, fmt.Errorf("the page's package.json: %w", err)
	}
	for name, version := range page.Dependencies {
		if slices.ContainsFunc(parts, func(p part) bool { return p.Name == name }) {
			continue
		}
		p := part{Name: name, Version: version, URL: npm(name, version)}
		if p.Terms, err = termsIn(os.DirFS(filepath.Join(folder, "node_modules", name))); err != nil {
			return nil, fmt.Errorf("terms of %s: %w", name, err)
		}
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.Name, b.Name) })
	return parts, nil
}

// npm is the package URL of a package for Node; @ before a scope is escaped.
func npm(name, version string) string {
	return "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + escaped(version)
}

// debian are the packages of a list.
func debian(list string) []part {
	var all []part
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) == 3 {
			all = append(all, part{Name: f[0], Version: f[1], URL: "pkg:deb/debian/" + f[0] + "@" + escaped(f[1]), SHA256: f[2]})
		}
	}
	return all
}

// findPackages reads the terms that packages of Debian bring (Debian Policy, section 12.5).
func findPackages(list []part, tree string) error {
	for n := range list {
		content, err := os.ReadFile(filepath.Join(tree, "usr/share/doc", list[n].Name, "copyright"))
		if err != nil {
			return fmt.Errorf("terms of %s: %w", list[n].Name, err)
		}
		list[n].Terms = []text{{"copyright", string(bytes.ToValidUTF8(content, []byte("?")))}}
	}
	return nil
}
