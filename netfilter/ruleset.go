package netfilter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
)

// DefaultTable is the name of the table when nothing else is asked for.
const DefaultTable = "tollgate"

// marker is an empty chain by which a table is known as one that this package made.
const marker = "made_by_tollgate"

// Ruleset is the whole table as plain data. It comes from Config.Ruleset.
type Ruleset struct {
	// Table is its name; the family is inet.
	Table    string
	counters []Counter
	sets     []set
	chains   []*chain
}

// Counter is one named decision and how often it was taken.
type Counter struct {
	Name, Comment  string
	Packets, Bytes uint64 // bytes with IP headers
}

// chain is a base chain when it has a hook, and a plain one otherwise.
type chain struct {
	name     string
	hook     *nftables.ChainHook
	hookName string
	priority int32
	policy   verdict
	nat      bool   // of type nat; else filter
	why      string // what it is for
	rules    []rule
}

// rule is known by its chain and its place in it.
type rule struct {
	id         string
	statements []statement
	why        string // what it is for
}

// comment is what the kernel keeps with the rule.
func (r rule) comment() string { return clean(r.id + ": " + r.why) }

// number gives each rule its identifier.
func (r Ruleset) number() {
	for _, c := range r.chains {
		for i := range c.rules {
			c.rules[i].id = fmt.Sprintf("%s.%d", c.name, i+1)
		}
	}
}

// String prints the table as `nft list table inet NAME` does, with counters at zero and without pinholes.
func (r Ruleset) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table inet %s {\n", r.Table)
	separate := ""
	next := func() {
		b.WriteString(separate)
		separate = "\n"
	}
	for _, c := range r.counters {
		next()
		fmt.Fprintf(&b, "\tcounter %s {\n\t\tpackets %d bytes %d\n\t}\n", c.Name, c.Packets, c.Bytes)
	}
	for _, s := range r.sets {
		next()
		s.print(&b)
	}
	for _, c := range r.chains {
		next()
		c.print(&b)
	}
	b.WriteString("}\n")
	return b.String()
}

func (c *chain) print(b *strings.Builder) {
	fmt.Fprintf(b, "\tchain %s {\n", c.name)
	if c.hook != nil {
		fmt.Fprintf(b, "\t\ttype %s hook %s priority %s; policy %s;\n", c.kind(), c.hookName, priorityText(c.priority), c.policy)
	}
	for _, r := range c.rules {
		fmt.Fprintf(b, "\t\t%s\n", r)
	}
	b.WriteString("\t}\n")
}

func (c *chain) kind() string {
	if c.nat {
		return "nat"
	}
	return "filter"
}

// String prints one rule.
func (r rule) String() string {
	return fmt.Sprintf("%s comment \"%s\"", r.text(), r.comment())
}

func (r rule) text() string {
	words := make([]string, 0, len(r.statements))
	for _, s := range r.statements {
		words = append(words, s.String())
	}
	return strings.Join(words, " ")
}

// priorityText names the priorities that nft has names for.
func priorityText(priority int32) string {
	switch priority {
	case atRaw:
		return "raw"
	case atFilter:
		return "filter"
	case atSourceNAT:
		return "srcnat"
	default:
		return fmt.Sprint(priority)
	}
}

// set returns the set of that name.
func (r Ruleset) set(name string) (set, bool) {
	for _, s := range r.sets {
		if s.name == name {
			return s, true
		}
	}
	return set{}, false
}

// with returns the ruleset with further elements, by set.
func (r Ruleset) with(extra map[string][]element) Ruleset {
	r.sets = slices.Clone(r.sets)
	for i, s := range r.sets {
		r.sets[i].elements = slices.Concat(s.elements, extra[s.name])
	}
	return r
}
