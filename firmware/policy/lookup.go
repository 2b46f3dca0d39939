package policy

// Trunk returns the trunk of that name, or nil. What it points to belongs to p: read it, do not write it.
func (p *Policy) Trunk(name string) *Trunk {
	for i := range p.Trunks {
		if p.Trunks[i].Name == name {
			return &p.Trunks[i]
		}
	}
	return nil
}
