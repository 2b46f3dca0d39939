package policy

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// readTree builds the tree of the one document. Duplicate keys pass here, because the decoder tells all of them.
func readTree(tokens token.Tokens) (root ast.Node, faults Faults) {
	defer func() {
		// The parser is not ours, and its input is anybody's: a slip in it must cost a document, not the process.
		if recover() != nil {
			root, faults = nil, Faults{{Problem: notYAML, Hint: checkIndent}}
		}
	}()
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, Faults{syntaxFaultOf(err)}
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, Faults{{Line: 1, Column: 1, Problem: "the document is empty", Hint: "begin with what `tollgate example` prints"}}
	}
	return file.Docs[0].Body, nil
}

func syntaxFaultOf(err error) Fault {
	var at yaml.Error
	if errors.As(err, &at) {
		return syntaxFault(at.GetToken(), at.GetMessage())
	}
	return Fault{Problem: notYAML, Hint: checkIndent}
}

const (
	notYAML     = "this is not well-formed YAML"
	checkIndent = "check the indentation and the quotes here and in the lines above"
)

// syntaxFault says in plain words what the YAML parser means. Its own words are never passed on: they quote the source,
// and the source holds secrets.
func syntaxFault(t *token.Token, message string) Fault {
	f := Fault{Problem: notYAML, Hint: checkIndent}
	if t != nil && t.Position != nil {
		f.Line, f.Column = t.Position.Line, t.Position.Column
	}
	for _, s := range syntaxWords {
		if strings.Contains(message, s.contains) {
			f.Problem, f.Hint = s.problem, s.hint
			return f
		}
	}
	return f
}

// syntaxWords translates the messages that people meet; the first match counts.
var syntaxWords = [...]struct{ contains, problem, hint string }{
	{"tab character", "a tab stands where only spaces may", "indent with spaces"},
	{"'\\t'", "a tab stands where only spaces may", "indent with spaces"},
	{"'\t'", "a tab stands where only spaces may", "indent with spaces"},
	{"end character of", "a quote is opened here and never closed", "close it on the same line"},
	{"escape", "after a backslash between double quotes this character means nothing", "use single quotes, or write the backslash twice"},
	{"reserved character", "text may not begin with @ or `", "put it between quotes"},
	{"sequence end token", "a list is opened with [ and never closed", "close it with ]"},
	{"',' or ']'", "a list is opened with [ and not closed here", "put a comma between its values and ] after them"},
	{"'['", "a ] closes what no [ opened", ""},
	{"mapping end token", "a mapping is opened with { and never closed", "close it with }"},
	{"',' or '}'", "a mapping is opened with { and not closed here", "put a comma between its entries and } after them"},
	{"'{'", "a } closes what no { opened", ""},
	{"non-map value", "a key is expected here", "write it as `key: value`, indented like the keys above"},
	{"unexpected key name", "a key is expected here", "write it as `key: value`, indented like the keys above"},
	{"block sequence entries", "a list may not begin behind its key", "begin it on the next line, or write it as [one, two]"},
	{"mapping value is not allowed", "this value goes on like another key", "indent the next line like this one, or put text that holds `: ` between quotes"},
	{"not allowed in this context", "this does not belong to what stands before it", checkIndent},
}
