package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tollgate/firmware/policy"
)

// hole is a place of the template that a column fills: {{user}} with what stands in the cell, {{numbers...}} with all of them, when
// blanks stand between several.
var hole = regexp.MustCompile(`\{\{ *([a-z][a-z0-9_]*)(\.\.\.)? *\}\}`)

// template is a policy with holes.
type template string

// columns tells which columns a template needs, and which line of it uses each.
func (t template) columns() map[string]int {
	lines := map[string]int{}
	for i, line := range strings.Split(string(t), "\n") {
		for _, found := range hole.FindAllStringSubmatch(line, -1) {
			if lines[found[1]] == 0 {
				lines[found[1]] = i + 1
			}
		}
	}
	return lines
}

// fits tells what of a template and the columns of a list does not go together.
func (t template) fits(columns []string) (faults []fault) {
	needed := t.columns()
	for name, line := range needed {
		if !slices.Contains(columns, name) {
			faults = append(faults, fault{1, name, fmt.Sprintf("is missing, and line %d of the policy asks for it", line)})
		}
	}
	for _, name := range columns {
		if needed[name] == 0 && name != serialColumn && name != macColumn && name != recipientColumn {
			faults = append(faults, fault{1, name, "is used nowhere in the policy: write {{" + name + "}} there, or leave it out"})
		}
	}
	slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.column, b.column) })
	return faults
}

// fill returns the policy of a box. Cells are written in quotes, so that nothing in them can be anything but a value.
func (t template) fill(b box) (string, []fault) {
	var faults []fault
	doc := hole.ReplaceAllStringFunc(string(t), func(found string) string {
		m := hole.FindStringSubmatch(found)
		cell := b.cells[m[1]]
		if cell == "" {
			faults = append(faults, fault{b.line, m[1], "is empty, and the policy asks for it"})
		}
		if m[2] == "" {
			return quoted(cell)
		}
		words := strings.Fields(cell)
		for i, w := range words {
			words[i] = quoted(w)
		}
		return strings.Join(words, ", ")
	})
	if len(faults) > 0 {
		return "", faults
	}
	return doc, append(faults, t.judge(doc, b)...)
}

// judge checks the policy of a box. What is wrong is told of the column that fills the line, if there is one.
func (t template) judge(doc string, b box) (faults []fault) {
	_, err := policy.Parse([]byte(doc))
	var wrong policy.Faults
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &wrong):
		return []fault{{b.line, "", err.Error()}}
	}
	lines := strings.Split(string(t), "\n")
	for _, w := range wrong {
		column := ""
		if w.Line > 0 && w.Line <= len(lines) {
			if m := hole.FindStringSubmatch(lines[w.Line-1]); m != nil {
				column = m[1]
			}
		}
		faults = append(faults, fault{b.line, column, fmt.Sprintf("the policy, line %d: %s: %s", w.Line, w.Path, w.Problem)})
	}
	return faults
}

// quoted writes a value as a scalar in double quotes (YAML 1.2 §7.3.1). A number is written plain, since it may be one.
func quoted(cell string) string {
	if n, err := strconv.Atoi(cell); err == nil && strconv.Itoa(n) == cell && n >= 0 && len(cell) < 7 {
		return cell
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(cell) + `"`
}
