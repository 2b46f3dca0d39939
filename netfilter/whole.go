package netfilter

import (
	"errors"
	"fmt"
	"strings"
)

// Whole tells whether the kernel has every chain and every set of the table in force. The error says which it lacks; before the first
// Set there is no table. The rules within the chains are not compared.
func (f *Filter) Whole() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.config == nil {
		return errors.New("the packet filter was not set")
	}
	have, err := f.kernel.read()
	if err != nil {
		return fmt.Errorf("look at the packet filter: %w", err)
	}
	if missing := f.rules.missing(have); len(missing) > 0 {
		return fmt.Errorf("the packet filter is not whole: the kernel lacks %s", strings.Join(missing, ", "))
	}
	return nil
}

// missing names what of the rules the kernel does not have.
func (r Ruleset) missing(have present) (list []string) {
	if !have.exists {
		return []string{"the table " + r.Table}
	}
	for _, c := range r.chains {
		if have.chains[c.name] == nil {
			list = append(list, "the chain "+c.name)
		}
	}
	for _, s := range r.sets {
		if have.sets[s.name] == nil {
			list = append(list, "the set "+s.name)
		}
	}
	return list
}
