package policy

import (
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Bounds on the shape of a document. They keep the YAML parser, which recurses with depth and with the keys of a
// mapping, far from exhausting time or stack; a policy with a thousand accounts stays below them.
const (
	maxTokens = 100_000
	maxKeys   = 5_000
	maxDepth  = 16
)

// refused names what YAML offers and a policy has no use for. Anchors and aliases can blow a small text up to
// gigabytes, tags and directives change what plain text means.
func refused(t token.Type) (problem, hint string) {
	const quote = "put text that begins with this character between quotes"
	switch t {
	case token.AnchorType:
		return "an anchor (&) is not allowed here", quote
	case token.AliasType:
		return "an alias (*) is not allowed here", `put text that begins with this character between quotes, also "***"`
	case token.TagType:
		return "a tag (!) is not allowed here", quote
	case token.MergeKeyType:
		return "a merge key (<<) is not allowed here", "write the keys out"
	case token.MappingKeyType:
		return "a complex key (?) is not allowed here", quote
	case token.DirectiveType:
		return "a directive (%) is not allowed here", quote
	}
	return "", ""
}

// readTokens splits the text and tells everything in it that no policy may hold.
func readTokens(text string) (token.Tokens, Faults) {
	tokens := lexer.Tokenize(text)
	if bad := tokens.InvalidToken(); bad != nil {
		return nil, Faults{syntaxFault(bad, bad.Error)}
	}
	if len(tokens) > maxTokens {
		return nil, Faults{{Problem: fmt.Sprintf("the document has %d words and signs where %d are the most", len(tokens), maxTokens)}}
	}
	g := gate{refusedIn: map[token.Type]int{}}
	for i, t := range tokens {
		g.see(i, t, i == len(tokens)-1)
	}
	return tokens, g.faults
}

// gate reads tokens in order and keeps what it needs to judge the next.
type gate struct {
	faults    Faults
	refusedIn map[token.Type]int // the last line in which a kind of token was refused: once a line is enough
	keys      int                // keys of all mappings
	open      int                // brackets and braces not yet closed
	dashes    int                // list marks in a row on one line
	line      int                // of the last list mark
	begun     bool
}

func (g *gate) see(i int, t *token.Token, last bool) {
	if problem, hint := refused(t.Type); problem != "" && g.refusedIn[t.Type] != t.Position.Line {
		g.refusedIn[t.Type] = t.Position.Line
		g.fault(t, problem, hint)
	}
	g.documents(t, last)
	g.depth(t)
	if t.Type == token.MappingValueType {
		if g.keys++; g.keys == maxKeys+1 {
			g.fault(t, fmt.Sprintf("the document has more than %d keys", maxKeys), "")
		}
	}
}

// documents refuses a second document. One mark may open the first, one may close it.
func (g *gate) documents(t *token.Token, last bool) {
	const problem, hint = "a second document begins here", "put one policy in one file, without lines of --- or ..."
	switch t.Type {
	case token.DocumentHeaderType:
		if g.begun {
			g.fault(t, problem, hint)
		}
		g.begun = true
	case token.DocumentEndType:
		if !last {
			g.fault(t, problem, hint)
		}
	case token.CommentType:
	default:
		g.begun = true
	}
}

// depth counts what nests without indentation: brackets, braces and list marks on one line. Indentation itself is
// bounded by the size of the document.
func (g *gate) depth(t *token.Token) {
	before := max(g.open, g.dashes)
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		g.open++
	case token.SequenceEndType, token.MappingEndType:
		g.open--
	case token.SequenceEntryType:
		if t.Position.Line != g.line {
			g.dashes = 0
		}
		g.dashes++
		g.line = t.Position.Line
	}
	if max(g.open, g.dashes) > maxDepth && before <= maxDepth {
		g.fault(t, "lists and mappings are nested too deep", "")
	}
}

func (g *gate) fault(t *token.Token, problem, hint string) {
	g.faults = append(g.faults, Fault{Line: t.Position.Line, Column: t.Position.Column, Problem: problem, Hint: hint})
}
