// Command sbom lists what an image is made of, as CycloneDX 1.5: the modules that the program says it was built from, and the packages
// of Debian whose list scripts/image leaves beside the image.
//
//	go run ./scripts/sbom -program FILE -packages FILE -release TEXT -built SECONDS > bom.json
//
// The same input makes the same bytes.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

type document struct {
	Format     string      `json:"bomFormat"`
	Version    string      `json:"specVersion"`
	Revision   int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	URL     string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

func main() {
	program := flag.String("program", "", "the box's program")
	packages := flag.String("packages", "", "list of packages: name, version, SHA-256")
	release := flag.String("release", "", "what the image calls itself")
	built := flag.Int64("built", 0, "Unix seconds")
	flag.Parse()
	if err := run(*program, *packages, *release, *built); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(program, packages, release string, built int64) error {
	d := document{Format: "CycloneDX", Version: "1.5", Revision: 1, Metadata: metadata{
		Timestamp: time.Unix(built, 0).UTC().Format(time.RFC3339),
		Component: component{Type: "firmware", Name: "tollgate", Version: release},
	}}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(packages)
	if err != nil {
		return err
	}
	d.Components = append(modules(info), debian(string(text))...)
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(d)
}

// modules are what the program holds: Go's own library and every module it was linked from.
func modules(info *buildinfo.BuildInfo) []component {
	list := []component{{Type: "library", Name: "stdlib", Version: info.GoVersion, URL: "pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		for m.Replace != nil {
			m = m.Replace
		}
		list = append(list, component{Type: "library", Name: m.Path, Version: m.Version, URL: "pkg:golang/" + m.Path + "@" + url.PathEscape(m.Version)})
	}
	return list
}

// debian are the packages of a list.
func debian(list string) []component {
	var all []component
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		all = append(all, component{
			Type: "library", Name: f[0], Version: f[1], URL: fmt.Sprintf("pkg:deb/debian/%s@%s", f[0], url.QueryEscape(f[1])),
			Hashes: []hash{{"SHA-256", f[2]}},
		})
	}
	return all
}
