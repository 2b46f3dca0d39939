package apply

import "tollgate/firmware/policy"

// Examine reads a document as Import would and tells what it would change; nothing changes. The error is policy.Faults when the
// document is wrong. It is possible while another policy is on trial, and then compares with that.
func (b *Box) Examine(doc []byte) (*policy.Policy, []policy.Change, error) {
	old, _, _ := b.Current()
	p, _, err := read(doc, old)
	if err != nil {
		return nil, nil, err
	}
	return p, policy.Diff(old, p), nil
}
