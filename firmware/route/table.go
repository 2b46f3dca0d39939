// Package route decides where a call goes: which trunks carry a call from the PBX, in order, and whether a call from a
// trunk is for the PBX.
package route

import (
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Target is one way to place a call.
type Target struct {
	Peer policy.Peer
	Rule string // why, in words for the administrator
}

// Table is the routing of one policy. It does not change and is safe for concurrent use.
type Table struct{}

// New makes the table of p.
func New(p *policy.Policy) *Table { return &Table{} }

// Outbound returns the trunks for a call from the PBX to n, in the order in which to try them, and the name of the route.
func (t *Table) Outbound(n numbering.Number) ([]Target, string) { return nil, "" }

// Inbound returns the target of a call from a trunk to n; false when no account of that trunk owns n.
func (t *Table) Inbound(trunk string, n numbering.Number) (Target, bool) { return Target{}, false }

// Account returns the trunk's account that owns the presented number, else its first one; owned tells which.
func (t *Table) Account(trunk string, presented numbering.Number) (account policy.Account, owned bool) {
	return policy.Account{}, false
}

// AccountOf returns the trunk's account whose user part is user, as in a Request-URI addressed to a registered Contact.
func (t *Table) AccountOf(trunk, user string) (policy.Account, bool) { return policy.Account{}, false }
