package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Check finds every fault of a policy whose defaults are filled in. The faults have paths, but no lines.
//
// Each check looks only at values that are there: what follows from a missing or broken value is not told as well.
func (p *Policy) Check() Faults { return p.check(true) }

func (p *Policy) check(judge bool) Faults {
	c := &checker{p: p, judge: judge}
	if p.Version != Version {
		c.faults = append(c.faults, versionFault(p.Version))
	}
	c.site()
	c.network()
	c.pbx()
	c.phones()
	c.trunks()
	c.peers()
	c.routes()
	c.admission()
	c.limits()
	c.bans()
	c.fraud()
	c.rotation()
	c.stick()
	c.updates()
	c.admin()
	return c.faults
}

// checker collects faults. Its methods are beside each other by section: site.go, network.go, pbx.go and so on.
type checker struct {
	p      *Policy
	judge  bool // whether passwords are strong enough
	faults Faults
}

func (c *checker) fault(path, hint, problem string, args ...any) {
	c.faults = append(c.faults, Fault{Path: path, Problem: fmt.Sprintf(problem, args...), Hint: hint})
}

func versionFault(v int) Fault {
	f := Fault{Path: "version", Problem: fmt.Sprintf("%d is not a version this Tollgate reads", v), Hint: "write version: 1"}
	switch {
	case v == 0:
		f.Problem = "is missing"
	case v > Version:
		f.Hint = "the document was made for a later Tollgate; this one reads version 1"
	}
	return f
}

func (c *checker) required(path string, there bool, hint string) bool {
	if !there {
		c.fault(path, hint, "is missing")
	}
	return there
}

// one checks a value that must be one of a few words.
func one[T ~string](c *checker, path string, value T, accepted ...T) bool {
	if slices.Contains(accepted, value) {
		return true
	}
	words := make([]string, len(accepted))
	for i, a := range accepted {
		words[i] = string(a)
	}
	c.fault(path, "write "+orList(words), "%s is not known here", quoted(string(value)))
	return false
}

// orList prints a, b or c.
func orList(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// namePattern keeps names usable everywhere they appear: in the filter's comments, in logs, in addresses of the page.
var namePattern = patternOf(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

// names checks the names of trunks or routes: well-formed, and each used once. Capital letters make no difference,
// because two names that differ only in them are one name to a person.
type names struct {
	c    *checker
	seen map[string]string
}

func (n *names) add(path, name string) {
	const hint = "use up to 32 letters, digits, dots, dashes and underscores"
	if !n.c.required(path, name != "", hint) {
		return
	}
	if !namePattern.matches(name) {
		n.c.fault(path, hint, "%s is not a name", quoted(name))
		return
	}
	key := strings.ToLower(name)
	if owner, taken := n.seen[key]; taken {
		n.c.fault(path, "choose another", "%s is the name of %s already", name, owner)
		return
	}
	n.seen[key] = parent(path)
}

// atMost bounds a list. The checks of lists compare pairs, which a hostile document must not make expensive.
func (c *checker) atMost(path string, n, most int) bool {
	if n > most {
		c.fault(path, "", "has %d entries where %d are the most", n, most)
	}
	return n <= most
}

// index returns the path of an element of a list.
func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
