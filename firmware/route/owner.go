package route

import (
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Owner returns the trunk that a number of ours belongs to: who keeps its voice mail and its registration.
func (t *Table) Owner(n numbering.Number) (Target, bool) {
	for _, trunk := range t.trunks {
		if account, owned := t.Account(trunk, n); owned {
			peer := policy.Peer{Side: policy.SideOutside, Name: trunk}
			return Target{Peer: peer, Rule: n.E164 + " belongs to account " + account.User + " of trunk " + trunk}, true
		}
	}
	return Target{}, false
}

// OwnerOf returns the first trunk that has an account with this user part, and the account.
func (t *Table) OwnerOf(user string) (Target, policy.Account, bool) {
	for _, trunk := range t.trunks {
		if account, ok := t.AccountOf(trunk, user); ok {
			peer := policy.Peer{Side: policy.SideOutside, Name: trunk}
			return Target{Peer: peer, Rule: "account " + account.User + " of trunk " + trunk}, account, true
		}
	}
	return Target{}, policy.Account{}, false
}
