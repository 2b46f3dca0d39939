package api

import (
	"context"
	"strings"
)

// Box is what the operations act on. Main assembles it from apply, trunk, call and netfilter.
type Box interface {
	// Overview returns everything the dashboard shows. It is asked about once a second while somebody watches.
	Overview() Overview
	// EndedCalls returns the latest calls that are over, newest first.
	EndedCalls() []EndedCall
	// Import checks doc and puts it into force. The error is policy.Faults when the document is wrong and *Conflict
	// when it cannot be done now.
	Import(ctx context.Context, doc []byte, who, why string) (ImportResult, error)
	// Confirm keeps the revision on trial. The error is *Conflict when none is.
	Confirm(ctx context.Context, who string) (Revision, error)
	// Export returns the confirmed policy as YAML with its secrets masked. The error is *Conflict when there is none.
	Export(ctx context.Context) ([]byte, error)
}

// Conflict is why something cannot be done now, in words for a person.
type Conflict struct {
	Detail string // what stands against it, as a sentence
	Remedy string // what to do first, as a sentence
}

// Error returns Detail and Remedy.
func (c *Conflict) Error() string { return c.Detail + " " + c.Remedy }

// PressNeeded is why something is not done before somebody has pressed the button of the box.
type PressNeeded struct {
	Opened []string // what the policy would open, by its path
}

// Error returns a sentence.
func (n *PressNeeded) Error() string {
	return "The policy opens calls that can cost without a ceiling (" + strings.Join(n.Opened, "; ") + "), and nobody has pressed the button of the box."
}

// PhraseNeeded is why a bundle is not taken before somebody has typed the pass phrase that parts of it are sealed with.
type PhraseNeeded struct {
	Detail string // which part, as a sentence
	Wrong  bool   // one was typed, and it is another
}

// Error returns Detail.
func (n *PhraseNeeded) Error() string { return n.Detail }

// SocketName is the unix socket's name inside the state folder.
const SocketName = "tollgate.sock"
