package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxRoutes bounds the routes, and the prefixes of each.
const maxRoutes = 1000

// routePrefix is the beginning of a number as ITU-T E.164 §6.1 writes it; "+" alone matches every number.
var routePrefix = patternOf(`^\+([1-9][0-9]{0,14})?$`)

func (c *checker) routes() {
	list := c.p.Routes
	if !c.atMost("routes", len(list), maxRoutes) {
		return
	}
	routeNames := names{c, map[string]string{}}
	owners := map[string]string{}
	for i, r := range list {
		path := index("routes", i)
		routeNames.add(path+".name", r.Name)
		c.routePrefixes(path, r, owners)
		c.routeTrunks(path+".trunks", r.Trunks)
		c.weights(path+".weights", r)
		c.when(path+".when", r.When)
	}
}

// routePrefixes checks that no route is left without calls. A longer prefix within a shorter one is how routes are meant,
// and the same one again where the first counts at some times only; behind one that always counts it would never be used.
func (c *checker) routePrefixes(path string, r Route, owners map[string]string) {
	at, list := path+".prefixes", r.Prefixes
	if !c.required(at, len(list) > 0, `write the beginnings of numbers, such as "+33", or "+" for all`) || !c.atMost(at, len(list), maxRoutes) {
		return
	}
	for i, prefix := range list {
		if !routePrefix.matches(prefix) {
			c.fault(index(at, i), `write it like "+33", or "+" for all numbers`, "%s is not the beginning of a number in international form", quoted(prefix))
			continue
		}
		owner, owned := owners[prefix]
		if owned || slices.Contains(list[:i], prefix) {
			c.fault(index(at, i), "keep one of the two", "%s is in %s already", prefix, cmp.Or(owner, path))
			continue
		}
		if r.When.Always() {
			owners[prefix] = path
		}
	}
}

func (c *checker) routeTrunks(path string, list []string) {
	if !c.required(path, len(list) > 0, "name the trunks in the order in which to try them") || !c.atMost(path, len(list), maxTrunks) {
		return
	}
	var known []string
	for _, t := range c.p.Trunks {
		if t.Name != "" {
			known = append(known, t.Name)
		}
	}
	for i, name := range list {
		switch {
		case !slices.Contains(known, name):
			c.fault(index(path, i), trunkHint(name, known), "there is no trunk named %s", quoted(name))
		case slices.Contains(list[:i], name):
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", name)
		}
	}
}

func trunkHint(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 || len(known) > 8 {
		return "write the name of one of the trunks"
	}
	return fmt.Sprintf("the trunks are %s", strings.Join(known, ", "))
}
