package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// commonLicences is where Debian keeps the texts that its packages name (package base-files).
const commonLicences = "/usr/share/common-licenses"

// commonName finds which.
var commonName = regexp.MustCompile(commonLicences + `/([A-Za-z0-9.+-]*[A-Za-z0-9])`)

const preface = `What others have written of Tollgate %s, and its terms.

Tollgate's own code is its owner's, who has given no licence to it. Each part below is its makers'. A text that was
printed once is named the second time. The sources of Debian's packages, the Linux kernel's among them (GPL, version 2),
are Debian's source packages of the same versions.

`

// writeTerms writes the terms of all parts, each text once, and the licences that they name, which are read from the folder common.
func writeTerms(w io.Writer, release string, parts []part, common string) error {
	var b strings.Builder
	fmt.Fprintf(&b, preface, release)
	printed := map[string]string{} // whose terms a text was printed as
	named := map[string]bool{}
	for _, p := range parts {
		heading(&b, p.Name+" "+p.Version)
		for _, t := range p.Terms {
			content := strings.TrimSpace(strings.ReplaceAll(t.Content, "\r\n", "\n"))
			if as := printed[content]; as != "" {
				fmt.Fprintf(&b, "%s: the same as %s\n\n", t.Name, as)
				continue
			}
			printed[content] = t.Name + " of " + p.Name
			fmt.Fprintf(&b, "%s:\n\n%s\n\n", t.Name, content)
			for _, m := range commonName.FindAllStringSubmatch(content, -1) {
				named[m[1]] = true
			}
		}
	}
	for _, name := range sorted(named) {
		content, err := os.ReadFile(filepath.Join(common, name))
		if err != nil {
			return fmt.Errorf("a licence that a package of Debian names: %w", err)
		}
		heading(&b, commonLicences+"/"+name)
		fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(string(content)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func heading(b *strings.Builder, what string) {
	fmt.Fprintf(b, "%s\n%s\n\n", what, strings.Repeat("=", len(what)))
}

func sorted(set map[string]bool) []string {
	var list []string
	for name := range set {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
