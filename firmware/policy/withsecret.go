package policy

import "fmt"

// WithSecret writes the policy with another secret of an account of a trunk, or of the PBX when trunk is empty: for the
// store, as Canonical does.
func (p *Policy) WithSecret(trunk, user string, s Secret) ([]byte, error) {
	q := p.clone()
	if trunk == "" && q.PBX.User == user && q.PBX.Secret != "" {
		q.PBX.Secret = s
		return q.Canonical()
	}
	for i := range q.Trunks {
		for j := range q.Trunks[i].Accounts {
			if a := &q.Trunks[i].Accounts[j]; q.Trunks[i].Name == trunk && a.User == user && a.Secret != "" {
				a.Secret = s
				return q.Canonical()
			}
		}
	}
	return nil, fmt.Errorf("the policy has no secret of %s %s", trunk, user)
}
