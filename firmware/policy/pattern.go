package policy

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is asked first: process 1 asks none, and a start with a policy that was
// checked when it came few.
type pattern func() *regexp.Regexp

func patternOf(text string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

func (p pattern) matches(s string) bool { return p().MatchString(s) }
